//! The recipes of the members of a bag.

use super::super::args::Vary;
use super::super::setting;
use crate::error::Error;
use crate::nn::{Init, Loss};
use crate::ops::{losses, optimizers};
use crate::train::{Job, Recipe};

/// Ways to draw initial weights that suit networks of any depth.
const INITS: [Init; 6] =
    [Init::He, Init::Xavier, Init::Glorot, Init::HeUniform, Init::XavierUniform, Init::GlorotUniform];

/// By what the widths of hidden layers are multiplied.
const WIDTHS: [f64; 5] = [1.0, 0.5, 2.0, 0.75, 1.5];

/// The recipe of each of `k` members, and what sets it apart. All have one split. Where fewer values are there than members,
/// they come again with the next seed.
///
/// # Errors
/// There are no values to vary between.
pub(super) fn recipes(typed: &Recipe, job: &Job, vary: Option<Vary>, k: u32) -> Result<Vec<(Recipe, String)>, Error> {
    let seed = job.settings.seed;
    let split_seed = Some(job.settings.split_seed.unwrap_or(seed));
    let bootstrap = typed.bootstrap.unwrap_or(vary.is_none());
    if vary.is_none() && !bootstrap {
        return Err(setting("without --bootstrap nothing differs from member to member: leave it out, or give --vary"));
    }
    let values = vary.map_or_else(|| Ok(vec![]), |vary| values(vary, job))?;
    let every = values.len().max(1) as u64;
    let member = |number: u64| {
        let seed = seed.wrapping_add(number / every);
        let mut recipe = Recipe { seed: Some(seed), split_seed, bootstrap: Some(bootstrap), ..typed.clone() };
        let told = match values.get((number % every) as usize) {
            None => format!("seed {seed}"),
            Some(value) => {
                let again = if number < every { String::new() } else { format!(", seed {seed}") };
                format!("{}{again}", value.set(&mut recipe))
            }
        };
        (recipe, told)
    };
    Ok((0..u64::from(k)).map(member).collect())
}

/// A value of what differs.
enum Of {
    Init(Init),
    Optimizer(&'static str),
    Loss(Loss),
    Layers(Vec<String>),
}

impl Of {
    /// Sets it in a recipe, and says which it is.
    fn set(&self, recipe: &mut Recipe) -> String {
        match self {
            Self::Init(init) => {
                recipe.init = Some(*init);
                format!("init {init}")
            }
            Self::Optimizer(name) => {
                recipe.optimizer = Some((*name).to_owned());
                format!("optimizer {name}")
            }
            Self::Loss(loss) => {
                recipe.loss = Some(*loss);
                format!("loss {loss}")
            }
            Self::Layers(layers) => {
                (recipe.hidden, recipe.dropout, recipe.layers) = (None, None, Some(layers.clone()));
                layers.join(", ")
            }
        }
    }
}

/// The values that a setting is varied between, the job's own first. None for the seed.
fn values(vary: Vary, job: &Job) -> Result<Vec<Of>, Error> {
    let settings = &job.settings;
    match vary {
        Vary::Seed => Ok(vec![]),
        Vary::Init => Ok(INITS.map(Of::Init).into()),
        Vary::Optimizer => {
            let mut names: Vec<&str> = optimizers().map(|kind| kind.name).collect();
            names.sort_by_key(|name| *name != settings.optimizer);
            Ok(names.into_iter().map(Of::Optimizer).collect())
        }
        Vary::Loss => {
            let own = job.problem.loss;
            let alike = losses().filter(|kind| kind.link.name == own.kind().link.name);
            let read = alike.filter_map(|kind| Loss::read(kind.name, &[]).ok());
            let mut all: Vec<Loss> = read.filter(|loss| loss.judges(job.problem.answer)).collect();
            all.sort_by_key(|loss| loss.kind().name != own.kind().name);
            if all.len() < 2 {
                let what = format!("{own} is the only loss that judges outputs like these");
                return Err(setting(format!("{what}, so there is nothing to vary: give another --vary")));
            }
            Ok(all.into_iter().map(Of::Loss).collect())
        }
        Vary::Layers => WIDTHS.iter().map(|&factor| scaled(&settings.layers, factor).map(Of::Layers)).collect(),
    }
}

/// The layers with the widths of the hidden linear ones multiplied by a factor.
fn scaled(layers: &[String], factor: f64) -> Result<Vec<String>, Error> {
    let (mut hidden, last) = (0, layers.len().saturating_sub(1));
    let scale = |(at, layer): (usize, &String)| {
        let mut words: Vec<String> = layer.split_whitespace().map(str::to_owned).collect();
        if let ([kind, width, ..], true) = (&mut words[..], at < last)
            && kind == "linear"
            && let Ok(number) = width.parse::<f64>()
        {
            hidden += 1;
            *width = ((number * factor).round() as usize).max(1).to_string();
        }
        words.join(" ")
    };
    let scaled = layers.iter().enumerate().map(scale).collect();
    if hidden == 0 {
        return Err(setting("the network has no hidden linear layer whose width could vary: give another --vary"));
    }
    Ok(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_hidden_layers_are_scaled_and_nothing_else() {
        let layers = ["conv 8 3", "flatten", "linear 30 init=he", "relu", "linear 10"].map(str::to_owned);
        let scaled = |factor| scaled(&layers, factor).unwrap_or_default();
        assert_eq!(scaled(1.0), layers);
        assert_eq!(scaled(0.75), ["conv 8 3", "flatten", "linear 23 init=he", "relu", "linear 10"]);
        assert!(super::scaled(&layers[3..], 2.0).is_err());
    }
}

//! The recipes of the members of a bag.

use super::super::args::Vary;
use super::super::{data_dir, setting};
use super::widths::scaled;
use crate::error::Error;
use crate::nn::{Init, LayerText, Loss, Tensor};
use crate::op::Target;
use crate::ops::{losses, optimizers};
use crate::train::{Job, Recipe, Settings, prepare};
use clap::ValueEnum;
use std::hash::{DefaultHasher, Hasher};

/// Ways to draw initial weights that suit networks of any depth.
const INITS: [Init; 6] =
    [Init::He, Init::Xavier, Init::Glorot, Init::HeUniform, Init::XavierUniform, Init::GlorotUniform];

/// By what the widths of hidden layers are multiplied, beside one.
const WIDTHS: [f64; 4] = [0.5, 2.0, 0.75, 1.5];

/// The recipes of the members, each with what sets it apart, and what the user should know of them.
pub(super) struct Varied {
    pub(super) recipes: Vec<(Recipe, String)>,
    pub(super) note: Option<String>,
}

/// The recipes of `k` members, all with one split, each of which can be trained on the data for a target. Where fewer values are
/// there than members, they come again with the next seed.
///
/// # Errors
/// There are no values to vary between, or a value does not go with the other settings.
pub(super) fn varied(
    (typed, job): (&Recipe, &Job),
    vary: Option<Vary>,
    k: u32,
    target: Target,
) -> Result<Varied, Error> {
    let seed = job.settings.seed;
    let split_seed = Some(job.settings.split_seed.unwrap_or(seed));
    let bootstrap = Some(typed.bootstrap.unwrap_or(vary.is_none()));
    if vary.is_none() && bootstrap == Some(false) {
        return Err(setting("without --bootstrap nothing differs from member to member: leave it out, or give --vary"));
    }
    let base = Recipe { seed: Some(seed), split_seed, bootstrap, ..typed.clone() };
    let (mut values, mut note) = (vec![], None);
    if let Some(vary) = vary.filter(|vary| *vary != Vary::Seed) {
        values = distinct(all(vary, job)?, &base, k as usize, target)?;
        let (count, word) = (values.len(), vary.word());
        if count < 2 {
            let why = vary.why_alike(job);
            return Err(setting(format!("with --vary {word} no two members would differ: {why}; give another --vary")));
        }
        note = (count < k as usize).then(|| {
            let from = format!("from member {} on they come again, with another seed", count + 1);
            format!("--vary {word} makes {count} different members here: {from}")
        });
    }
    let every = values.len().max(1) as u64;
    let member = |number: u64| {
        let seed = seed.wrapping_add(number / every);
        let mut recipe = Recipe { seed: Some(seed), ..base.clone() };
        let told = match values.get((number % every) as usize) {
            None => format!("seed {seed}"),
            Some(value) if number < every => value.set(&mut recipe),
            Some(value) => format!("{}, seed {seed}", value.set(&mut recipe)),
        };
        (recipe, told)
    };
    Ok(Varied { recipes: (0..u64::from(k)).map(member).collect(), note })
}

/// The first values, `most` of them, that make different trainings of a recipe.
///
/// # Errors
/// A value does not go with the recipe's other settings.
fn distinct(values: Vec<Of>, base: &Recipe, most: usize, target: Target) -> Result<Vec<Of>, Error> {
    let (mut kept, mut known) = (vec![], vec![]);
    for value in values {
        if kept.len() == most {
            break;
        }
        let mut recipe = base.clone();
        let told = value.set(&mut recipe);
        let resolved = Resolved::of(&recipe, target).map_err(|error| match error.exit_code() {
            2 => setting(format!("member {}, {told}: {error}", kept.len() + 1)),
            _ => error,
        })?;
        if !known.contains(&resolved) {
            kept.push(value);
            known.push(resolved);
        }
    }
    Ok(kept)
}

/// All that a training depends on, with every default filled in.
#[derive(PartialEq)]
struct Resolved {
    settings: Settings,
    /// Of the values of each tensor, as they are before the first step.
    start: Vec<u64>,
}

impl Resolved {
    /// That of a recipe.
    ///
    /// # Errors
    /// The recipe cannot be trained.
    fn of(recipe: &Recipe, target: Target) -> Result<Self, Error> {
        let (job, _) = prepare(recipe, data_dir().as_deref())?;
        let (_, compiled) = job.compile(target)?;
        // Of `init` no more matters than what it makes of the weights: a layer may have its own.
        let settings = Settings { init: None, ..job.settings };
        let hash = |(index, tensor): (usize, &Tensor)| {
            let mut hasher = DefaultHasher::new();
            tensor.initial(settings.seed, index).iter().for_each(|value| hasher.write_u32(value.to_bits()));
            hasher.finish()
        };
        Ok(Self { start: compiled.tensors.iter().enumerate().map(hash).collect(), settings })
    }
}

impl Vary {
    /// The word of the command line.
    fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Why no value makes another training of a job.
    fn why_alike(self, job: &Job) -> String {
        match self {
            Self::Init => "no initial weight depends on --init, as each layer has an init= of its own".into(),
            Self::Layers => "there is no hidden linear layer whose width could vary".into(),
            Self::Loss => format!("{} is the only loss that judges outputs like these", job.problem.loss),
            Self::Seed | Self::Optimizer => "there is one value".into(),
        }
    }
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

/// The values that a setting is varied between: first the job's own, but of `init` only if it is given. None for the seed.
///
/// # Errors
/// A layer cannot be read.
fn all(vary: Vary, job: &Job) -> Result<Vec<Of>, Error> {
    let settings = &job.settings;
    Ok(match vary {
        Vary::Seed => vec![],
        Vary::Init => {
            let others = INITS.into_iter().filter(|init| Some(*init) != settings.init);
            settings.init.into_iter().chain(others).map(Of::Init).collect()
        }
        Vary::Optimizer => {
            let mut names: Vec<&str> = optimizers().map(|kind| kind.name).collect();
            names.sort_by_key(|name| *name != settings.optimizer);
            names.into_iter().map(Of::Optimizer).collect()
        }
        Vary::Loss => {
            let own = job.problem.loss;
            let alike = losses().filter(|kind| kind.link.name == own.kind().link.name);
            let read = alike.filter_map(|kind| Loss::read(kind.name, &[]).ok());
            let mut all: Vec<Loss> = read.filter(|loss| loss.judges(job.problem.answer)).collect();
            all.sort_by_key(|loss| loss.kind().name != own.kind().name);
            all.into_iter().map(Of::Loss).collect()
        }
        Vary::Layers => {
            let texts = job.network(settings.init)?.texts();
            let layers: Result<Vec<LayerText>, String> = texts.iter().map(|text| text.parse()).collect();
            let layers = layers.map_err(Error::Setting)?;
            let texts = |layers: &[LayerText]| Of::Layers(layers.iter().map(ToString::to_string).collect());
            let others = WIDTHS.iter().map(|&factor| texts(&scaled(&layers, factor)));
            std::iter::once(texts(&layers)).chain(others).collect()
        }
    })
}

//! What a net trained with dropout predicts: by the weight-scaling rule, one pass without masks, or by the mean of the
//! probabilities under k sampled masks, which the rule stands for (Srivastava et al. 2014, section 7.5 and figure 11:
//! about 50 masks are as good as the rule).
//!
//! For one linear unit the rule is that mean exactly, here over the four masks of two inputs; behind a ReLU it is near it.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::model::{described, first_layers, inputs};
use common::{Failure, Plot, Report, Series, Setup, mean};
use std::collections::BTreeMap;
use wgrad::data;
use wgrad::export::{Model, Normalization, Values};
use wgrad::metrics::wilson;
use wgrad::nn::{Answer, Loss};
use wgrad::op::Value;
use wgrad::run::Predictor;
use wgrad::train::Schedule;

/// Masks that are averaged.
pub const COUNTS: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];

/// Masks that are sampled in all: means of `k` are taken over as many groups of them as there are.
const MASKS: usize = 200;

/// Probability to drop an input, and a hidden unit.
const DROPPED: [f64; 2] = [0.2, 0.5];

/// What averaging so many masks gives.
#[derive(Clone, Copy, Debug)]
pub struct Averaged {
    /// Masks.
    pub count: usize,
    /// Share of wrong answers on the test part, mean over the groups.
    pub error: f64,
    /// Its standard deviation over the groups, over n.
    pub deviation: f64,
    /// The deviation that the difference of two equally good predictors has, by the rows on which one of this and the rule
    /// is right and the other wrong (McNemar 1947): the root of their number, as a share of all rows.
    pub chance: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Rows of the test part.
    pub rows: usize,
    /// Share of wrong answers by the weight-scaling rule.
    pub rule: f64,
    /// By averaging.
    pub averaged: Vec<Averaged>,
    /// Largest difference of a probability between the two ways to write the rule.
    pub apart: f64,
    /// Outputs of the unit of two inputs: under each mask, and by the rule.
    pub unit: (Vec<f32>, f32),
}

/// A linear unit of two inputs, each dropped half of the time: its output under each mask that came up, in order, and by
/// the rule. All of its numbers are sums of few powers of two, so nothing is rounded.
fn two_inputs(setup: &Setup) -> Result<(Vec<f32>, f32), Failure> {
    let layers = vec!["dropout 0.5 rule=weight_scaling".to_owned(), "linear 1 bias=false".into()];
    let normalize = Normalization::new("none".into(), 0.0, &data::Affine::none(2));
    let weights = BTreeMap::from([("1.weight".into(), Values::Floats(vec![1, 2], vec![0.75, 2.5]))]);
    let model = described(layers, vec![2], (Answer::Numbers, Loss::MSE), 1, normalize, weights);
    let mut predictor = Predictor::for_inputs(&model, false, Some(0), &setup.device)?;
    // Each row draws a mask of its own; of 64 a certain one of four is missing once in 10^8.
    let rows = data::Values::Floats([1.0, 2.0].repeat(64));
    let sampled = predictor.sampled(&rows, 1, |outputs| vec![f64::from(outputs[0])])?;
    let mut outputs: Vec<f32> = sampled.iter().map(|row| row.mean[0] as f32).collect();
    outputs.sort_by(f32::total_cmp);
    outputs.dedup();
    Ok((outputs, predictor.outputs(&rows)?[0]))
}

fn train(setup: &Setup) -> Result<(Model, data::Values, Vec<u32>), Failure> {
    let [input, hidden] = DROPPED.map(|p| format!("dropout {p}"));
    let unit = format!("linear {}", setup.pick(256, 512));
    let mut recipe = setup.recipe(&[&input, &unit, "relu", &hidden, &unit, "relu", &hidden, "linear"], 0.4);
    recipe.lr = Some(setup.pick(0.05, 0.1));
    recipe = recipe.with("momentum", Value::Number(0.9));
    recipe.schedule = Some(Schedule::cosine());
    recipe.max_norm = Some(setup.pick(1.5, 2.0));
    recipe.batch = Some(setup.pick(20, 100));
    recipe.epochs = Some(setup.pick(20, 15));
    let mut trainer = setup.trainer(&recipe)?;
    trainer.train_steps(trainer.total_steps())?;
    let test = trainer.job().split.test.clone();
    let labels = trainer.job().dataset.targets.classes().ok_or("the target is no class")?.0;
    let labels = test.iter().map(|&row| labels[row as usize]).collect();
    let layers = trainer.layers().len();
    Ok((first_layers(&mut trainer, layers)?, inputs(&trainer, &test), labels))
}

/// The same net by the other rule: training does not scale, so weights behind dropout are larger by 1/(1 - p).
fn rewritten(model: &Model) -> Result<Model, Failure> {
    let mut other = model.clone();
    let metadata = other.metadata.as_mut().ok_or("the model is described")?;
    for (index, layer) in metadata.layers.iter_mut().enumerate() {
        let Some(p) = layer.strip_prefix("dropout ") else { continue };
        let factor = 1.0 / (1.0 - p.parse::<f64>()?);
        let name = format!("{}.weight", index + 1);
        let Some(Values::Floats(_, weights)) = other.tensors.get_mut(&name) else {
            return Err(format!("{name} is no tensor of weights").into());
        };
        weights.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        layer.push_str(" rule=weight_scaling");
    }
    Ok(other)
}

/// Probabilities of each row's classes, one row after the other.
fn by_rule(setup: &Setup, model: &Model, rows: &data::Values) -> Result<Vec<f64>, Failure> {
    let mut predictor = Predictor::for_inputs(model, matches!(rows, data::Values::Bytes(_)), None, &setup.device)?;
    let (outputs, problem) = (predictor.outputs(rows)?, predictor.problem());
    Ok(outputs.chunks(problem.names.len()).flat_map(|outputs| problem.probabilities(outputs)).collect())
}

/// The same under a mask.
fn under_mask(setup: &Setup, model: &Model, rows: &data::Values, mask: u64) -> Result<Vec<f32>, Failure> {
    let mut predictor =
        Predictor::for_inputs(model, matches!(rows, data::Values::Bytes(_)), Some(mask), &setup.device)?;
    let problem = predictor.problem().clone();
    let sampled = predictor.sampled(rows, 1, |outputs| problem.probabilities(outputs))?;
    Ok(sampled.iter().flat_map(|row| row.mean.iter().map(|&p| p as f32)).collect())
}

/// Whether each row's most probable class is not its own.
fn wrong(probabilities: &[f64], labels: &[u32]) -> Vec<bool> {
    let classes = probabilities.len() / labels.len();
    let wrong = |(row, label): (&[f64], &u32)| {
        let most = (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        most != Some(*label as usize)
    };
    probabilities.chunks(classes).zip(labels).map(wrong).collect()
}

/// The share that is true.
fn share(all: impl IntoIterator<Item = bool>) -> f64 {
    mean(all.into_iter().map(|one| f64::from(u8::from(one))))
}

/// What the mean of `count` masks does, over the groups of so many, beside the rule's mistakes.
fn averaged(masks: &[Vec<f32>], labels: &[u32], count: usize, rule: &[bool]) -> Averaged {
    let of = |group: &[Vec<f32>]| {
        let sum = |at: usize| group.iter().map(|mask| f64::from(mask[at])).sum::<f64>();
        let wrong = wrong(&(0..group[0].len()).map(sum).collect::<Vec<_>>(), labels);
        let differ = share(wrong.iter().zip(rule).map(|(a, b)| a != b));
        (share(wrong), differ)
    };
    let (errors, differ): (Vec<f64>, Vec<f64>) = masks.chunks_exact(count).map(of).unzip();
    let error = mean(errors.iter().copied());
    let deviation = mean(errors.iter().map(|one| (one - error).powi(2))).sqrt();
    Averaged { count, error, deviation, chance: (mean(differ) / labels.len() as f64).sqrt() }
}

/// Trains, and predicts in all ways.
pub fn run(setup: &Setup) -> Result<Found, Failure> {
    let unit = two_inputs(setup)?;
    let (model, rows, labels) = train(setup)?;
    let rule = by_rule(setup, &model, &rows)?;
    let other = by_rule(setup, &rewritten(&model)?, &rows)?;
    let apart = rule.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let masks = (0..MASKS as u64).map(|mask| under_mask(setup, &model, &rows, mask)).collect::<Result<Vec<_>, _>>()?;
    let rule = wrong(&rule, &labels);
    let averaged = COUNTS.map(|count| averaged(&masks, &labels, count, &rule)).to_vec();
    let found = Found { rows: labels.len(), rule: share(rule), averaged, apart, unit };
    show(setup, &found)?;
    Ok(found)
}

impl Found {
    /// Of a mean of so many masks.
    pub fn of(&self, count: usize) -> Result<Averaged, Failure> {
        let found = self.averaged.iter().find(|averaged| averaged.count == count);
        found.copied().ok_or_else(|| format!("means of {count} masks were not taken").into())
    }

    /// The fewest masks whose mean's error is not above the rule's by more than two deviations of chance.
    pub fn matched(&self) -> Option<usize> {
        let near = |averaged: &&Averaged| averaged.error <= self.rule + 2.0 * averaged.chance;
        self.averaged.iter().find(near).map(|averaged| averaged.count)
    }

    /// The 95 % interval of the rule's error.
    pub fn interval(&self) -> [f64; 2] {
        wilson((self.rule * self.rows as f64).round() as usize, self.rows)
    }
}

fn claims(report: &mut Report, found: &Found) -> Result<(), Failure> {
    let (outputs, rule) = &found.unit;
    let middle = outputs.iter().sum::<f32>() / 4.0;
    let text = format!("a linear unit of two inputs: the mean over its masks, of {outputs:?}, is the rule's {rule}");
    report.claim(&text, outputs.len() == 4 && middle == *rule);
    let text = "scaling in training, or weights at inference, is the same: probabilities differ by less than 1e-5";
    report.claim(text, found.apart < 1e-5);
    let (one, fifty) = (found.of(1)?, found.of(50)?);
    report.claim("one mask makes half as many mistakes again as the rule, or more", one.error > 1.5 * found.rule);
    let falls = found.averaged.windows(2).filter(|pair| pair[0].count < 20).all(|pair| pair[1].error < pair[0].error);
    report.claim("each further mask helps, up to 20", falls);
    let near = (fifty.error - found.rule).abs() <= 2.0 * fifty.chance;
    report.claim("50 masks are as good as the rule: they differ by less than two deviations of chance", near);
    let first = found.matched().map_or("none".into(), |count| count.to_string());
    let text = format!("the fewest masks as good as the rule, but for chance: {first} (published: about 50)");
    report.claim(&text, found.matched().is_some_and(|count| (10..=100).contains(&count)));
    Ok(())
}

fn show(setup: &Setup, found: &Found) -> Result<(), Failure> {
    let width = setup.pick(256, 512);
    let what = format!("inference rule: two hidden layers of {width}, ReLU, dropout 0.2 and 0.5, max-norm");
    let mut report = Report::new(setup, &what, setup.pick("digits, 40 % to test", "MNIST"), &[0]);
    report.row(["masks", "test error", "deviation", "groups", "above the rule", "by chance"]);
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    for &Averaged { count, error, deviation, chance } in &found.averaged {
        let groups = (MASKS / count).to_string();
        let [above, chance] = [error - found.rule, chance].map(percent);
        report.row([count.to_string(), percent(error), percent(deviation), groups, above, chance]);
    }
    report.row(["rule".into(), percent(found.rule)]);
    let [low, high] = found.interval().map(percent);
    report.row(["interval".into(), format!("{low} to {high}")]);
    claims(&mut report, found)?;
    let line = |name: &str, of: fn(&Averaged) -> f64| {
        Series::new(name, found.averaged.iter().map(|averaged| (averaged.count as f64, of(averaged))))
    };
    let lines = [
        line("mean of k masks", |a| a.error),
        Series::new("weight-scaling rule", [1.0, 100.0].map(|count| (count, found.rule))),
        line("a deviation more", |a| a.error + a.deviation).dashed(),
        line("a deviation less", |a| a.error - a.deviation).dashed(),
    ];
    let path = setup.out.join("inference_rule.svg");
    let (title, y) = ("Averaging sampled nets, and the weight-scaling rule", "share of wrong answers on the test part");
    Plot { title, x: "masks averaged", y, log: false }.write(&path, &lines)?;
    report.plot(path);
    print!("{report}");
    Ok(())
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

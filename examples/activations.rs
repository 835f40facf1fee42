//! The same net with each activation, and a unit that is dead.
//!
//! Four hidden layers of 50 after each other: sigmoids pass a quarter of the gradient at most, and with four of them in a
//! row the net hardly begins to learn; the others differ little. Then one hidden unit whose bias starts far below 0, so
//! that it is 0 on every row: under ReLU its incoming weights and its bias get no gradient, so they stay as they are for
//! good; where the negative side has a slope it comes back. How fast depends on what is left for it to do: a unit that all
//! else goes through comes back even with a slope of 0.01, one among 31 others that do its work hardly moves.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, find, mean, start::Weights};
use wgrad::data::Normalize;
use wgrad::data::Values;
use wgrad::judge::layers::LayerStatistics;
use wgrad::train::{Recipe, Trainer};

/// All have so many units after the activation: a maxout of 2 takes twice as many before it.
const KINDS: [&str; 9] = ["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout 2", "elu", "gelu", "silu"];

const HIDDEN: usize = 4;
const WIDTH: usize = 50;

/// Of the run with the dead unit: kinds, the unit, and its bias at the start.
const REVIVED: [&str; 5] = ["relu", "leaky_relu", "leaky_relu 0.1", "prelu", "elu"];
const UNIT: usize = 0;
const BELOW: f32 = -4.0;

/// Of the net that it is in.
const UPDATES: u64 = 2500;

/// A share, and the layer that has it.
type Most = Option<(f64, String)>;

/// How the nets of one activation went.
#[derive(Clone, Debug)]
pub struct Trained {
    /// In the layer notation.
    pub kind: &'static str,
    /// Share of right answers on the test part at the end, of each seed.
    pub accuracies: Vec<f64>,
    /// Updates and mean training loss of those since the point before, first seed.
    pub losses: Vec<(f64, f64)>,
    /// Updates and share of right answers on test rows, first seed.
    pub curve: Vec<(f64, f64)>,
    /// The largest share of dead units that a layer has in the end, after a ReLU; over the seeds.
    pub dead: Most,
    /// The largest share of saturated values that a layer has in the end, after a tanh or sigmoid; over the seeds.
    pub saturated: Most,
}

impl Trained {
    /// Mean share of right answers.
    pub fn accuracy(&self) -> f64 {
        mean(self.accuracies.iter().copied())
    }
}

/// What became of a unit that started dead.
#[derive(Clone, Debug)]
pub struct Unit {
    /// In the layer notation.
    pub kind: &'static str,
    /// Units of its layer.
    pub hidden: usize,
    /// The largest gradient, without its sign, that its incoming weights and its bias got in the steps looked at.
    pub gradient: f32,
    /// The farthest that one of them is from where it started.
    pub moved: f32,
    /// Updates and the share of the training rows on which it is above 0.
    pub active: Vec<(f64, f64)>,
}

impl Unit {
    /// Updates until some row makes it active.
    pub fn first(&self) -> Option<f64> {
        self.active.iter().find(|point| point.1 > 0.0).map(|point| point.0)
    }

    /// Share of the rows in the end.
    pub fn last(&self) -> f64 {
        self.active[self.active.len() - 1].1
    }
}

/// Both parts.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of both.
    pub seeds: Vec<u64>,
    /// A net for each activation.
    pub nets: Vec<Trained>,
    /// Units that start dead: alone in their layer, then among others; by kind, then by seed.
    pub units: Vec<Unit>,
}

fn layers(kind: &str) -> Vec<String> {
    let width = if kind.starts_with("maxout") { 2 * WIDTH } else { WIDTH };
    let hidden = (0..HIDDEN).flat_map(|_| [format!("linear {width}"), kind.to_owned()]);
    hidden.chain(["linear".to_owned()]).collect()
}

fn recipe(setup: &Setup, layers: &[String], seed: u64) -> Recipe {
    let mut recipe = setup.recipe(&layers.iter().map(String::as_str).collect::<Vec<_>>(), 0.2);
    recipe.normalize = Some(Normalize::MeanImage);
    recipe.lr = Some(0.05);
    recipe.batch = Some(32);
    recipe.seed = Some(seed);
    recipe
}

/// The layer with the largest share, if its kind has any.
fn most(layers: &[LayerStatistics], of: fn(&LayerStatistics) -> Option<f64>) -> Most {
    let shares = layers.iter().filter_map(|layer| Some((of(layer)?, layer.path.clone())));
    shares.max_by(|a, b| a.0.total_cmp(&b.0))
}

fn train(setup: &Setup, kind: &'static str, seeds: &[u64]) -> Result<Trained, Failure> {
    let mut trained = Trained { kind, accuracies: vec![], losses: vec![], curve: vec![], dead: None, saturated: None };
    for &seed in seeds {
        let mut recipe = recipe(setup, &layers(kind), seed);
        recipe.steps = Some(setup.pick(900, 1800));
        let mut trainer = setup.trainer(&recipe)?;
        let test = trainer.job().split.test.clone();
        let some = &test[..test.len().min(1000)];
        let (mut losses, mut curve) = (vec![], vec![(0.0, trainer.evaluate(some)?.accuracy().unwrap_or(f64::NAN))]);
        let (total, stride) = (trainer.total_steps(), setup.pick(30, 60));
        while trainer.progress().step < total {
            let loss = trainer.train_steps(stride)?;
            let step = trainer.progress().step as f64;
            losses.push((step, loss));
            curve.push((step, trainer.evaluate(some)?.accuracy().unwrap_or(f64::NAN)));
        }
        trained.accuracies.push(trainer.evaluate(&test)?.accuracy().unwrap_or(f64::NAN));
        let found = trainer.layer_statistics(some, &setup.device)?;
        let larger = |a: Most, b: Most| if a.as_ref().map(|a| a.0) >= b.as_ref().map(|b| b.0) { a } else { b };
        trained.dead = larger(trained.dead, most(&found, |layer| layer.dead));
        trained.saturated = larger(trained.saturated, most(&found, |layer| layer.saturated));
        if trained.curve.is_empty() {
            (trained.losses, trained.curve) = (losses, curve);
        }
    }
    Ok(trained)
}

/// The unit's incoming weights and, last, its bias.
fn incoming(weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let features = weights.len() / bias.len();
    weights[UNIT * features..][..features].iter().copied().chain([bias[UNIT]]).collect()
}

/// Share of the training rows on which the unit is above 0.
fn active(trainer: &mut Trainer) -> Result<f64, Failure> {
    let unit = incoming(&trainer.tensor("0.weight")?, &trainer.tensor("0.bias")?);
    let job = trainer.job();
    let Values::Bytes(pixels) = &job.dataset.values else { return Err("the data are no images".into()) };
    let (features, affine) = (job.dataset.features(), &job.normalize.1);
    let above = |&&row: &&u32| {
        let pixels = &pixels[row as usize * features..][..features];
        let inputs = pixels.iter().zip(&affine.offset).zip(&affine.factor);
        let input = |v: u8, offset: f64, factor: f64| (f32::from(v) - offset as f32) * factor as f32;
        let sum: f32 = inputs.zip(&unit).map(|(((&v, &offset), &factor), w)| input(v, offset, factor) * w).sum();
        sum + unit[features] > 0.0
    };
    Ok(job.split.train.iter().filter(above).count() as f64 / job.split.train.len() as f64)
}

/// A net with one hidden layer on the digits, of which one unit starts far below 0.
fn revive(setup: &Setup, kind: &'static str, hidden: usize, seed: u64) -> Result<Unit, Failure> {
    let layers = [format!("linear {hidden}"), kind.to_owned(), "linear".into()];
    let mut recipe = recipe(setup, &layers, seed);
    (recipe.source, recipe.test) = (Some("digits".into()), Some(0.2.into()));
    recipe.normalize = Some(Normalize::Scale);
    recipe.lr = Some(0.2);
    recipe.steps = Some(UPDATES);
    let job = setup.job(&recipe)?;
    let mut weights = Weights::of_start(&job)?;
    weights.tensor("0.bias")?[UNIT] = BELOW;
    let mut trainer = weights.trainer(job, &setup.device)?;
    let start = incoming(&trainer.tensor("0.weight")?, &trainer.tensor("0.bias")?);
    let mut unit = Unit { kind, hidden, gradient: 0.0, moved: 0.0, active: vec![(0.0, active(&mut trainer)?)] };
    while trainer.progress().step < UPDATES {
        trainer.train_steps(20)?;
        let gradient = incoming(&trainer.gradient("0.weight")?, &trainer.gradient("0.bias")?);
        unit.gradient = gradient.iter().fold(unit.gradient, |most, g| most.max(g.abs()));
        unit.active.push((trainer.progress().step as f64, active(&mut trainer)?));
    }
    let end = incoming(&trainer.tensor("0.weight")?, &trainer.tensor("0.bias")?);
    unit.moved = start.iter().zip(&end).fold(0.0, |most, (a, b)| most.max((a - b).abs()));
    Ok(unit)
}

fn tables(report: &mut Report, all: &Measured) {
    let share = |most: &Most| {
        most.as_ref().map(|(share, layer)| match *share {
            0.0 => "none".to_owned(),
            share => format!("{:.1} % in {layer}", share * 100.0),
        })
    };
    report.row(["activation", "accuracy", "lowest", "highest", "", "dead", "saturated"]);
    for net in &all.nets {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let ends = [f64::min as fn(f64, f64) -> f64, f64::max]
            .map(|of| net.accuracies.iter().copied().reduce(of).map_or(String::new(), percent));
        let words = [String::new(), share(&net.dead).unwrap_or_default(), share(&net.saturated).unwrap_or_default()];
        report.row([net.kind.to_owned(), percent(net.accuracy())].into_iter().chain(ends).chain(words));
    }
    report.row([""]);
    report.row(["dead unit", "one of", "gradient", "moved", "", "first active after", "in the end active on"]);
    for units in all.units.chunks_exact(all.seeds.len()) {
        let over = |of: fn(&Unit) -> f64| mean(units.iter().map(of));
        let first = units.iter().map(Unit::first).collect::<Option<Vec<f64>>>().map(mean);
        let figures = [over(|unit| unit.gradient.into()), over(|unit| unit.moved.into())].map(|v| format!("{v:.1e}"));
        let words = [units[0].kind.to_owned(), units[0].hidden.to_string()].into_iter().chain(figures);
        let back = first.map_or("none".into(), |first| format!("{first:.0} updates"));
        report.row(words.chain([String::new(), back, format!("{:.1} % of rows", over(Unit::last) * 100.0)]));
    }
}

fn claims(report: &mut Report, all: &Measured) -> Result<(), Failure> {
    let sigmoids = find(&all.nets, |net| net.kind, "sigmoid")?;
    let sigmoid = sigmoids.accuracy();
    let others: Vec<f64> = all.nets.iter().filter(|net| net.kind != "sigmoid").map(Trained::accuracy).collect();
    let lowest = others.iter().copied().fold(f64::INFINITY, f64::min);
    let text = "after the same updates every other activation is at least 20 % of the rows before the sigmoid";
    report.claim(text, lowest > sigmoid + 0.2);
    let text = "that is not for saturation: hardly any of the sigmoids is near its ends";
    report.claim(text, sigmoids.saturated.as_ref().is_some_and(|most| most.0 < 1e-3));
    let relu = find(&all.nets, |net| net.kind, "relu")?;
    let text = "the net of ReLUs has dead units and learns all the same";
    report.claim(text, relu.dead.as_ref().is_some_and(|dead| dead.0 > 0.0) && relu.accuracy() > 0.9);
    let of = |kind: &'static str| all.units.iter().filter(move |unit| unit.kind == kind);
    let text = "a unit that starts dead under ReLU gets a gradient of exactly 0, and stays exactly as it is";
    report.claim(text, of("relu").all(|unit| unit.gradient == 0.0 && unit.moved == 0.0 && unit.last() == 0.0));
    let sloped = || all.units.iter().filter(|unit| unit.kind != "relu");
    let text = "any slope below 0 gives it a gradient, and brings it back where all else depends on it";
    report.claim(text, sloped().all(|unit| unit.gradient > 0.0 && (unit.hidden > 1 || unit.last() > 0.0)));
    let text = "among others that learn without it, a slope of 0.01 moves it, but does not bring it back in this time";
    report.claim(text, of("leaky_relu").all(|unit| unit.hidden == 1 || (unit.moved > 0.0 && unit.last() == 0.0)));
    Ok(())
}

fn plots(setup: &Setup, report: &mut Report, all: &Measured) -> Result<(), Failure> {
    let nets = |of: fn(&Trained) -> &Vec<(f64, f64)>| {
        let line = |(at, net): (usize, &Trained)| {
            let line = Series::new(net.kind, of(net).iter().copied());
            // There are more lines than colours.
            if at >= 7 { line.dashed() } else { line }
        };
        all.nets.iter().enumerate().map(line).collect::<Vec<Series>>()
    };
    let alone = all.units.iter().step_by(all.seeds.len()).filter(|unit| unit.hidden == 1);
    let alone = alone.map(|unit| Series::new(unit.kind, unit.active.iter().copied())).collect();
    let title = format!("{HIDDEN} hidden layers of {WIDTH} (seed 0)");
    for (name, title, y, lines) in [
        ("activations-loss", title.as_str(), "training loss", nets(|net| &net.losses)),
        ("activations-accuracy", title.as_str(), "accuracy on test rows", nets(|net| &net.curve)),
        ("activations-dead", "A unit that starts below 0 on every row (seed 0)", "rows on which it is above 0", alone),
    ] {
        let path = setup.out.join(format!("{name}.svg"));
        Plot { title, x: "updates", y, log: false }.write(&path, &lines)?;
        report.plot(path);
    }
    Ok(())
}

/// Trains a net with each activation, and nets with a unit that starts dead.
pub fn run(setup: &Setup) -> Result<Measured, Failure> {
    let seeds: Vec<u64> = (0..3).collect();
    let nets = KINDS.iter().map(|kind| train(setup, kind, &seeds)).collect::<Result<_, _>>()?;
    let mut units = vec![];
    for hidden in [1, 32] {
        for kind in REVIVED {
            for &seed in &seeds {
                units.push(revive(setup, kind, hidden, seed)?);
            }
        }
    }
    let all = Measured { seeds, nets, units };
    let what = format!("activations: {HIDDEN} hidden layers of {WIDTH}, SGD in batches of 32");
    let data = setup.pick("digits, 20 % to test, 900 updates", "MNIST, 1800 updates; dead unit: digits, 20 % to test");
    let mut report = Report::new(setup, &what, data, &all.seeds);
    tables(&mut report, &all);
    claims(&mut report, &all)?;
    plots(setup, &mut report, &all)?;
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

//! The same net on inputs that are all positive (scaled), zero-mean (less the mean image) and standardised.
//!
//! Where all inputs are positive, one example's gradient by all incoming weights of a unit has one sign, so the weights
//! can only rise or fall together, and the way to a good place is a zigzag. Means of zero free the signs. The mean over a
//! batch has mixed signs even with positive inputs, which is why nets on scaled pixels train all the same.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, mean};
use wgrad::error::Error;
use wgrad::train::Trainer;

const KINDS: [&str; 3] = ["scale", "mean_image", "standardize"];
const RATES: [f64; 5] = [0.01, 0.03, 0.1, 0.3, 1.0];

/// The rate at which all are compared, too.
const COMMON_RATE: f64 = 0.1;

const HIDDEN: usize = 100;

/// What one way of preprocessing gives.
#[derive(Clone, Debug)]
pub struct Measured {
    /// As in recipes.
    pub kind: &'static str,
    /// Share of the first layer's units with any gradient whose incoming weights' gradients all have one sign: for one
    /// example at a time, and for the mean of a batch.
    pub one_sign: [f64; 2],
    /// For each rate: mean over the seeds of the updates to the accuracy aimed at; `None` where a seed did not get there.
    pub steps: Vec<(f64, Option<f64>)>,
    /// Accuracy against updates at the common rate, first seed.
    pub curve: Vec<(f64, f64)>,
}

impl Measured {
    /// The rate that is fastest, and its updates.
    pub fn best(&self) -> Option<(f64, f64)> {
        let there = self.steps.iter().filter_map(|&(rate, steps)| Some((rate, steps?)));
        there.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Updates at the common rate.
    pub fn common(&self) -> Option<f64> {
        self.steps.iter().find(|(rate, _)| *rate == COMMON_RATE)?.1
    }
}

/// Updates that a run may take, how many lie between two evaluations, and the accuracy aimed at.
struct Aim {
    most: u64,
    stride: u64,
    accuracy: f64,
}

fn trainer(setup: &Setup, kind: &str, rate: f64, batch: usize, seed: u64, steps: u64) -> Result<Trainer, Failure> {
    let mut recipe = setup.recipe(&[&format!("linear {HIDDEN}"), "relu", "linear"], 0.2);
    recipe.normalize = Some(kind.parse()?);
    recipe.lr = Some(rate);
    recipe.batch = Some(batch);
    recipe.steps = Some(steps);
    recipe.seed = Some(seed);
    setup.trainer(&recipe)
}

/// Share of the units whose incoming gradients all have one sign, over `steps` batches at the initial weights (the rate
/// is 0); units without any gradient do not count.
fn one_sign(setup: &Setup, kind: &str, batch: usize, steps: u64) -> Result<f64, Failure> {
    let mut trainer = trainer(setup, kind, 0.0, batch, 0, steps)?;
    let (mut one, mut any) = (0, 0);
    for _ in 0..steps {
        trainer.train_steps(1)?;
        let gradient = trainer.gradient("0.weight")?;
        for unit in gradient.chunks(gradient.len() / HIDDEN) {
            let (up, down) = (unit.iter().any(|&g| g > 0.0), unit.iter().any(|&g| g < 0.0));
            any += usize::from(up || down);
            one += usize::from(up != down);
        }
    }
    Ok(one as f64 / any as f64)
}

/// Accuracy on test rows against updates, until it is what is aimed at, or the rate has proved too high.
fn climb(setup: &Setup, kind: &str, rate: f64, seed: u64, aim: &Aim) -> Result<Vec<(f64, f64)>, Failure> {
    let mut trainer = trainer(setup, kind, rate, 32, seed, aim.most)?;
    let test: Vec<u32> = trainer.job().split.test.iter().copied().take(1000).collect();
    let mut curve = vec![(0.0, trainer.evaluate(&test)?.accuracy().unwrap_or(f64::NAN))];
    while trainer.progress().step < aim.most && curve.last().is_some_and(|point| point.1 < aim.accuracy) {
        match trainer.train_steps(aim.stride) {
            Err(Error::Diverged { .. }) => break,
            taken => taken?,
        };
        curve.push((trainer.progress().step as f64, trainer.evaluate(&test)?.accuracy().unwrap_or(f64::NAN)));
    }
    Ok(curve)
}

fn measure(setup: &Setup, kind: &'static str, seeds: &[u64], aim: &Aim) -> Result<Measured, Failure> {
    let one_sign = [one_sign(setup, kind, 1, 100)?, one_sign(setup, kind, 32, 20)?];
    let (mut steps, mut shown) = (vec![], vec![]);
    for rate in RATES {
        let curves = seeds.iter().map(|&seed| climb(setup, kind, rate, seed, aim)).collect::<Result<Vec<_>, _>>()?;
        let reached = |curve: &Vec<(f64, f64)>| curve.last().filter(|p| p.1 >= aim.accuracy).map(|p| p.0);
        steps.push((rate, curves.iter().map(reached).collect::<Option<Vec<f64>>>().map(mean)));
        if rate == COMMON_RATE {
            shown = curves.into_iter().next().unwrap_or_default();
        }
    }
    Ok(Measured { kind, one_sign, steps, curve: shown })
}

fn row(measured: &Measured) -> Vec<String> {
    let steps = |steps: Option<f64>| steps.map_or("none".into(), |steps| format!("{steps:.0}"));
    let best = measured.best();
    let mut cells = vec![measured.kind.to_owned()];
    cells.extend(measured.one_sign.map(|share| format!("{:.1} %", share * 100.0)));
    cells.extend([steps(measured.common()), steps(best.map(|best| best.1))]);
    cells.push(best.map_or(String::new(), |best| best.0.to_string()));
    cells
}

/// Measures every kind.
pub fn run(setup: &Setup) -> Result<Vec<Measured>, Failure> {
    let seeds: Vec<u64> = (0..2).collect();
    let aim =
        setup.pick(Aim { most: 2000, stride: 20, accuracy: 0.95 }, Aim { most: 3000, stride: 100, accuracy: 0.93 });
    let all = KINDS.iter().map(|kind| measure(setup, kind, &seeds, &aim)).collect::<Result<Vec<_>, _>>()?;
    let what =
        format!("preprocessing: a hidden layer of {HIDDEN}, ReLU, SGD in batches of 32, to {} %", aim.accuracy * 100.0);
    let data = setup.pick("digits, 20 % to test", "MNIST, the first 1000 rows of its test part");
    let mut report = Report::new(setup, &what, data, &seeds);
    let at = format!("updates at {COMMON_RATE}");
    report.row(["inputs", "one sign: one example", "batch of 32", &at, "at the best rate", "rate"]);
    all.iter().for_each(|measured| report.row(row(measured)));
    let [scaled, centred, standardised] = &all[..] else { return Err("three kinds are measured".into()) };
    let signs = scaled.one_sign[0] == 1.0 && centred.one_sign[0] < 0.01 && standardised.one_sign[0] < 0.01;
    report
        .claim("with positive inputs one example moves all weights of a unit the same way, always; else never", signs);
    report
        .claim("in the mean of a batch this is so for few units, also with positive inputs", scaled.one_sign[1] < 0.5);
    let faster = |m: &Measured| match (m.common(), scaled.common()) {
        (Some(steps), Some(scaled)) => steps < scaled,
        (steps, _) => steps.is_some(),
    };
    let text = "zero-mean and standardised inputs reach the accuracy in fewer updates at one rate";
    report.claim(text, faster(centred) && faster(standardised));
    let path = setup.out.join("preprocessing.svg");
    let title = format!("Scaled, zero-mean and standardised inputs, rate {COMMON_RATE} (seed 0)");
    let lines: Vec<Series> = all.iter().map(|m| Series::new(m.kind, m.curve.iter().copied())).collect();
    Plot { title: &title, x: "updates", y: "accuracy on test rows", log: false }.write(&path, &lines)?;
    report.plot(path);
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

//! One net with each of several ways against overfitting: none, L2, max-norm, dropout, dropout with max-norm, and maxout
//! with those two (Srivastava et al. 2014, tables 2 and 9). Dropout takes a fifth of the inputs and half of the hidden
//! units.
//!
//! The full form is a reduction: fewer rows to train on, so that overfitting shows, and a smaller net. Its L2 and its
//! largest norm were chosen on rows that are neither trained on nor part of the test. There dropout is what helps; what L2
//! and max-norm do alone, or max-norm and maxout beside dropout, is less than the intervals can tell.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Form, Plot, Report, Series, Setup, find, mean};
use wgrad::metrics::wilson;
use wgrad::op::Value;
use wgrad::train::{DecayOnly, Recipe, Schedule};

/// Rows of the test part that a curve is drawn by.
const ROWS: usize = 2000;

/// Points of a curve.
const POINTS: u64 = 20;

/// A way against overfitting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// As in the table.
    pub name: &'static str,
    /// Whether a fifth of the inputs and half of the hidden units are dropped.
    pub dropout: bool,
    /// Whether the length of each unit's incoming weights is bounded.
    pub max_norm: bool,
    /// Whether weights decay.
    pub l2: bool,
    /// Whether units are maxout's in place of ReLUs.
    pub maxout: bool,
    /// Test error in percent, as published for the whole of MNIST.
    pub published: f64,
}

/// In the published order, from the worst.
pub const WAYS: [Way; 6] = [
    Way { name: "none", published: 1.60, ..NOTHING },
    Way { name: "L2", l2: true, published: 1.62, ..NOTHING },
    Way { name: "max-norm", max_norm: true, published: 1.35, ..NOTHING },
    Way { name: "dropout", dropout: true, published: 1.25, ..NOTHING },
    Way { name: "dropout, max-norm", dropout: true, max_norm: true, published: 1.05, ..NOTHING },
    Way { name: "dropout, max-norm, maxout", dropout: true, max_norm: true, maxout: true, published: 0.94, ..NOTHING },
];

const NOTHING: Way = Way { name: "", dropout: false, max_norm: false, l2: false, maxout: false, published: 0.0 };

/// What a way gives; each over the seeds.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Which.
    pub way: Way,
    /// Share of wrong answers on the test part at the end.
    pub errors: Vec<f64>,
    /// The same on the rows trained on.
    pub train_errors: Vec<f64>,
    /// Rows of the test part.
    pub rows: usize,
    /// Epochs, and the share of wrong answers on the test part, first seed.
    pub curve: Vec<(f64, f64)>,
}

impl Measured {
    /// Mean of the test errors.
    pub fn error(&self) -> f64 {
        mean(self.errors.iter().copied())
    }

    /// The 95 % interval of that mean as of one trained net: the seeds share the test rows, so they do not narrow it.
    pub fn interval(&self) -> [f64; 2] {
        wilson((self.error() * self.rows as f64).round() as usize, self.rows)
    }
}

/// Hidden layers: units of each, where a unit of maxout is the largest of `pieces` linear ones.
struct Net {
    relu: &'static [usize],
    maxout: &'static [usize],
    pieces: usize,
}

fn layers(setup: &Setup, way: &Way) -> Vec<String> {
    let net = setup.choose(
        Net { relu: &[256, 256], maxout: &[128, 128], pieces: 2 },
        Net { relu: &[512, 512], maxout: &[256, 256], pieces: 2 },
        Net { relu: &[1024, 1024, 2048], maxout: &[240, 240], pieces: 5 },
    );
    let mut layers = vec![];
    if way.dropout {
        layers.push("dropout 0.2".to_owned());
    }
    for units in if way.maxout { net.maxout } else { net.relu } {
        layers.extend(match way.maxout {
            true => [format!("linear {}", units * net.pieces), format!("maxout {}", net.pieces)],
            false => [format!("linear {units}"), "relu".into()],
        });
        if way.dropout {
            layers.push("dropout 0.5".into());
        }
    }
    layers.push("linear".into());
    layers
}

fn recipe(setup: &Setup, way: &Way, seed: u64) -> Recipe {
    let layers = layers(setup, way);
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    let mut recipe = setup.recipe(&layers, 0.4);
    // What is left to train on: 179 of the digits, 3000 of MNIST, or all of it.
    recipe.validation = Some(setup.choose(0.5, 0.95, 0.0).into());
    recipe.lr = Some(setup.choose(0.05, 0.05, 0.01));
    recipe = recipe.with("momentum", Value::Number(setup.choose(0.9, 0.9, 0.95)));
    recipe.schedule = Some(Schedule::cosine());
    recipe.batch = Some(setup.choose(20, 100, 128));
    match setup.form {
        Form::Paper => recipe.steps = Some(1_000_000),
        _ => recipe.epochs = Some(setup.pick(100, 60)),
    }
    recipe.seed = Some(seed);
    recipe.max_norm = way.max_norm.then_some(setup.choose(1.5, 1.5, 2.0));
    recipe.weight_decay = Some(if way.l2 { setup.choose(1e-3, 1e-3, 1e-5) } else { 0.0 });
    recipe.decay_only = way.l2.then_some(DecayOnly::Weights);
    recipe
}

fn measure(setup: &Setup, way: &Way, seeds: &[u64]) -> Result<Measured, Failure> {
    let mut measured = Measured { way: *way, errors: vec![], train_errors: vec![], rows: 0, curve: vec![] };
    for &seed in seeds {
        let mut trainer = setup.trainer(&recipe(setup, way, seed))?;
        let split = trainer.job().split.clone();
        let some = &split.test[..split.test.len().min(ROWS)];
        let (total, per_epoch) = (trainer.total_steps(), split.train.len().div_ceil(trainer.job().settings.batch));
        while trainer.progress().step < total {
            let step = trainer.progress().step;
            trainer.train_steps(total.div_ceil(POINTS).min(total - step))?;
            if seed == seeds[0] {
                let error = 1.0 - trainer.evaluate(some)?.accuracy().unwrap_or(f64::NAN);
                measured.curve.push((trainer.progress().step as f64 / per_epoch as f64, error));
            }
        }
        let mut error = |rows: &[u32]| trainer.evaluate(rows).map(|e| 1.0 - e.accuracy().unwrap_or(f64::NAN));
        measured.errors.push(error(&split.test)?);
        measured.train_errors.push(error(&split.train)?);
        measured.rows = split.test.len();
    }
    Ok(measured)
}

fn table(setup: &Setup, report: &mut Report, all: &[Measured]) {
    let published = setup.choose("", "published, whole MNIST", "published");
    report.row(["", "test error", "95 % from", "to", "seeds from", "to", "training error", published]);
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    for measured in all {
        let [low, high] = measured.interval();
        let ends = [f64::min as fn(f64, f64) -> f64, f64::max];
        let [least, most] = ends.map(|end| measured.errors.iter().copied().reduce(end).unwrap_or(f64::NAN));
        let train = mean(measured.train_errors.iter().copied());
        let figures = [measured.error(), low, high, least, most, train].map(percent);
        let known = if setup.form == Form::Short { String::new() } else { percent(measured.way.published / 100.0) };
        report.row([measured.way.name.to_owned()].into_iter().chain(figures).chain([known]));
    }
}

fn claims(setup: &Setup, report: &mut Report, all: &[Measured]) -> Result<(), Failure> {
    let of = |name: &str| find(all, |m| m.way.name, name);
    let (none, l2, bound) = (of("none")?, of("L2")?, of("max-norm")?);
    let (dropout, both, maxout) = (of("dropout")?, of("dropout, max-norm")?, of("dropout, max-norm, maxout")?);
    let least = none.error().min(l2.error()).min(bound.error());
    report.claim("dropout with max-norm makes fewer mistakes than all without dropout", both.error() < least);
    if setup.form == Form::Short {
        return Ok(());
    }
    let worst = dropout.error().max(both.error()).max(maxout.error());
    report.claim("every net with dropout makes fewer mistakes than every one without", worst < least);
    let apart = both.interval()[1] < none.interval()[0];
    report.claim("the intervals of none and of dropout with max-norm do not meet", apart);
    let order = [none.error().max(l2.error()), bound.error(), dropout.error(), both.error(), maxout.error()];
    let text = "the order is the published one: none or L2, max-norm, dropout, with max-norm, with maxout";
    report.claim(text, order.is_sorted_by(|a, b| a > b));
    Ok(())
}

/// Trains every way with every seed.
pub fn run(setup: &Setup) -> Result<Vec<Measured>, Failure> {
    let seeds: Vec<u64> = (0..setup.choose(6, 3, 1)).collect();
    let all = WAYS.iter().map(|way| measure(setup, way, &seeds)).collect::<Result<Vec<_>, _>>()?;
    let net = setup.choose("256-256", "512-512", "1024-1024-2048");
    let pieces = setup.choose("2x128 of 2 pieces", "2x256 of 2 pieces", "2x240 of 5 pieces");
    let what = format!("dropout: hidden layers {net} of ReLU, or {pieces} of maxout");
    let data = setup.choose(
        "digits, 179 rows to train on, 100 epochs",
        "a reduction: 3000 rows of MNIST to train on, 60 epochs",
        "MNIST, 1 million updates",
    );
    let mut report = Report::new(setup, &what, data, &seeds);
    table(setup, &mut report, &all);
    claims(setup, &mut report, &all)?;
    let path = setup.out.join("dropout.svg");
    let lines = all.iter().map(|measured| {
        let line = Series::new(measured.way.name, measured.curve.iter().copied());
        if measured.way.dropout { line } else { line.dashed() }
    });
    let (title, y) = ("Ways against overfitting (seed 0)", "share of wrong answers on test rows");
    Plot { title, x: "epochs", y, log: false }.write(&path, &lines.collect::<Vec<_>>())?;
    report.plot(path);
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main_with_paper(run)
}

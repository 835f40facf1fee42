//! Three hidden layers of 100 sigmoids on MNIST, plain SGD in batches of 60, from small Gaussian weights, with batch norm
//! before each sigmoid and without it (Ioffe & Szegedy 2015, section 4.1 and figure 1).
//!
//! With batch norm the net learns sooner and ends better, the learning rate matters less, and what comes into a sigmoid of
//! the last hidden layer wanders less over the training.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::model::{first_layers, inputs};
use common::{Failure, Plot, Report, Series, Setup, mean};
use wgrad::run::Predictor;
use wgrad::train::Trainer;

const HIDDEN: usize = 3;
const WIDTH: usize = 100;
const SEED: u64 = 0;

/// Learning rates: the paper does not say its own.
const RATES: [f64; 3] = [0.03, 0.1, 0.3];

/// The rate of the plots.
const SHOWN: f64 = 0.1;

/// Rows whose inputs to the last sigmoids are looked at.
const ROWS: usize = 500;

/// The percentiles of the paper's figures 1b and 1c.
const SHARES: [f64; 3] = [0.15, 0.5, 0.85];

/// The net at one time of its training.
#[derive(Clone, Debug)]
pub struct Point {
    /// Updates.
    pub step: u64,
    /// Share of correct answers on the test part.
    pub accuracy: f64,
    /// For each unit of the last hidden layer, the percentiles of what comes into its sigmoid.
    pub percentiles: Vec<[f64; 3]>,
}

/// One training.
#[derive(Clone, Debug)]
pub struct Run {
    /// Learning rate.
    pub rate: f64,
    /// Whether batch norm stands before each sigmoid.
    pub normalised: bool,
    /// From before the first update to the end.
    pub points: Vec<Point>,
}

impl Run {
    /// Accuracy after so many updates.
    pub fn after(&self, step: u64) -> f64 {
        self.points.iter().find(|point| point.step == step).map_or(f64::NAN, |point| point.accuracy)
    }

    /// Accuracy at the end.
    pub fn last(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |point| point.accuracy)
    }

    /// How far the inputs of a sigmoid of the last hidden layer wander after `from` updates: the deviation of their median
    /// from point to point, as a share of the way from the 15th percentile to the 85th at the end; mean over the units.
    pub fn drift(&self, from: u64) -> f64 {
        let points: Vec<&Point> = self.points.iter().filter(|point| point.step >= from).collect();
        let Some(last) = points.last() else { return f64::NAN };
        mean((0..WIDTH).map(|unit| {
            let medians: Vec<f64> = points.iter().map(|point| point.percentiles[unit][1]).collect();
            let middle = mean(medians.iter().copied());
            let deviation = mean(medians.iter().map(|median| (median - middle).powi(2))).sqrt();
            let [low, _, high] = last.percentiles[unit];
            deviation / (high - low)
        }))
    }
}

/// How long the trainings are, and what is shown of them.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Updates.
    pub total: u64,
    /// Updates between two points.
    pub stride: u64,
    /// Where the trainings are compared first.
    pub early: u64,
}

impl Length {
    /// Of a form.
    pub fn of(setup: &Setup) -> Self {
        setup.pick(Self { total: 2000, stride: 50, early: 200 }, Self { total: 50_000, stride: 1000, early: 1000 })
    }
}

/// Percentiles of what comes into each sigmoid of the last hidden layer.
fn percentiles(setup: &Setup, trainer: &mut Trainer, rows: &[u32]) -> Result<Vec<[f64; 3]>, Failure> {
    // All but that sigmoid and the layer behind it.
    let model = first_layers(trainer, trainer.layers().len() - 2)?;
    let rows = inputs(trainer, rows);
    let bytes = matches!(rows, wgrad::data::Values::Bytes(_));
    let outputs = Predictor::for_inputs(&model, bytes, None, &setup.device)?.outputs(&rows)?;
    let of = |unit: usize| {
        let mut values: Vec<f32> = outputs.iter().skip(unit).step_by(WIDTH).copied().collect();
        values.sort_by(f32::total_cmp);
        SHARES.map(|share| f64::from(values[(share * (values.len() - 1) as f64).round() as usize]))
    };
    Ok((0..WIDTH).map(of).collect())
}

fn train(setup: &Setup, rate: f64, normalised: bool) -> Result<Run, Failure> {
    let hidden: &[&str] =
        if normalised { &["linear 100 bias=false", "batch_norm", "sigmoid"] } else { &["linear 100", "sigmoid"] };
    let layers = [hidden.repeat(HIDDEN), vec!["linear"]].concat();
    let length = Length::of(setup);
    let mut recipe = setup.recipe(&layers, 0.2);
    recipe.init = Some("normal:0.1".parse()?);
    recipe.lr = Some(rate);
    recipe.batch = Some(60);
    recipe.steps = Some(length.total);
    recipe.seed = Some(SEED);
    let mut trainer = setup.trainer(&recipe)?;
    let test = trainer.job().split.test.clone();
    let some = &test[..test.len().min(ROWS)];
    let mut points = vec![];
    loop {
        let step = trainer.progress().step;
        let accuracy = trainer.evaluate(&test)?.accuracy().unwrap_or(f64::NAN);
        points.push(Point { step, accuracy, percentiles: percentiles(setup, &mut trainer, some)? });
        if step == length.total {
            return Ok(Run { rate, normalised, points });
        }
        trainer.train_steps(length.stride.min(length.total - step))?;
    }
}

fn table(report: &mut Report, all: &[[Run; 2]], length: &Length) {
    let (early, end) = (format!("after {}", length.early), format!("after {}", length.total));
    report.row(["rate", "batch norm", &early, &end, "wandering"]);
    for run in all.iter().flatten() {
        let shares = [run.after(length.early), run.last()].map(|share| format!("{:.2} %", share * 100.0));
        let drift = format!("{:.3}", run.drift(length.early));
        let name = if run.normalised { "with" } else { "without" };
        report.row([run.rate.to_string(), name.into()].into_iter().chain(shares).chain([drift]));
    }
}

fn claims(report: &mut Report, all: &[[Run; 2]], length: &Length) {
    let early = length.early;
    let [low, high] = range(all, |[without, with]| (with.after(early) - without.after(early)) * 100.0);
    let text = format!("learns sooner: after {early} updates batch norm is ahead at every rate");
    report.claim(&format!("{text}, by {low:.1} to {high:.1} points"), low > 0.0);
    let [low, high] = range(all, |[without, with]| (with.last() - without.last()) * 100.0);
    report.claim(&format!("ends better at every rate, by {low:.2} to {high:.2} points"), low > 0.0);
    let [low, high] = range(all, |[without, with]| without.drift(early) / with.drift(early));
    let text = "what comes into the last sigmoids is steadier with batch norm at every rate";
    report.claim(&format!("{text}, {low:.1} to {high:.1} times"), low > 1.0);
    let spread = |at: usize| {
        let [low, high] = range(all, |pair| pair[at].last() * 100.0);
        high - low
    };
    let (without, with) = (spread(0), spread(1));
    let text = format!("the rate matters less with batch norm: {with:.2} points between the rates at the end");
    report.claim(&format!("{text}, {without:.2} without"), with < without);
}

/// The least and the most of something over the rates.
fn range(all: &[[Run; 2]], of: impl Fn(&[Run; 2]) -> f64) -> [f64; 2] {
    let all: Vec<f64> = all.iter().map(of).collect();
    [all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
}

fn plots(setup: &Setup, report: &mut Report, [without, with]: &[Run; 2]) -> Result<(), Failure> {
    let mut plot = |name: &str, title: &str, y: &str, lines: &[Series]| -> Result<(), Failure> {
        let path = setup.out.join(format!("batch_norm-{name}.svg"));
        Plot { title: &format!("{title}, rate {SHOWN}"), x: "updates", y, log: false }.write(&path, lines)?;
        report.plot(path);
        Ok(())
    };
    let over = |run: &Run, of: &dyn Fn(&Point) -> f64| -> Vec<(f64, f64)> {
        run.points.iter().map(|point| (point.step as f64, of(point))).collect()
    };
    let accuracy = |name: &str, run: &Run| Series::new(name, over(run, &|point| point.accuracy));
    let lines = [accuracy("with batch norm", with), accuracy("without", without)];
    plot("accuracy", "Three hidden layers of 100 sigmoids", "accuracy on the test part", &lines)?;
    let line = |name: &str, run: &Run, at: usize| {
        Series::new(format!("{name}, {:.0} %", SHARES[at] * 100.0), over(run, &|point| point.percentiles[0][at]))
    };
    let with = [2, 1, 0].map(|at| line("with", with, at));
    let without = [2, 1, 0].map(|at| line("without", without, at).dashed());
    let title = "Percentiles of what comes into one of the last sigmoids";
    plot("inputs", title, "input of the sigmoid", &[with, without].concat())?;
    Ok(())
}

/// Trains at each rate; those of one rate stand together, the one without batch norm first.
pub fn run(setup: &Setup) -> Result<Vec<[Run; 2]>, Failure> {
    let both = |rate: f64| Ok::<_, Failure>([train(setup, rate, false)?, train(setup, rate, true)?]);
    let all = RATES.into_iter().map(both).collect::<Result<Vec<_>, _>>()?;
    let what = "batch norm: three hidden layers of 100 sigmoids, weights N(0, 0.1²), plain SGD in batches of 60";
    let mut report = Report::new(setup, what, setup.pick("digits, 20 % to test", "MNIST"), &[SEED]);
    let length = Length::of(setup);
    table(&mut report, &all, &length);
    if setup.form != common::Form::Short {
        // Read off the curves; the text has no numbers.
        report.row(["figure 1", "without", "", "about 96 %"]);
        report.row(["", "with", "", "about 98 %"]);
    }
    claims(&mut report, &all, &length);
    let shown = RATES.iter().position(|&rate| rate == SHOWN).ok_or("the rate of the plots is not among the rates")?;
    plots(setup, &mut report, &all[shown])?;
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

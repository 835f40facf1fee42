//! A sigmoid output that starts on the wrong side, saturated: squared error against cross-entropy.
//!
//! By squared error the gradient at the sigmoid's input is 2 (p - t) p (1 - p), next to nothing where p is near 1 and t is
//! 0; by cross-entropy it is p - t, which is small only where the answer is right. First one unit with one input, after
//! Nielsen, "Neural networks and deep learning", chapter 3; his squared error has a half, so that his rate of 0.15 is
//! 0.075 here. Then a net that is to tell one of the digits from the rest, and begins by taking every row for it.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, mean, start::Weights};
use wgrad::data::{Affine, Dataset, Encoded, Encoding, Framing, Normalize, Split, Targets, Values};
use wgrad::nn::{Loss, TargetScale};
use wgrad::train::{Job, Trainer, job, question};

const LOSSES: [Loss; 2] = [Loss::MSE, Loss::BINARY_CROSS_ENTROPY];

/// Weight and bias that the unit starts from; Nielsen's two, and one that is far out.
const STARTS: [[f32; 2]; 3] = [[0.6, 0.9], [2.0, 2.0], [5.0, 5.0]];

const RATE: f64 = 0.075;

/// Updates that the unit may take. By squared error the far start needs 73 771 in exact arithmetic.
const MOST: u64 = 80_000;

/// Updates after which the unit's output is told.
const TOLD: usize = 300;

/// Updates that the plot shows.
const SHOWN: usize = 600;

/// Below this output the unit has come back.
const BACK: f64 = 0.1;

/// The digit that is told from the rest.
const DIGIT: u32 = 8;

/// What the output's bias starts from: where both losses have gradients, and far on the wrong side.
const BIASES: [f32; 2] = [0.0, 8.0];

/// How one unit went.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is trained by.
    pub loss: Loss,
    /// Weight and bias that it starts from.
    pub start: [f32; 2],
    /// Of the first step, by the weight and by the bias.
    pub gradients: [f32; 2],
    /// The same as a formula gives it; both are alike, for the input is 1.
    pub closed: f64,
    /// The output before each update.
    pub outputs: Vec<f64>,
    /// Updates until the output is below [`BACK`].
    pub steps: Option<u64>,
}

/// How the digits went from one bias.
#[derive(Clone, Debug)]
pub struct Digits {
    /// What the net is trained by.
    pub loss: Loss,
    /// The output's bias at the start.
    pub bias: f32,
    /// Of the first step by that bias, without its sign; mean over the seeds.
    pub gradient: f64,
    /// Updates until 95 % of the test rows are right, more than a net that never says yes gets; mean over the seeds,
    /// `None` where a seed did not get there.
    pub steps: Option<f64>,
    /// Share of right answers at the end, mean over the seeds.
    pub accuracy: f64,
    /// Updates and share of right answers, first seed.
    pub curve: Vec<(f64, f64)>,
}

/// Both parts.
#[derive(Clone, Debug)]
pub struct Measured {
    /// One unit.
    pub units: Vec<Unit>,
    /// A net on the digits.
    pub digits: Vec<Digits>,
}

fn name(loss: Loss) -> &'static str {
    if loss == Loss::MSE { "squared error" } else { "cross-entropy" }
}

/// Rows that are all x = 1 with the target 0: as many as make an epoch long enough not to be felt.
fn one_input(setup: &Setup, loss: Loss) -> Result<Job, Failure> {
    let rows = 1000;
    let mut recipe = setup.recipe(&["linear 1", "sigmoid"], 0.0);
    recipe.lr = Some(RATE);
    recipe.batch = Some(1);
    recipe.steps = Some(MOST);
    recipe.loss = Some(loss);
    recipe.normalize = Some(Normalize::None);
    let targets = Targets::Classes { labels: vec![0; rows], names: vec!["0".into(), "1".into()] };
    let dataset = Dataset {
        name: "one input".into(),
        values: Values::Floats(vec![1.0; rows]),
        shape: vec![1],
        largest: 0.0,
        targets,
        columns: vec!["x".into()],
        encoding: Encoding::default(),
        target: None,
        dialect: None,
        test: None,
        framing: Framing::Cubic,
        pool: None,
    };
    let split = Split { train: (0..rows as u32).collect(), ..Split::default() };
    let encoded = Encoded { dataset, normalize: Affine::none(1), constant: vec![], notes: vec![] };
    Ok(job(recipe, encoded, split)?.0)
}

fn unit(setup: &Setup, loss: Loss, start: [f32; 2]) -> Result<Unit, Failure> {
    let job = one_input(setup, loss)?;
    let mut weights = Weights::of_start(&job)?;
    *weights.tensor("0.weight")? = vec![start[0]];
    *weights.tensor("0.bias")? = vec![start[1]];
    let mut trainer = weights.trainer(job, &setup.device)?;
    // The target is 0, so the loss is p² or -ln(1 - p).
    let output = |of_rows: f64| if loss == Loss::MSE { of_rows.sqrt() } else { -(-of_rows).exp_m1() };
    let mut outputs = vec![output(trainer.train_steps(1)?)];
    let gradients = [trainer.gradient("0.weight")?[0], trainer.gradient("0.bias")?[0]];
    let p = 1.0 / (1.0 + (-f64::from(start[0]) - f64::from(start[1])).exp());
    let closed = if loss == Loss::MSE { 2.0 * p * p * (1.0 - p) } else { p };
    while trainer.progress().step < MOST && (outputs.len() <= SHOWN || outputs[outputs.len() - 1] >= BACK) {
        outputs.push(output(trainer.train_steps(1)?));
    }
    let steps = outputs.iter().position(|&p| p < BACK).map(|at| at as u64);
    Ok(Unit { loss, start, gradients, closed, outputs, steps })
}

/// The digits as two classes.
fn one_digit(setup: &Setup, loss: Loss, seed: u64) -> Result<Job, Failure> {
    let mut recipe = setup.recipe(&["linear 32", "tanh", "linear 1", "sigmoid"], 0.2);
    (recipe.source, recipe.test) = (Some("digits".into()), Some(0.2.into()));
    recipe.lr = Some(0.1);
    recipe.batch = Some(32);
    recipe.steps = Some(3000);
    recipe.seed = Some(seed);
    let mut job = setup.job(&recipe)?;
    let Targets::Classes { labels, names } = &mut job.dataset.targets else {
        return Err("the target is no class".into());
    };
    labels.iter_mut().for_each(|label| *label = u32::from(*label == DIGIT));
    *names = vec!["the rest".into(), DIGIT.to_string()];
    job.problem = question(&job.dataset.targets, &job.settings.layers, Some(loss))?;
    job.scale = TargetScale::none(2);
    Ok(job)
}

/// First gradient by the output's bias, and right answers against updates.
fn climb(setup: &Setup, loss: Loss, bias: f32, seed: u64) -> Result<(f64, Vec<(f64, f64)>), Failure> {
    let job = one_digit(setup, loss, seed)?;
    let mut weights = Weights::of_start(&job)?;
    *weights.tensor("2.bias")? = vec![bias];
    let mut trainer = weights.trainer(job, &setup.device)?;
    let test = trainer.job().split.test.clone();
    let right = |trainer: &mut Trainer| {
        let share = trainer.evaluate(&test).map(|found| found.accuracy().unwrap_or(f64::NAN));
        share.map(|share| (trainer.progress().step as f64, share))
    };
    let mut curve = vec![right(&mut trainer)?];
    trainer.train_steps(1)?;
    let gradient = f64::from(trainer.gradient("2.bias")?[0]).abs();
    trainer.train_steps(9)?;
    curve.push(right(&mut trainer)?);
    while trainer.progress().step < trainer.total_steps() {
        trainer.train_steps(10)?;
        curve.push(right(&mut trainer)?);
    }
    Ok((gradient, curve))
}

fn digits(setup: &Setup, loss: Loss, bias: f32, seeds: &[u64]) -> Result<Digits, Failure> {
    let runs = seeds.iter().map(|&seed| climb(setup, loss, bias, seed)).collect::<Result<Vec<_>, _>>()?;
    let reached = |(_, curve): &(f64, Vec<(f64, f64)>)| curve.iter().find(|point| point.1 >= 0.95).map(|p| p.0);
    Ok(Digits {
        loss,
        bias,
        gradient: mean(runs.iter().map(|run| run.0)),
        steps: runs.iter().map(reached).collect::<Option<Vec<f64>>>().map(mean),
        accuracy: mean(runs.iter().map(|(_, curve)| curve[curve.len() - 1].1)),
        curve: runs.into_iter().next().map(|run| run.1).unwrap_or_default(),
    })
}

/// The two parts have one table each, side by side in one set of columns.
fn table(report: &mut Report, all: &Measured) {
    let count = |steps: Option<f64>| steps.map_or("none".into(), |steps| format!("{steps:.0}"));
    report.row(["", "loss", "start", "first gradient", "closed form", "updates to come back", "in the end"]);
    for unit in &all.units {
        let start = format!("w = {}, b = {}", unit.start[0], unit.start[1]);
        let figures = [format!("{:.3e}", unit.gradients[1]), format!("{:.3e}", unit.closed)];
        let end = format!("p = {:.3} after {TOLD}", unit.outputs[TOLD]);
        let words = ["one unit".to_owned(), name(unit.loss).into(), start];
        report.row(words.into_iter().chain(figures).chain([count(unit.steps.map(|steps| steps as f64)), end]));
    }
    for digits in &all.digits {
        let words = [format!("{DIGIT} or not"), name(digits.loss).into(), format!("b = {}", digits.bias)];
        let figures = [format!("{:.3e}", digits.gradient), String::new(), count(digits.steps)];
        let end = format!("{:.1} % right", digits.accuracy * 100.0);
        report.row(words.into_iter().chain(figures).chain([end]));
    }
}

/// What the losses of one start made of it: squared error, cross-entropy.
fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.chunks_exact(2).map(|pair| (&pair[0], &pair[1]))
}

fn claims(report: &mut Report, all: &Measured) {
    let near = |unit: &Unit| unit.gradients.iter().all(|&g| (f64::from(g) / unit.closed - 1.0).abs() < 1e-2);
    let text = "the first gradient is 2 (p - t) p (1 - p) by squared error and p - t by cross-entropy";
    report.claim(text, all.units.iter().all(near));
    let gap = |pair: (&Unit, &Unit)| match (pair.0.steps, pair.1.steps) {
        (squares, Some(entropy)) => squares.unwrap_or(MOST) as f64 / entropy as f64,
        _ => f64::NAN,
    };
    let gaps: Vec<f64> = pairs(&all.units).map(gap).collect();
    let text = format!("cross-entropy comes back {:.1}, {:.1} and {:.0} times as fast", gaps[0], gaps[1], gaps[2]);
    let text = format!("{text}, the more the further the start is on the wrong side");
    report.claim(&text, gaps[0] > 1.0 && gaps.is_sorted());
    let Some([(fair_squares, fair), (squares, entropy)]) =
        pairs(&all.digits).collect::<Vec<_>>().first_chunk().copied()
    else {
        return;
    };
    let time = |run: &Digits| run.steps.unwrap_or(f64::INFINITY);
    let holds = time(entropy) < 2.0 * time(fair) && time(squares) > 2.0 * time(fair_squares);
    report.claim(
        "on the digits the wrong start costs squared error more than as much again, and cross-entropy less",
        holds,
    );
}

fn plots(setup: &Setup, report: &mut Report, all: &Measured) -> Result<(), Failure> {
    let lines: Vec<Series> = all
        .units
        .iter()
        .map(|unit| {
            let label = format!("{}, w = {}, b = {}", name(unit.loss), unit.start[0], unit.start[1]);
            let points = unit.outputs.iter().take(SHOWN + 1).enumerate().map(|(step, &p)| (step as f64, p));
            let line = Series::new(label, points);
            if unit.loss == Loss::MSE { line } else { line.dashed() }
        })
        .collect();
    let path = setup.out.join("saturation-unit.svg");
    let title = format!("One sigmoid that should give 0, rate {RATE}");
    Plot { title: &title, x: "updates", y: "output", log: false }.write(&path, &lines)?;
    report.plot(path);
    let lines: Vec<Series> = all
        .digits
        .iter()
        .map(|run| {
            let line = Series::new(format!("{}, b = {}", name(run.loss), run.bias), run.curve.iter().copied());
            if run.loss == Loss::MSE { line } else { line.dashed() }
        })
        .collect();
    let path = setup.out.join("saturation-digits.svg");
    let title = format!("The digit {DIGIT} or another, the output's bias starting at b (seed 0)");
    Plot { title: &title, x: "updates", y: "accuracy on the test part", log: false }.write(&path, &lines)?;
    report.plot(path);
    Ok(())
}

/// Trains the unit from each start, and the digits from each bias, by both losses.
pub fn run(setup: &Setup) -> Result<Measured, Failure> {
    let seeds: Vec<u64> = (0..setup.pick(2, 5)).collect();
    let mut all = Measured { units: vec![], digits: vec![] };
    for start in STARTS {
        for loss in LOSSES {
            all.units.push(unit(setup, loss, start)?);
        }
    }
    for bias in BIASES {
        for loss in LOSSES {
            all.digits.push(digits(setup, loss, bias, &seeds)?);
        }
    }
    let what = format!("saturation: a sigmoid output that starts wrong, to p < {BACK} or 95 % right");
    let mut report = Report::new(setup, &what, "x = 1 with target 0; digits, 20 % to test", &seeds);
    table(&mut report, &all);
    claims(&mut report, &all);
    plots(setup, &mut report, &all)?;
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

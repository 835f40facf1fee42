//! A wide net on few rows, without regularisation: the training loss goes on falling while the validation loss turns.
//! Where a patience stops it, and what the best model so far is worth on the test part; once with the labels as they
//! are, and once with a fifth of the training labels wrong.
//!
//! With right labels the loss turns, because the net grows ever surer of its mistakes, but it does not make more of them.
//! With wrong labels it learns them by heart, and the error turns too.
//!
//! Prechelt 1998, "Early stopping – but when?": slower criteria generalise better by about 4 %, for about four times the
//! training.
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, mean};
use rand_distr::{Distribution, Uniform};
use wgrad::data::Targets;
use wgrad::op::Value;
use wgrad::random::{Domain, Stream};
use wgrad::train::{Job, Trainer};

const PATIENCES: [u64; 4] = [1, 3, 10, 30];

/// The patience of the claims.
const PATIENCE: u64 = 10;

const WRONG: f64 = 0.2;

/// After an epoch.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// Mean training loss of its steps.
    pub train: f64,
    /// Share of wrong answers on the training part, by the labels trained on.
    pub train_error: f64,
    /// Validation loss.
    pub validation: f64,
    /// Share of wrong answers on the validation part.
    pub validation_error: f64,
    /// Test loss.
    pub test: f64,
    /// Share of wrong answers on the test part.
    pub test_error: f64,
}

/// A number of an epoch.
type Number = fn(&Epoch) -> f64;

/// The epochs of each seed.
pub type Runs = Vec<Vec<Epoch>>;

/// Where a patience ends a run.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Epochs trained.
    pub epochs: usize,
    /// The epoch whose model is kept, from 1: that of the lowest validation loss among them.
    pub model: usize,
}

/// The epochs up to where `patience` of them in a row have not bettered the validation loss, or all.
pub fn stop(epochs: &[Epoch], patience: u64) -> Stop {
    let mut best = 0;
    for (at, epoch) in epochs.iter().enumerate() {
        if epoch.validation < epochs[best].validation {
            best = at;
        }
        if (at - best) as u64 == patience {
            return Stop { epochs: at + 1, model: best + 1 };
        }
    }
    Stop { epochs: epochs.len(), model: best + 1 }
}

/// No stopping, and the last model.
fn never(epochs: &[Epoch]) -> Stop {
    Stop { epochs: epochs.len(), model: epochs.len() }
}

/// The mean over the seeds of something about the model that is kept.
pub fn kept(runs: &Runs, stop: impl Fn(&[Epoch]) -> Stop, of: impl Fn(Stop, &Epoch) -> f64) -> f64 {
    mean(runs.iter().map(|epochs| {
        let stop = stop(epochs);
        of(stop, &epochs[stop.model - 1])
    }))
}

/// Gives each label of the training part another class with a chance of [`WRONG`].
fn spoil(job: &mut Job, seed: u64) -> Result<(), Failure> {
    let Targets::Classes { labels, names } = &mut job.dataset.targets else {
        return Err("the target is no class".into());
    };
    let classes = names.len() as u32;
    let (chance, other) = (Uniform::new(0.0, 1.0)?, Uniform::new(1, classes)?);
    let mut stream = Stream::new(seed, Domain::Check, 0);
    for &row in &job.split.train {
        let label = &mut labels[row as usize];
        if chance.sample(&mut stream) < WRONG {
            *label = (*label + other.sample(&mut stream)) % classes;
        }
    }
    Ok(())
}

fn train(setup: &Setup, seed: u64, wrong: bool) -> Result<Vec<Epoch>, Failure> {
    let batch = setup.pick(16, 32);
    let mut recipe = setup.recipe(&["linear 512", "relu", "linear"], 0.4);
    // What is left to train on: 179 of the digits, 1200 of MNIST.
    recipe.validation = Some(setup.pick(0.5, 0.98).into());
    recipe.lr = Some(setup.pick(0.05, 0.02));
    recipe = recipe.with("momentum", Value::Number(0.9));
    recipe.batch = Some(batch);
    recipe.epochs = Some(setup.pick(40, 60));
    recipe.seed = Some(seed);
    let mut job = setup.job(&recipe)?;
    if wrong {
        spoil(&mut job, seed)?;
    }
    let split = job.split.clone();
    let mut trainer = Trainer::new(job, &setup.device)?;
    let some = |rows: &[u32]| rows[..rows.len().min(2000)].to_vec();
    let parts = [split.train.clone(), some(&split.validation), some(&split.test)];
    let steps = split.train.len().div_ceil(batch) as u64;
    let mut epochs = vec![];
    while trainer.progress().step < trainer.total_steps() {
        let train = trainer.train_steps(steps)?;
        let mut on =
            |part: usize| trainer.evaluate(&parts[part]).map(|e| (e.loss, 1.0 - e.accuracy().unwrap_or(f64::NAN)));
        let (_, train_error) = on(0)?;
        let ((validation, validation_error), (test, test_error)) = (on(1)?, on(2)?);
        epochs.push(Epoch { train, train_error, validation, validation_error, test, test_error });
    }
    Ok(epochs)
}

fn table(report: &mut Report, labels: &str, runs: &Runs) {
    let mut line = |patience: String, stop: &dyn Fn(&[Epoch]) -> Stop| {
        let epochs = [kept(runs, stop, |stop, _| stop.epochs as f64), kept(runs, stop, |stop, _| stop.model as f64)];
        let (loss, error) = (kept(runs, stop, |_, e| e.test), kept(runs, stop, |_, e| e.test_error));
        let figures = epochs.map(|number| format!("{number:.1}"));
        let scores = [format!("{loss:.4}"), format!("{:.2} %", error * 100.0)];
        report.row([labels.to_owned(), patience].into_iter().chain(figures).chain(scores));
    };
    for patience in PATIENCES {
        line(patience.to_string(), &|epochs| stop(epochs, patience));
    }
    line("none".into(), &never);
}

fn claims(report: &mut Report, right: &Runs, wrong: &Runs) {
    let turns = |epochs: &Vec<Epoch>| {
        let (best, last) = (&epochs[stop(epochs, u64::MAX).model - 1], &epochs[epochs.len() - 1]);
        last.train < best.train && last.validation > best.validation
    };
    let all = right.iter().chain(wrong).all(turns);
    report.claim("the validation loss turns and rises while the training loss goes on falling", all);
    let best = |epochs: &[Epoch]| stop(epochs, PATIENCE);
    let gain = |runs, of: Number| kept(runs, never, |_, e| of(e)) - kept(runs, best, |_, e| of(e));
    let losses = [right, wrong].map(|runs| gain(runs, |e| e.test));
    let text = format!("the best model by patience {PATIENCE} has a lower test loss than the last");
    report.claim(&text, losses.iter().all(|&gain| gain > 0.0));
    let errors = [right, wrong].map(|runs| gain(runs, |e| e.test_error) * 100.0);
    let text = "it makes fewer mistakes than the last where labels are wrong, but not where they are right";
    let text = format!("{text}: by {:.1} % and {:.1} % of the rows", errors[1], errors[0]);
    report.claim(&text, errors[1] > 1.0 && errors[0] <= 0.0);
    let ratio = |of: fn(Stop, &Epoch) -> f64| {
        let over = |patience| kept(right, |e| stop(e, patience), of) + kept(wrong, |e| stop(e, patience), of);
        over(PATIENCE) / over(1)
    };
    let (loss, time) = (ratio(|_, e| e.test), ratio(|stop, _| stop.epochs as f64));
    let percent = (1.0 - loss) * 100.0;
    let text = format!("a slower criterion pays: patience {PATIENCE} against 1, {percent:.0} % less test loss");
    report.claim(&format!("{text}, {time:.1} times the epochs (Prechelt: 4 %, 4 times)"), loss < 1.0);
}

fn plots(setup: &Setup, report: &mut Report, right: &[Epoch], wrong: &[Epoch]) -> Result<(), Failure> {
    let best = stop(wrong, PATIENCE).model as f64;
    let kinds: [(&str, &str, [Number; 2]); 2] = [
        ("loss", "loss", [|e| e.train, |e| e.validation]),
        ("error", "share of wrong answers", [|e| e.train_error, |e| e.validation_error]),
    ];
    for (name, y, [train, validation]) in kinds {
        let line = |name: &str, epochs: &[Epoch], of: Number| {
            Series::new(name, epochs.iter().enumerate().map(|(at, epoch)| (at as f64 + 1.0, of(epoch))))
        };
        let top = wrong.iter().map(|e| train(e).max(validation(e))).fold(0.0, f64::max);
        let lines = [
            line("training, wrong labels", wrong, train),
            line("validation, wrong labels", wrong, validation),
            line("training, right labels", right, train),
            line("validation, right labels", right, validation),
            Series::new("best model, wrong labels", [(best, 0.0), (best, top)]).dashed(),
        ];
        let path = setup.out.join(format!("early_stopping-{name}.svg"));
        let title = "A wide net on few rows, no regularisation (seed 0)";
        Plot { title, x: "epochs", y, log: false }.write(&path, &lines)?;
        report.plot(path);
    }
    Ok(())
}

/// Trains with each seed, with the labels as they are and with wrong ones.
pub fn run(setup: &Setup) -> Result<[Runs; 2], Failure> {
    let seeds: Vec<u64> = (0..3).collect();
    let train = |wrong| seeds.iter().map(|&seed| train(setup, seed, wrong)).collect::<Result<Runs, _>>();
    let (right, wrong) = (train(false)?, train(true)?);
    let what = "early stopping: a hidden layer of 512, ReLU, momentum, no regularisation";
    let data = setup.pick("digits, 179 rows to train on", "MNIST, 1200 rows to train on");
    let mut report = Report::new(setup, what, data, &seeds);
    report.row(["labels", "patience", "epochs trained", "model of epoch", "test loss", "test error"]);
    table(&mut report, "right", &right);
    table(&mut report, "20 % wrong", &wrong);
    claims(&mut report, &right, &wrong);
    plots(setup, &mut report, &right[0], &wrong[0])?;
    print!("{report}");
    Ok([right, wrong])
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

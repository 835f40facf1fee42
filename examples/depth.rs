//! Thirty hidden layers of 100, ReLU, plain SGD, from Xavier's and from He's initial weights.
//!
//! Xavier's variance 1/n halves the square of the signal in each layer of ReLU, and that of the gradient on the way
//! back: after 30 layers both are 2^-15 of what He's 2/n gives, and nothing is learnt (He et al. 2015, who saw it with
//! 30 layers of convolutions).
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, mean};
use wgrad::data::Normalize;

const HIDDEN: usize = 30;

/// How one start went.
#[derive(Clone, Debug)]
pub struct Start {
    /// As in recipes.
    pub init: &'static str,
    /// Root of the mean square of the last hidden layer's output before training.
    pub signal: f64,
    /// Updates, and the mean training loss of those since the point before.
    pub losses: Vec<(f64, f64)>,
    /// Updates, and the share of correct answers on the first thousand test rows.
    pub curve: Vec<(f64, f64)>,
    /// Share of correct answers on the whole test part at the end.
    pub accuracy: f64,
}

fn train(setup: &Setup, init: &'static str, seed: u64) -> Result<Start, Failure> {
    let layers: Vec<&str> = (0..HIDDEN).flat_map(|_| ["linear 100", "relu"]).chain(["linear"]).collect();
    let mut recipe = setup.recipe(&layers, 0.2);
    recipe.init = Some(init.parse()?);
    recipe.normalize = Some(Normalize::MeanImage);
    recipe.lr = Some(setup.pick(0.01, 0.02));
    recipe.batch = Some(setup.pick(16, 64));
    recipe.epochs = Some(setup.pick(30, 1));
    recipe.seed = Some(seed);
    let mut trainer = setup.trainer(&recipe)?;
    let test = trainer.job().split.test.clone();
    // Enough of them for a curve.
    let some = &test[..test.len().min(1000)];
    let signal = trainer.layer_statistics(some, &setup.device)?[2 * HIDDEN - 1].rms();
    let (mut losses, mut curve) = (vec![], vec![(0.0, trainer.evaluate(some)?.accuracy().unwrap_or(f64::NAN))]);
    let (total, stride) = (trainer.total_steps(), setup.pick(270, 50));
    while trainer.progress().step < total {
        let loss = trainer.train_steps(stride.min(total - trainer.progress().step))?;
        let step = trainer.progress().step as f64;
        losses.push((step, loss));
        curve.push((step, trainer.evaluate(some)?.accuracy().unwrap_or(f64::NAN)));
    }
    Ok(Start { init, signal, losses, curve, accuracy: trainer.evaluate(&test)?.accuracy().unwrap_or(f64::NAN) })
}

/// Trains from both starts with each seed; those of one seed stand together, Xavier's first.
pub fn run(setup: &Setup) -> Result<Vec<[Start; 2]>, Failure> {
    let seeds: Vec<u64> = (0..setup.pick(1, 3)).collect();
    let both = |&seed: &u64| Ok::<_, Failure>([train(setup, "xavier", seed)?, train(setup, "he", seed)?]);
    let all = seeds.iter().map(both).collect::<Result<Vec<_>, _>>()?;
    let what = "depth: thirty hidden layers of 100, ReLU, plain SGD";
    let mut report =
        Report::new(setup, what, setup.pick("digits, 20 % to test, 30 epochs", "MNIST, one epoch"), &seeds);
    report.row(["init", "seed", "signal in layer 30", "training loss", "test accuracy"]);
    for (pair, seed) in all.iter().zip(&seeds) {
        for start in pair {
            let loss = start.losses.last().map_or(f64::NAN, |point| point.1);
            let figures = [format!("{:.2e}", start.signal), format!("{loss:.3}")];
            let accuracy = format!("{:.1} %", start.accuracy * 100.0);
            report.row([start.init.to_owned(), seed.to_string()].into_iter().chain(figures).chain([accuracy]));
        }
    }
    let ratio = mean(all.iter().map(|[xavier, he]| xavier.signal / he.signal));
    report.row(["ratio".into(), String::new(), format!("{ratio:.2e}")]);
    report.row(["theory".into(), String::new(), format!("{:.2e}", 2_f64.powi(-15))]);
    let text = "with Xavier's start the signal in layer 30 is 2^-15 = 3.1e-5 of that with He's";
    report.claim(text, (ratio / 2_f64.powi(-15) - 1.0).abs() < 1e-2);
    let (aim, chance) = (setup.pick(0.8, 0.9), 0.2);
    let he = mean(all.iter().map(|[_, he]| he.accuracy));
    let xavier = mean(all.iter().map(|[xavier, _]| xavier.accuracy));
    let text = format!("He's start comes past {} % in the mean, Xavier's stays near chance, 10 %", aim * 100.0);
    report.claim(&text, he > aim && xavier < chance);
    for (name, y, of) in [
        ("depth-loss", "training loss", (|start| start.losses.clone()) as fn(&Start) -> Vec<(f64, f64)>),
        ("depth-accuracy", "accuracy on the test part", |start| start.curve.clone()),
    ] {
        let path = setup.out.join(format!("{name}.svg"));
        let lines: Vec<Series> = all[0].iter().map(|start| Series::new(start.init, of(start))).collect();
        let title = "Thirty hidden layers: Xavier's and He's initial weights (seed 0)";
        Plot { title, x: "updates", y, log: false }.write(&path, &lines)?;
        report.plot(path);
    }
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

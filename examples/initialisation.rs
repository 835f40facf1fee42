//! Initial weights and the signal: ten layers of 500, inputs from N(0, 1), no training. How large the outputs of each
//! layer are, and how many units are saturated or dead, when weights are small, large, Xavier's or He's.
//!
//! Small weights let the signal die, large ones saturate a tanh; Xavier's variance 1/n keeps it through tanh and halves
//! it in every layer of ReLU, and He's 2/n keeps it there (He et al. 2015).
#![cfg_attr(test, allow(dead_code, reason = "the tests have no main"))]

pub mod common;

use common::{Failure, Plot, Report, Series, Setup, find, mean};
use rand_distr::{Distribution, StandardNormal};
use wgrad::judge::layers::{LayerStatistics, of_start};
use wgrad::nn::{Head, Network};
use wgrad::random::{Domain, Stream};

const ROWS: usize = 1000;
const WIDTH: usize = 500;
const DEPTH: usize = 10;

/// Layers, from 1, that the table shows.
pub const SHOWN: [usize; 4] = [1, 2, 5, 10];

/// A way to begin: activation, init, and the deviation that an independent computation (numpy, one draw) found in the
/// layers shown.
type Way = (&'static str, &'static str, Option<[f64; 4]>);

const WAYS: [Way; 7] = [
    ("tanh", "small", Some([0.214, 0.0476, 5.3e-4, 2.9e-7])),
    ("tanh", "large", Some([0.98, 0.98, 0.98, 0.98])),
    ("tanh", "xavier", Some([0.628, 0.487, 0.321, 0.227])),
    ("relu", "small", None),
    ("relu", "large", None),
    ("relu", "xavier", Some([0.583, 0.408, 0.148, 0.029])),
    ("relu", "he", Some([0.827, 0.823, 0.80, 0.76])),
];

/// What one way gives.
#[derive(Clone, Debug)]
pub struct Measured {
    /// As in `tanh xavier`.
    pub name: String,
    /// Mean over the seeds, of each layer's output.
    pub layers: Vec<Layer>,
    /// Deviations of the layers shown, where they are known.
    pub known: Option<[f64; 4]>,
}

/// One layer's output.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Root of the mean square.
    pub rms: f64,
    /// Share of saturated values, after a tanh.
    pub saturated: Option<f64>,
    /// Share of dead units, after a ReLU.
    pub dead: Option<f64>,
}

fn measure(setup: &Setup, &(activation, init, known): &Way, seeds: &[u64]) -> Result<Measured, Failure> {
    let mut texts: Vec<String> = (0..DEPTH).flat_map(|_| [format!("linear {WIDTH}"), activation.into()]).collect();
    // A network ends in an output for each class; nothing is asked of it here.
    texts.push("linear 2".into());
    let network = Network::read(&texts, Head::classes(2), Some(init.parse()?))?;
    let mut runs: Vec<Vec<LayerStatistics>> = vec![];
    for &seed in seeds {
        let mut stream = Stream::new(seed, Domain::Check, 0);
        let inputs: Vec<f32> = (0..ROWS * WIDTH).map(|_| StandardNormal.sample(&mut stream)).collect();
        runs.push(of_start(&network, seed, &inputs, &[WIDTH], &setup.device)?);
    }
    let layer = |at: usize| {
        let over = |of: fn(&LayerStatistics) -> f64| mean(runs.iter().map(|run| of(&run[at])));
        let share = |of: fn(&LayerStatistics) -> Option<f64>| {
            runs.iter().map(|run| of(&run[at])).collect::<Option<Vec<f64>>>().map(mean)
        };
        Layer {
            mean: over(|l| l.mean),
            deviation: over(|l| l.deviation),
            rms: over(LayerStatistics::rms),
            saturated: share(|l| l.saturated),
            dead: share(|l| l.dead),
        }
    };
    let layers = (0..DEPTH).map(|at| layer(2 * at + 1)).collect();
    Ok(Measured { name: format!("{activation} {init}"), layers, known })
}

fn table(report: &mut Report, all: &[Measured]) {
    let shown = |figures: [f64; 4]| {
        figures.map(|v| if (1e-2..1e3).contains(&v) { format!("{v:.3}") } else { format!("{v:.1e}") })
    };
    let share = |share: Option<f64>| share.map_or(String::new(), |share| format!("{:.1} %", share * 100.0));
    let head = ["", "", "layer 1", "layer 2", "layer 5", "layer 10", "mean in 10", "saturated in 10", "dead in 10"];
    report.row(head);
    for measured in all {
        let last = measured.layers[DEPTH - 1];
        let figures = shown(SHOWN.map(|layer| measured.layers[layer - 1].deviation));
        let rest = [format!("{:.1e}", last.mean), share(last.saturated), share(last.dead)];
        report.row([measured.name.clone(), "here".into()].into_iter().chain(figures).chain(rest));
        if let Some(known) = measured.known {
            report.row([String::new(), "known".into()].into_iter().chain(shown(known)));
        }
    }
}

/// Measures all ways.
pub fn run(setup: &Setup) -> Result<Vec<Measured>, Failure> {
    let seeds: Vec<u64> = (0..setup.pick(1, 5)).collect();
    let all = WAYS.iter().map(|way| measure(setup, way, &seeds)).collect::<Result<Vec<_>, _>>()?;
    let what = "initialisation: deviation of the outputs of ten layers of 500 before any training";
    let mut report = Report::new(setup, what, "1000 inputs from N(0, 1)", &seeds);
    table(&mut report, &all);
    let last = |name: &str| find(&all, |m| &m.name, name).map(|m| m.layers[DEPTH - 1]);
    report.claim(
        "small weights let the signal of a tanh net die: deviation below 1e-5",
        last("tanh small")?.deviation < 1e-5,
    );
    let saturated = last("tanh large")?.saturated.unwrap_or(0.0);
    report.claim("large weights saturate a tanh: more than 80 % beyond 0.99", saturated > 0.8);
    let kept = last("tanh xavier")?.deviation;
    report.claim("Xavier's keep it alive through tanh: deviation between 0.1 and 1", (0.1..1.0).contains(&kept));
    let ratio = last("relu xavier")?.rms / last("relu he")?.rms;
    let text = "Xavier's lose half of its square in every layer of ReLU, He's do not: 2^-5 after ten";
    report.claim(text, (ratio / 2_f64.powi(-5) - 1.0).abs() < 1e-3);
    let lines = all.iter().map(|m| {
        let points = m.layers.iter().enumerate().map(|(at, layer)| (at as f64 + 1.0, layer.deviation));
        let line = Series::new(m.name.clone(), points);
        if m.name.starts_with("relu") { line.dashed() } else { line }
    });
    let path = setup.out.join("initialisation.svg");
    let title = "The signal through ten layers of 500, before training";
    Plot { title, x: "layer", y: "standard deviation of its outputs", log: true }
        .write(&path, &lines.collect::<Vec<_>>())?;
    report.plot(path);
    print!("{report}");
    Ok(all)
}

fn main() -> std::process::ExitCode {
    common::main(run)
}

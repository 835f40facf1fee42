//! The examples' short forms: what each shows must be so.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(clippy::duplicate_mod, reason = "each example brings what all share")]

#[path = "../examples/activations.rs"]
mod activations;
#[path = "../examples/batch_norm.rs"]
mod batch_norm;
#[path = "../examples/depth.rs"]
mod depth;
#[path = "../examples/dropout.rs"]
mod dropout;
#[path = "../examples/early_stopping.rs"]
mod early_stopping;
#[path = "../examples/inference_rule.rs"]
mod inference_rule;
#[path = "../examples/initialisation.rs"]
mod initialisation;
#[path = "../examples/preprocessing.rs"]
mod preprocessing;
#[path = "../examples/saturation.rs"]
mod saturation;

use std::path::Path;

/// Every plot is there and whole.
fn assert_plotted(folder: &Path, names: &[&str]) {
    for name in names {
        let text = std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{name}");
        assert!(text.contains("<polyline") && !text.contains("NaN") && !text.contains("inf"), "{name}");
    }
}

#[test]
fn initialisation_keeps_or_loses_the_signal() {
    let out = tempfile::tempdir().unwrap();
    let all = initialisation::run(&initialisation::common::Setup::short(out.path())).unwrap();
    assert_eq!(all.len(), 7);
    for way in &all {
        let Some(known) = way.known else { continue };
        for (layer, known) in initialisation::SHOWN.into_iter().zip(known) {
            let found = way.layers[layer - 1].deviation;
            // Both are one draw of the weights. In a layer of 500 the mean square of a ReLU's outputs varies by
            // sqrt(5 / 500) = 10 % from draw to draw, and that of a tanh by less; over l layers by sqrt(l) as much, half of
            // it in the deviation. The bound is three times that for the difference of two.
            let bound = 3.0 * 2_f64.sqrt() * 0.05 * (layer as f64).sqrt();
            assert!((found / known).ln().abs() < bound, "{}, layer {layer}: {found}, known {known}", way.name);
        }
    }
    let last = |name: &str| all.iter().find(|way| way.name == name).unwrap().layers[9];
    // The known share is 90 %; 0.88 at the least of many draws.
    assert!((0.85..0.95).contains(&last("tanh large").saturated.unwrap()));
    assert!(last("tanh small").saturated.unwrap() == 0.0 && last("tanh small").dead.is_none());
    // Weights that differ by a factor give outputs of ReLUs that differ by it: 2^-5 after ten layers, but for rounding.
    let ratio = last("relu xavier").rms / last("relu he").rms;
    assert!((ratio * 32.0 - 1.0).abs() < 1e-4, "{ratio}");
    assert_plotted(out.path(), &["initialisation"]);
}

#[test]
fn depth_needs_the_right_start() {
    let out = tempfile::tempdir().unwrap();
    let all = depth::run(&depth::common::Setup::short(out.path())).unwrap();
    for [xavier, he] in &all {
        // As in the test above, over thirty layers.
        assert!((xavier.signal / he.signal * 32768.0 - 1.0).abs() < 1e-4, "{} {}", xavier.signal, he.signal);
        assert!(he.accuracy > 0.8 && xavier.accuracy < 0.2, "{} {}", he.accuracy, xavier.accuracy);
        let (first, last) = (he.losses[0].1, he.losses.last().unwrap().1);
        assert!(last < first / 3.0, "{first} to {last}");
        // Not to learn is to stay at ln 10.
        assert!((xavier.losses.last().unwrap().1 - 10_f64.ln()).abs() < 0.01);
    }
    assert_plotted(out.path(), &["depth-loss", "depth-accuracy"]);
}

#[test]
fn preprocessing_frees_the_signs_and_saves_steps() {
    let out = tempfile::tempdir().unwrap();
    let all = preprocessing::run(&preprocessing::common::Setup::short(out.path())).unwrap();
    let [scaled, centred, standardised] = &all[..] else { panic!("{all:?}") };
    assert_eq!([scaled, centred, standardised].map(|m| m.one_sign[0]), [1.0, 0.0, 0.0]);
    assert!(scaled.one_sign[1] > 0.0 && scaled.one_sign[1] < 0.5, "{:?}", scaled.one_sign);
    let steps = [scaled, centred, standardised].map(|m| m.common().unwrap());
    assert!(steps[2] < steps[0] && steps[1] <= steps[0], "{steps:?}");
    assert!(standardised.best().unwrap().1 < scaled.best().unwrap().1);
    assert_plotted(out.path(), &["preprocessing"]);
}

#[test]
fn early_stopping_keeps_what_the_last_model_has_lost() {
    let out = tempfile::tempdir().unwrap();
    let [right, wrong] = early_stopping::run(&early_stopping::common::Setup::short(out.path())).unwrap();
    let last = |epochs: &[early_stopping::Epoch]| early_stopping::stop(epochs, u64::MAX).epochs;
    for epochs in right.iter().chain(&wrong) {
        let stop = early_stopping::stop(epochs, 10);
        assert!(stop.model < epochs.len() && stop.epochs <= epochs.len() && last(epochs) == epochs.len(), "{stop:?}");
        let (best, end) = (&epochs[stop.model - 1], epochs.last().unwrap());
        assert!(end.train < best.train && end.validation > best.validation, "{best:?} {end:?}");
    }
    for epochs in &wrong {
        let (best, end) = (&epochs[early_stopping::stop(epochs, 10).model - 1], epochs.last().unwrap());
        assert!(best.test < end.test && best.test_error < end.test_error, "{best:?} {end:?}");
        assert!(end.train_error < 0.01, "wrong labels are learnt by heart: {end:?}");
    }
    assert_plotted(out.path(), &["early_stopping-loss", "early_stopping-error"]);
}

#[test]
fn a_patience_counts_epochs_without_a_better_loss() {
    let epoch = |validation| early_stopping::Epoch {
        train: 0.0,
        train_error: 0.0,
        validation,
        validation_error: 0.0,
        test: 0.0,
        test_error: 0.0,
    };
    let epochs = [3.0, 2.0, 2.5, 1.0, 1.5, 1.0, 2.0, 0.5].map(epoch);
    let stops = [1, 2, 3, 4, 5].map(|patience| early_stopping::stop(&epochs, patience)).map(|s| (s.epochs, s.model));
    assert_eq!(stops, [(3, 2), (6, 4), (7, 4), (8, 8), (8, 8)]);
}

#[test]
fn activations_learn_and_units_die() {
    let out = tempfile::tempdir().unwrap();
    let all = activations::run(&activations::common::Setup::short(out.path())).unwrap();
    assert_eq!(all.nets.len(), 9);
    for net in &all.nets {
        let (kind, accuracies) = (net.kind, &net.accuracies);
        // Of ten classes of about as many rows each: one answer for all is right for a tenth, and an activation that
        // learns is near the 97 % that nets of this size come to.
        match kind {
            "sigmoid" => assert!(accuracies.iter().all(|&share| share < 0.2), "{accuracies:?}"),
            _ => assert!(accuracies.iter().all(|&share| share > 0.9), "{kind}: {accuracies:?}"),
        }
        assert_eq!(net.dead.is_some(), kind == "relu");
        assert_eq!(net.saturated.is_some(), ["sigmoid", "tanh"].contains(&kind));
    }
    assert!(all.nets.iter().find(|net| net.kind == "relu").unwrap().dead.as_ref().unwrap().0 > 0.0);
    assert_eq!(all.units.len(), 2 * 5 * all.seeds.len());
    for unit in &all.units {
        assert_eq!(unit.active[0], (0.0, 0.0), "{unit:?}");
        if unit.kind == "relu" {
            // Exactly, for nothing is added to a weight but its gradient.
            assert!(unit.gradient == 0.0 && unit.moved == 0.0, "{unit:?}");
            assert!(unit.active.iter().all(|&(_, share)| share == 0.0), "{unit:?}");
            continue;
        }
        assert!(unit.gradient > 0.0 && unit.moved > 0.0, "{unit:?}");
        // A unit that all else goes through has to tell rows apart.
        assert!(unit.hidden > 1 || (0.1..0.9).contains(&unit.last()), "{unit:?}");
    }
    assert_plotted(out.path(), &["activations-loss", "activations-accuracy", "activations-dead"]);
}

/// Updates that bring the output of w + b below 0.1, in 64 bits, and the outputs before each.
fn come_back(squares: bool, [w, b]: [f32; 2]) -> (u64, Vec<f64>) {
    let (mut z, mut outputs) = (f64::from(w) + f64::from(b), vec![]);
    loop {
        let p = 1.0 / (1.0 + (-z).exp());
        outputs.push(p);
        if p < 0.1 {
            return (outputs.len() as u64 - 1, outputs);
        }
        // Weight and bias move alike.
        z -= 2.0 * 0.075 * if squares { 2.0 * p * p * (1.0 - p) } else { p };
    }
}

#[test]
fn saturation_holds_squared_error_up() {
    let out = tempfile::tempdir().unwrap();
    let all = saturation::run(&saturation::common::Setup::short(out.path())).unwrap();
    assert_eq!((all.units.len(), all.digits.len()), (6, 4));
    for unit in &all.units {
        let squares = unit.loss == wgrad::nn::Loss::MSE;
        let (steps, outputs) = come_back(squares, unit.start);
        // 1 - p has the rounding of p, half of 1.2e-7 at most; the rest is a few roundings.
        let bound = 1e-6 + 6e-8 / (1.0 - outputs[0]);
        for gradient in unit.gradients.map(f64::from) {
            assert!((gradient / unit.closed - 1.0).abs() < bound, "{gradient}, {}", unit.closed);
        }
        // Near 5 numbers of 32 bits are 4.8e-7 apart, and the first updates by squared error are 6.8e-6: rounding changes
        // such an update by 3.5 % at most. Elsewhere it only decides whether one step more is needed.
        let bound = if squares && unit.start[0] == 5.0 { 0.035 * steps as f64 } else { 1.0 };
        assert!(unit.steps.unwrap().abs_diff(steps) as f64 <= bound, "{:?}, {steps}", unit.steps);
        let apart = unit.outputs.iter().zip(&outputs).take(300).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-4, "{:?} {:?}", unit.loss, unit.start);
    }
    let [fair_squares, fair, squares, entropy] = &all.digits[..] else { panic!("{all:?}") };
    // p (1 - p) at the sigmoid of 8 is 3e-4 where cross-entropy has 1.
    assert!(squares.gradient < 1e-2 * entropy.gradient, "{} {}", squares.gradient, entropy.gradient);
    let steps = |run: &saturation::Digits| run.steps.unwrap_or(f64::INFINITY);
    assert!(steps(entropy) < 2.0 * steps(fair), "{:?} {:?}", entropy.steps, fair.steps);
    assert!(steps(squares) > 2.0 * steps(fair_squares), "{:?} {:?}", squares.steps, fair_squares.steps);
    // Nine of ten rows are of other digits, and all are taken for this one.
    assert!(squares.curve[0].1 < 0.15 && entropy.accuracy > 0.95, "{:?}", squares.curve[0]);
    assert_plotted(out.path(), &["saturation-unit", "saturation-digits"]);
}

#[test]
fn batch_norm_is_sooner_and_better_and_steadier() {
    let out = tempfile::tempdir().unwrap();
    let setup = batch_norm::common::Setup::short(out.path());
    let all = batch_norm::run(&setup).unwrap();
    let length = batch_norm::Length::of(&setup);
    assert_eq!(all.len(), 3);
    for [without, with] in &all {
        assert!(!without.normalised && with.normalised && without.rate == with.rate);
        assert_eq!(with.points.len() as u64, length.total / length.stride + 1);
        // Near chance against more than nine of ten: 80 points apart, of which a fourth at least must be.
        let (early, behind) = (with.after(length.early), without.after(length.early));
        assert!(early - behind > 0.2, "rate {}: {early} and {behind}", with.rate);
        // On 359 test rows a share of 97 % has a deviation of 0.9 %; the smallest lead is 9 %.
        assert!(with.last() - without.last() > 0.02, "rate {}: {} and {}", with.rate, with.last(), without.last());
        assert!(with.drift(length.early) < without.drift(length.early), "rate {}", with.rate);
    }
    let best = all.iter().map(|[_, with]| with.last()).fold(0.0, f64::max);
    assert!(best > 0.95, "{best}");
    assert_plotted(out.path(), &["batch_norm-accuracy", "batch_norm-inputs"]);
}

/// Without moving there is nothing to see, and medians of 1, 2 and 3 with a way of 2 between the percentiles deviate by
/// half of the root of 2/3.
#[test]
fn what_wanders_is_measured_in_its_own_width() {
    let run = |medians: [f64; 4]| batch_norm::Run {
        rate: 0.1,
        normalised: true,
        points: (0..4)
            .zip(medians)
            .map(|(step, median)| batch_norm::Point {
                step,
                accuracy: 0.0,
                percentiles: vec![[median - 0.5, median, median + 1.5]; 100],
            })
            .collect(),
    };
    assert_eq!(run([9.0, 2.0, 2.0, 2.0]).drift(1), 0.0);
    let drift = run([9.0, 1.0, 2.0, 3.0]).drift(1);
    assert!((drift - (2.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-12, "{drift}");
}

#[test]
fn dropout_with_max_norm_generalises_better() {
    let out = tempfile::tempdir().unwrap();
    let all = dropout::run(&dropout::common::Setup::short(out.path())).unwrap();
    assert_eq!(all.len(), dropout::WAYS.len());
    let of = |name: &str| all.iter().find(|measured| measured.way.name == name).unwrap();
    let (none, both) = (of("none"), of("dropout, max-norm"));
    for measured in all.iter().filter(|measured| !measured.way.dropout) {
        assert!(measured.train_errors.iter().all(|&error| error == 0.0), "learns by heart: {measured:?}");
    }
    // Runs of one seed share their rows, so the differences tell: in the mean over six seeds 0.8 % of the rows, with a
    // standard error of 0.3 %.
    let gains: Vec<f64> = none.errors.iter().zip(&both.errors).map(|(none, both)| none - both).collect();
    assert!(dropout::common::mean(gains.iter().copied()) > 0.0, "{gains:?}");
    assert!(all.iter().all(|measured| measured.error() < 0.1 && measured.interval()[0] < measured.error()));
    assert_plotted(out.path(), &["dropout"]);
}

#[test]
fn weight_scaling_stands_for_the_mean_of_masks() {
    let out = tempfile::tempdir().unwrap();
    let found = inference_rule::run(&inference_rule::common::Setup::short(out.path())).unwrap();
    // By hand: 0.75 * 1 and 2.5 * 2, each there or not, and half of their sum.
    assert_eq!(found.unit, (vec![0.0, 0.75, 5.0, 5.75], 2.875));
    // Weights behind the inputs are rounded once more when they are divided by 0.8.
    assert!(found.apart < 1e-5, "{}", found.apart);
    let error = |count: usize| found.of(count).unwrap().error;
    // One mask makes three times as many mistakes as the rule, and ten still more than twenty.
    assert!(error(1) > 2.0 * found.rule, "{found:?}");
    assert!(error(1) > error(2) && error(2) > error(5) && error(5) > error(10), "{found:?}");
    // The same 719 rows, so the two differ by few that are close calls: by chance 0.4 % of the rows, of which three times.
    assert!((error(50) - found.rule).abs() < 0.012 && (error(100) - found.rule).abs() < 0.012, "{found:?}");
    assert!(found.matched().unwrap() >= 5, "{found:?}");
    assert_plotted(out.path(), &["inference_rule"]);
}

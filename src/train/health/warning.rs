//! What the health of the layers warns of. The thresholds are far from what healthy networks have, since a warning that
//! comes for nothing is soon read by nobody.

use super::layer::{LayerHealth, Spread, kind};
use crate::error::Error;
use std::fmt;

/// Share of a layer's units that may be dead. They take no part in what the network computes, and no gradient brings them back.
/// The course, and CS231n of Stanford ("Neural Networks Part 1"), give 40 % as what a rate that is too large makes of a network.
pub(in crate::train) const DEAD: f64 = 0.4;

/// Share of a layer's values that may be at an end of the range. Through most of the layer a fiftieth of the gradient or less
/// then goes (the slope of tanh is 1 − 0.99², of 1), as in the layers of Glorot & Bengio 2010, figure 2, that stop learning.
pub(super) const SATURATED: f64 = 0.5;

/// What may be left of the signal, and of the gradient, on its way through the layers: 2⁻¹⁰, half for each of ten layers. The
/// gradient of a weight is a product of the two, so that the weights behind move by a thousandth of what others do.
const LEFT: f64 = 1.0 / 1024.0;

/// What is wrong with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Units of a ReLU give 0 for every row.
    Dead,
    /// Values are at an end of the range of sigmoid or tanh.
    Saturated,
    /// The outputs hardly depend on the row any more.
    Faint,
    /// Hardly any of the gradient arrives.
    Vanishing,
    /// The layers could not be measured.
    Unmeasured,
}

/// The word that JSON has.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dead => "dead",
            Self::Saturated => "saturated",
            Self::Faint => "faint",
            Self::Vanishing => "vanishing",
            Self::Unmeasured => "unmeasured",
        })
    }
}

/// A layer whose units do not learn, why, and what may help.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthWarning {
    /// Path of the layer, as in `3.relu`; empty where it is about all of them.
    pub path: String,
    /// What is wrong with it.
    pub cause: Cause,
    /// The warning in a sentence, with settings in backticks.
    pub text: String,
}

impl HealthWarning {
    /// That nothing is measured, and why: the training goes on.
    pub(in crate::train) fn unmeasured(error: &Error) -> Self {
        let text = format!("the health of the layers cannot be measured ({error}); `health = 0` leaves it out");
        Self { path: String::new(), cause: Cause::Unmeasured, text }
    }
}

/// A layer that does not learn as it should.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::train) struct Fault {
    /// Its place among the layers that were measured.
    pub(super) at: usize,
    pub(in crate::train) path: String,
    pub(in crate::train) cause: Cause,
    /// The share of dead units, or of saturated values; 0 of other causes.
    pub(super) share: f64,
    /// What was measured, and what follows from it.
    pub(super) said: [String; 2],
}

/// A path as a sentence has it: of `3.relu` that is "layer 3 `relu`".
fn named(path: &str) -> String {
    path.rsplit_once('.').map_or_else(|| path.to_owned(), |(place, kind)| format!("layer {place} `{kind}`"))
}

pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round())
}

/// What is wrong after an epoch, layer by layer. What follows from another fault is no cause of its own: where units are dead or
/// saturated, signal and gradient get lost; where the signal is lost, biases decide, and units behind it die.
pub(in crate::train) fn faults(layers: &[LayerHealth], epoch: u64) -> Vec<Fault> {
    let mut found = stuck(layers, epoch);
    if let Some(lost) = faint(layers, epoch) {
        found.retain(|fault| fault.at <= lost.at);
        if found.is_empty() {
            return vec![lost];
        }
    }
    if found.is_empty() { vanishing(layers, epoch).into_iter().collect() } else { found }
}

/// Layers whose units are dead or saturated.
fn stuck(layers: &[LayerHealth], epoch: u64) -> Vec<Fault> {
    let mut found = vec![];
    let hidden = layers.len().saturating_sub(1);
    for (at, layer) in layers.iter().enumerate() {
        let (name, path) = (named(&layer.path), &layer.path);
        let rows = match layer.rows == layer.of_rows {
            true => format!("all {} training rows", layer.rows),
            false => format!("{} of {} training rows", layer.rows, layer.of_rows),
        };
        if let Some(share) = layer.dead.filter(|&dead| dead >= DEAD) {
            let what = format!("{name}: {} of the units gave 0 for {rows} after epoch {epoch}", percent(share));
            let said = [what, "so that no gradient reaches them".into()];
            found.push(Fault { at, path: path.clone(), cause: Cause::Dead, share, said });
        }
        // The ends of the last layer are the answers that it learns.
        if let Some(share) = layer.saturated.filter(|&share| share > SATURATED && at < hidden) {
            let what = format!(
                "{name}: {} of the values for {rows} after epoch {epoch} were at an end of the range",
                percent(share)
            );
            let said = [what, "where the slope is near 0".into()];
            found.push(Fault { at, path: path.clone(), cause: Cause::Saturated, share, said });
        }
    }
    found
}

/// The first layer where the signal is lost: how much the values depend on the row, against the layers before. Functions that
/// have ends bring any signal to 1 or less, and batch norm begins anew.
pub(super) fn faint(layers: &[LayerHealth], epoch: u64) -> Option<Fault> {
    let mut most = 0.0_f64;
    for (at, layer) in layers.iter().enumerate() {
        let signal = layer.outputs.deviation_over_rows;
        most = match kind(&layer.path) {
            "batch_norm" => signal,
            _ if layer.saturated.is_some() => most.min(1.0).max(signal),
            _ => most.max(signal),
        };
        if signal < LEFT * most {
            let what = format!(
                "{}: its values differ from row to row by {signal:.1e}, those of a layer before it by {most:.1e} (after epoch \
                 {epoch})",
                named(&layer.path)
            );
            let said = [what, "so that it tells the rows hardly apart and learns slowly".into()];
            return Some(Fault { at, path: layer.path.clone(), cause: Cause::Faint, share: 0.0, said });
        }
    }
    None
}

/// The last layer that hardly any gradient reaches, against the layers behind it. Batch norm divides gradients by what it divides
/// values by, so that between its two sides they are not compared.
pub(super) fn vanishing(layers: &[LayerHealth], epoch: u64) -> Option<Fault> {
    let mut most = 0.0_f64;
    for (at, layer) in layers.iter().enumerate().rev() {
        let Some(gradient) = layer.gradients.as_ref().map(Spread::norm) else { continue };
        if kind(&layer.path) == "batch_norm" {
            most = 0.0;
            continue;
        }
        most = most.max(gradient);
        if gradient < LEFT * most {
            let what = format!(
                "{}: a gradient of {gradient:.1e} reaches it, and one of {most:.1e} a layer behind it (after epoch {epoch})",
                named(&layer.path)
            );
            let said = [what, "so that this layer and those before it learn slowly".into()];
            return Some(Fault { at, path: layer.path.clone(), cause: Cause::Vanishing, share: 0.0, said });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer of 100 units whose values, and the gradients by them, differ by so much over 50 rows.
    fn layer(path: &str, signal: f64, gradient: f64) -> LayerHealth {
        let spread = |deviation: f64| Spread {
            mean: 0.0,
            deviation,
            deviation_over_rows: deviation,
            histogram: vec![],
            values: 50,
            units: 100,
        };
        LayerHealth {
            path: path.into(),
            rows: 50,
            of_rows: 50,
            outputs: spread(signal),
            saturated: None,
            dead: None,
            gradients: Some(spread(gradient)),
            weight_gradient_norm: None,
            update_to_weight: None,
            one_sign: None,
        }
    }

    fn found(layers: &[LayerHealth]) -> Vec<(String, Cause)> {
        faults(layers, 2).into_iter().map(|fault| (fault.path, fault.cause)).collect()
    }

    #[test]
    fn dead_and_saturated_layers_are_named_with_numbers() {
        let dead = |share| LayerHealth { dead: Some(share), ..layer("3.relu", 1.0, 1.0) };
        let saturated = |share| LayerHealth { saturated: Some(share), ..layer("5.tanh", 1.0, 1.0) };
        let last = layer("6.linear", 1.0, 1.0);
        let told = faults(&[dead(0.41), saturated(0.6), last.clone()], 2);
        let texts: Vec<String> = told.iter().map(|fault| fault.said.join(", ")).collect();
        assert!(
            texts[0].starts_with("layer 3 `relu`: 41 % of the units gave 0 for all 50 training rows after epoch 2")
        );
        assert!(texts[1].starts_with("layer 5 `tanh`: 60 % of the values"), "{texts:?}");
        // A row that is left over, or those that a sample lacks, are not said to be looked at.
        let left_over = faults(&[LayerHealth { of_rows: 51, ..dead(0.41) }], 2);
        assert!(left_over[0].said[0].contains("gave 0 for 50 of 51 training rows"), "{left_over:?}");
        assert_eq!(found(&[dead(0.39), saturated(0.5), last]), []);
        // The last layer's ends are its answers.
        assert_eq!(found(&[dead(0.0), saturated(1.0)]), []);
    }

    #[test]
    fn a_signal_that_gets_lost_is_named_where_it_is_lost() {
        let faint = |signals: [f64; 4]| {
            let paths = ["0.linear", "1.tanh", "2.linear", "3.tanh"];
            found(&paths.into_iter().zip(signals).map(|(path, signal)| layer(path, signal, 1.0)).collect::<Vec<_>>())
        };
        assert_eq!(faint([1.0, 0.1, 2e-3, 1.1e-3]), []);
        assert_eq!(faint([1.0, 0.1, 9e-4, 1e-4]), [("2.linear".into(), Cause::Faint)]);
        // A unit that dies behind that place follows from it; one before it is the cause.
        let dead = |path: &str, signal| LayerHealth { dead: Some(0.9), ..layer(path, signal, 1.0) };
        let first = layer("0.linear", 1.0, 1.0);
        let behind = [first.clone(), layer("1.relu", 1e-6, 1.0), dead("3.relu", 0.0)];
        assert_eq!(found(&behind), [("1.relu".into(), Cause::Faint)]);
        assert_eq!(found(&[first, dead("1.relu", 0.0), layer("2.linear", 0.0, 1.0)]), [("1.relu".into(), Cause::Dead)]);
        // Batch norm begins anew, and what has ends brings any signal to 1.
        let anew = [layer("0.linear", 1.0, 1.0), layer("1.batch_norm", 1e-5, 1.0), layer("2.linear", 1e-6, 1.0)];
        assert_eq!(found(&anew), []);
        let bounded = LayerHealth { saturated: Some(0.1), ..layer("1.tanh", 0.5, 1.0) };
        assert_eq!(found(&[layer("0.linear", 2000.0, 1.0), bounded]), []);
    }

    #[test]
    fn a_gradient_that_gets_lost_is_named_where_it_is_lost() {
        let vanishing = |paths: [&str; 3], gradients: [f64; 3]| {
            found(&paths.into_iter().zip(gradients).map(|(path, d)| layer(path, 1.0, d)).collect::<Vec<_>>())
        };
        let plain = ["0.linear", "1.relu", "2.linear"];
        assert_eq!(vanishing(plain, [1e-3, 1.0, 0.5]), []);
        assert_eq!(vanishing(plain, [9e-5, 9e-4, 1.0]), [("1.relu".into(), Cause::Vanishing)]);
        assert_eq!(vanishing(["0.linear", "1.batch_norm", "2.linear"], [9e-4, 1.0, 1.0]), []);
    }
}

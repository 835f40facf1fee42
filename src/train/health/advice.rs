//! What mends a layer that does not learn. Whether the layer was so before the first step decides: what training did, a lower
//! rate mends, and what it began with, other weights or batch norm.

use super::layer::{LayerHealth, kind};
use super::warning::{Cause, Fault, HealthWarning, SATURATED, faint, percent, vanishing};
use crate::nn::{Init, LayerText, Start, Tensor};

/// Root mean square of the network's outputs from which on the weights that it starts from are too large: after weights that keep
/// the size of the values it is about 1. The gradient is as large, so that any rate that trains the rest throws units out.
const LOUD: f64 = 10.0;

/// The share of its dead units, or saturated values, that a layer had before the first step if it is so from the start. Ten narrow
/// layers of relu on the digits have up to two thirds, and a lower rate mends them; of thirty, five sixths, and it does not.
const FROM_START: f64 = 0.75;

const BATCH_NORM: &str = "put batch_norm before the layer";

/// Most layers that are named.
const NAMED: usize = 4;

/// What a training started from, as far as it is known.
pub(in crate::train) struct Origin<'a> {
    /// The layers before the first step; none of a run that goes on from a state.
    pub(in crate::train) start: Option<&'a [LayerHealth]>,
    /// Whether the weights came from a file.
    pub(in crate::train) from_file: bool,
    /// The tensors of the network.
    pub(in crate::train) tensors: &'a [Tensor],
    /// The layers in their notation.
    pub(in crate::train) texts: &'a [String],
    /// The initial weights that the run names.
    pub(in crate::train) init: Option<Init>,
    /// The learning rate of the run.
    pub(in crate::train) lr: f64,
}

/// A layer with weights.
struct Weighted<'a> {
    /// Its place, as in `4.body.1`.
    place: &'a str,
    init: Init,
    /// Whether it names its initial weights itself.
    own_init: bool,
    /// Whether it has a learning rate of its own.
    own_rate: bool,
}

/// Names as a sentence lists them: "a, b and c".
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("layer {one}"),
        [first, second] => format!("layers {first} and {second}"),
        [most @ .., last] if names.len() <= NAMED => format!("layers {} and {last}", most.join(", ")),
        _ => format!("layers {} and {} more", names[..NAMED - 1].join(", "), names.len() - NAMED + 1),
    }
}

/// A tenth, without the digits that binary fractions add.
fn tenth(rate: f64) -> f64 {
    let text = format!("{:.3e}", rate / 10.0);
    text.parse().unwrap_or(rate / 10.0)
}

/// Whether weights keep the size of values as well as others, where `wanted` does.
fn keeps_as(init: Init, wanted: Init) -> bool {
    match wanted {
        Init::He => matches!(init, Init::He | Init::HeUniform),
        _ => matches!(init, Init::Xavier | Init::XavierUniform | Init::Glorot | Init::GlorotUniform),
    }
}

/// Whether weights keep the size of values, whatever comes behind them.
fn keeps_size(init: Init, _: Init) -> bool {
    keeps_as(init, Init::He) || keeps_as(init, Init::Xavier)
}

fn is_sigmoid(fault: &Fault) -> bool {
    kind(&fault.path) == "sigmoid"
}

/// Initial weights for sigmoids: alone, those that keep the size of values leave several layers of them at 1/2 for every row.
fn for_sigmoid(init: &str) -> String {
    format!("{init}, and put batch_norm before each sigmoid")
}

/// Whether the layer at a place, as in `4.body.1`, names its initial weights itself; `text` is that of layer 4.
fn names_init(text: &LayerText, place: &str) -> bool {
    let mut text = text;
    let mut inside = place.split('.').skip(1);
    while let Some(part) = inside.next() {
        // A shortcut names nothing.
        let index = inside.next().filter(|_| part == "body").and_then(|index| index.parse::<usize>().ok());
        let Some(layer) = index.and_then(|index| text.body.get(index)) else { return false };
        text = layer;
    }
    text.keys.iter().any(|(key, _)| key == "init")
}

impl Origin<'_> {
    /// The fault as a warning, with what mends it.
    pub(in crate::train) fn warning(&self, fault: Fault) -> HealthWarning {
        let before = self.before(&fault);
        let [mut what, follows] = fault.said.clone();
        match (before, fault.cause) {
            (Some((_, share)), Cause::Dead | Cause::Saturated) => {
                what += &format!(" ({} before the first step)", percent(share));
            }
            (Some((true, _)), _) => what += ", as before the first step",
            _ => {}
        }
        let advice = match before {
            Some((true, _)) => self.other_start(&fault),
            Some((false, _)) if self.is_loud() => self.smaller_start(&fault).unwrap_or_else(|| self.lower_rate()),
            Some((false, _)) => self.lower_rate(),
            None => {
                format!("{}, or start anew from other weights if it was so from the first step on", self.lower_rate())
            }
        };
        HealthWarning { text: format!("{what}, {follows}: {advice}"), path: fault.path, cause: fault.cause }
    }

    /// Whether the layer was so before the first step, and with what share of units or values; none where that is not known.
    fn before(&self, fault: &Fault) -> Option<(bool, f64)> {
        let start = self.start?;
        let layer = start.iter().find(|layer| layer.path == fault.path)?;
        let share = match fault.cause {
            Cause::Dead => layer.dead?,
            Cause::Saturated => layer.saturated?,
            Cause::Faint => return Some((faint(start, 0).is_some_and(|lost| lost.at <= fault.at), 0.0)),
            _ => return Some((vanishing(start, 0).is_some(), 0.0)),
        };
        let is_warned_of = fault.cause == Cause::Saturated && share > SATURATED;
        Some((is_warned_of || share >= FROM_START * fault.share, share))
    }

    /// Whether the network began with outputs that are far too large.
    fn is_loud(&self) -> bool {
        let last = self.start.and_then(<[_]>::last).map(|layer| &layer.outputs);
        last.is_some_and(|outputs| outputs.mean.hypot(outputs.deviation) > LOUD)
    }

    fn has(&self, kinds: &[&str]) -> bool {
        self.start.unwrap_or_default().iter().any(|layer| kinds.contains(&kind(&layer.path)))
    }

    /// What mends what was there before the first step.
    fn other_start(&self, fault: &Fault) -> String {
        if self.from_file {
            return "start from other weights than those of `init_from`, or without it".into();
        }
        match fault.cause {
            // Weights of mean 0 make as many units dead, whatever their size.
            Cause::Dead => format!("{BATCH_NORM}, as a lower `lr` wakes none of them"),
            Cause::Saturated => match self.init(fault, keeps_as) {
                Some(init) if is_sigmoid(fault) => for_sigmoid(&init),
                Some(init) => format!("{init}, or {BATCH_NORM}"),
                None => BATCH_NORM.into(),
            },
            _ if self.has(&["sigmoid"]) => "use relu in place of sigmoid, or put batch_norm between the layers".into(),
            _ => {
                let batch_norm = "put batch_norm between the layers";
                self.init(fault, keeps_as).map_or_else(|| batch_norm.into(), |init| format!("{init}, or {batch_norm}"))
            }
        }
    }

    /// What makes the outputs smaller that a network begins with, if its weights are not those that keep the size of values.
    fn smaller_start(&self, fault: &Fault) -> Option<String> {
        if self.from_file {
            return Some("start from smaller weights than those of `init_from`, or without it".into());
        }
        self.init(fault, keeps_size).map(|init| if is_sigmoid(fault) { for_sigmoid(&init) } else { init })
    }

    /// Other initial weights, where the run or the layers themselves name some that are not good enough by `keeps`.
    fn init(&self, fault: &Fault, keeps: fn(Init, Init) -> bool) -> Option<String> {
        let is_xavier = fault.cause == Cause::Saturated || fault.cause != Cause::Dead && self.has(&["tanh"]);
        let wanted = if is_xavier { Init::Xavier } else { Init::He };
        let weighted = self.weighted();
        let named = |layer: &&Weighted| !keeps(layer.init, wanted) && (layer.own_init || self.init.is_some());
        let (own, of_run): (Vec<&Weighted>, Vec<&Weighted>) =
            weighted.iter().filter(named).partition(|layer| layer.own_init);
        let of_run = (!of_run.is_empty()).then(|| format!("start with `init = {wanted}`"));
        let places: Vec<&str> = own.iter().map(|layer| layer.place).collect();
        let own = (!places.is_empty()).then(|| format!("write init={wanted} in {}", listed(&places)));
        match (of_run, own) {
            (Some(of_run), Some(own)) => Some(format!("{of_run}, and {own}")),
            (of_run, own) => of_run.or(own),
        }
    }

    /// A lower rate, where it acts.
    fn lower_rate(&self) -> String {
        let weighted = self.weighted();
        let own: Vec<&str> = weighted.iter().filter(|layer| layer.own_rate).map(|layer| layer.place).collect();
        let of_run = format!("lower `lr`, first to {}", tenth(self.lr));
        match own.len() {
            0 => of_run,
            some if some == weighted.len() => format!("lower lr= in {}, first to a tenth", listed(&own)),
            _ => format!("{of_run}, and lr= in {} likewise", listed(&own)),
        }
    }

    fn weighted(&self) -> Vec<Weighted<'_>> {
        self.tensors.iter().filter_map(|tensor| self.weights(tensor)).collect()
    }

    fn weights<'a>(&self, tensor: &'a Tensor) -> Option<Weighted<'a>> {
        let Start::Weights(init) = tensor.start else { return None };
        let (place, _) = tensor.name.rsplit_once('.')?;
        let index = place.split('.').next()?.parse::<usize>().ok()?;
        let text: LayerText = self.texts.get(index)?.parse().ok()?;
        Some(Weighted { place, init, own_init: names_init(&text, place), own_rate: tensor.rate.is_some() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::nn::{Head, Network};
    use crate::train::health::{Spread, faults};

    /// Layers that are measured: path, size of the outputs, dead units and saturated values.
    type Measured<'a> = [(&'a str, f64, Option<f64>, Option<f64>)];

    fn measured(layers: &Measured) -> Vec<LayerHealth> {
        let of = |&(path, size, dead, saturated): &(&str, f64, Option<f64>, Option<f64>)| LayerHealth {
            path: path.into(),
            rows: 50,
            of_rows: 50,
            outputs: Spread {
                mean: 0.0,
                deviation: size,
                deviation_over_rows: size,
                histogram: vec![],
                values: 50,
                units: 100,
            },
            saturated,
            dead,
            gradients: None,
            weight_gradient_norm: None,
            update_to_weight: None,
            one_sign: None,
        };
        layers.iter().map(of).collect()
    }

    /// The advice for the first fault of layers, which were other ones before the first step.
    fn advice(texts: &[&str], (init, from_file): (Option<Init>, bool), [start, now]: [&Measured; 2]) -> String {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        let network = Network::read(&texts, Head::classes(3), init).unwrap();
        let tensors = network.outline(&[4]).unwrap().tensors;
        let start = measured(start);
        let start = (!start.is_empty()).then_some(&start[..]);
        let origin = Origin { start, from_file, tensors: &tensors, texts: &network.texts(), init, lr: 3.0 };
        let fault = faults(&measured(now), 2).swap_remove(0);
        origin.warning(fault).text.rsplit_once(": ").unwrap().1.to_owned()
    }

    const PLAIN: (Option<Init>, bool) = (None, false);

    #[test]
    fn what_died_in_training_lives_at_a_lower_rate() {
        let texts = ["linear 8", "relu", "linear"];
        let now: &Measured = &[("1.relu", 0.0, Some(0.9), None), ("2.linear", 1.0, None, None)];
        let started = |dead, size| [("1.relu", 1.0, Some(dead), None), ("2.linear", size, None, None)];
        let lower = "lower `lr`, first to 0.3";
        assert_eq!(advice(&texts, PLAIN, [&started(0.6, 1.0), now]), lower);
        assert_eq!(
            advice(&["linear 8 lr=3", "relu", "linear"], PLAIN, [&started(0.0, 1.0), now]),
            format!("{lower}, and lr= in layer 0 likewise")
        );
        let own = ["linear 8 lr=3", "relu", "linear lr=3"];
        assert_eq!(advice(&own, PLAIN, [&started(0.0, 1.0), now]), "lower lr= in layers 0 and 2, first to a tenth");
        // Outputs that are far too large come of weights that are, where the run or the layers name them.
        let of_run = (Some(Init::Large), false);
        assert_eq!(advice(&texts, of_run, [&started(0.0, 11.0), now]), "start with `init = he`");
        assert_eq!(advice(&texts, of_run, [&started(0.0, 9.0), now]), lower);
        assert_eq!(advice(&texts, PLAIN, [&started(0.0, 11.0), now]), lower);
        // Weights of half the variance are not what makes them so large.
        assert_eq!(advice(&texts, (Some(Init::Xavier), false), [&started(0.0, 11.0), now]), lower);
        let own = ["linear 8 init=large", "relu", "linear"];
        let wanted = "write init=he in layer 0";
        assert_eq!(advice(&own, PLAIN, [&started(0.0, 11.0), now]), wanted);
        // Where the run goes on from a state, what it began with is not known.
        assert!(advice(&texts, PLAIN, [&[], now]).starts_with("lower `lr`, first to 0.3, or start anew"));
    }

    #[test]
    fn what_was_dead_before_the_first_step_needs_another_start() {
        let texts = ["linear 8", "relu", "linear"];
        let now: &Measured = &[("1.relu", 0.0, Some(0.8), None), ("2.linear", 1.0, None, None)];
        let start: &Measured = &[("1.relu", 0.0, Some(0.61), None), ("2.linear", 1.0, None, None)];
        assert!(advice(&texts, PLAIN, [start, now]).starts_with("put batch_norm before the layer"));
        assert!(
            advice(&texts, (None, true), [start, now])
                .starts_with("start from other weights than those of `init_from`")
        );
    }

    #[test]
    fn what_was_saturated_or_faint_before_the_first_step_names_the_weights_that_count() {
        let of = |texts: &[&str], init, path: &str| {
            let layers = [(path, 1.0, None, Some(0.9)), ("2.linear", 1.0, None, None)];
            advice(texts, (init, false), [&layers, &layers])
        };
        let batch_norm = "put batch_norm before the layer";
        let large = Some(Init::Large);
        assert_eq!(
            of(&["linear 8", "tanh", "linear"], large, "1.tanh"),
            format!("start with `init = xavier`, or {batch_norm}")
        );
        let own = ["linear 8 init=large", "tanh", "linear"];
        let wanted = "write init=xavier in layer 0";
        assert_eq!(of(&own, None, "1.tanh"), format!("{wanted}, or {batch_norm}"));
        let block = ["linear 8", "residual(linear 8 init=large; tanh; linear 8)", "tanh", "linear"];
        let wanted_inside =
            format!("start with `init = xavier`, and write init=xavier in layer 1.body.0, or {batch_norm}");
        assert_eq!(of(&block, large, "2.tanh"), wanted_inside);
        // A layer that names its own is not moved by what the run names, and is not said to be.
        assert_eq!(of(&own, Some(Init::Xavier), "1.tanh"), format!("{wanted}, or {batch_norm}"));
        assert_eq!(
            of(&own, Some(Init::Small), "1.tanh"),
            format!("start with `init = xavier`, and {wanted}, or {batch_norm}")
        );
        assert_eq!(of(&["linear 8", "tanh", "linear"], None, "1.tanh"), batch_norm);
        let both = "start with `init = xavier`, and put batch_norm before each sigmoid";
        assert_eq!(of(&["linear 8", "sigmoid", "linear"], large, "1.sigmoid"), both);
        assert_eq!(of(&["linear 8", "sigmoid", "linear"], None, "1.sigmoid"), batch_norm);
        // More than half of the values is warned of by itself, whatever training adds.
        let of_start = |share| {
            let layers = |share| [("1.tanh", 1.0, None, Some(share)), ("2.linear", 1.0, None, None)];
            advice(&["linear 8", "tanh", "linear"], (None, false), [&layers(share), &layers(0.9)])
        };
        assert_eq!([of_start(0.51), of_start(0.5)], [batch_norm, "lower `lr`, first to 0.3"]);

        let faint: &Measured = &[("0.linear", 1.0, None, None), ("1.relu", 1e-4, None, None)];
        let healthy: &Measured = &[("0.linear", 1.0, None, None), ("1.relu", 1.0, None, None)];
        let deep = [
            "linear 8 init=small",
            "relu",
            "linear 8 init=small",
            "relu",
            "linear 8 init=small",
            "relu",
            "linear 8 init=small",
            "relu",
            "linear 8 init=small",
            "relu",
            "linear",
        ];
        let wanted = "write init=he in layers 0, 2, 4 and 2 more, or put batch_norm between the layers";
        assert_eq!(advice(&deep, PLAIN, [faint, faint]), wanted);
        assert_eq!(advice(&deep, PLAIN, [healthy, faint]), "lower `lr`, first to 0.3");
    }
}

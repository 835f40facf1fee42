//! What mends a layer that does not learn. Whether the layer was so before the first step decides: what training did, a lower
//! rate mends, and what it began with, other weights or batch norm. README's table of the digits has what each comes to.

use super::layer::{LayerHealth, kind};
use super::warning::{Cause, Fault, HealthWarning, faint, percent, vanishing};
use crate::nn::{Init, Start, Tensor};

/// Root mean square of the network's outputs from which on the weights that it starts from are too large: after weights that keep
/// the size of the values it is about 1. The gradient is as large, so that any rate that trains the rest throws units out.
const LOUD: f64 = 10.0;

/// The share of its dead units, or saturated values, that a layer had before the first step if it is so from the start.
const FROM_START: f64 = 0.5;

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

impl Origin<'_> {
    /// The fault as a warning, with what mends it.
    pub(in crate::train) fn warning(&self, fault: Fault) -> HealthWarning {
        let before = self.before(&fault);
        let [mut what, follows] = fault.said.clone();
        match (before, fault.cause) {
            (Some((_, share)), Cause::Dead | Cause::Saturated) => {
                what += &format!(" ({} before the first step)", percent(share));
            }
            (Some((true, _)), _) => what += " as before the first step",
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
        Some((share >= FROM_START * fault.share, share))
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
            Cause::Dead => "put batch_norm before the layer, as a lower `lr` wakes none of them".into(),
            // Xavier's weights bring a sigmoid to 1/2 for every row.
            Cause::Saturated if kind(&fault.path) == "sigmoid" => "put batch_norm before the layer".into(),
            Cause::Saturated => self.or_batch_norm(fault, "put batch_norm before the layer"),
            _ if self.has(&["sigmoid"]) => "use relu in place of sigmoid, or put batch_norm between the layers".into(),
            _ => self.or_batch_norm(fault, "put batch_norm between the layers"),
        }
    }

    fn or_batch_norm(&self, fault: &Fault, batch_norm: &str) -> String {
        self.init(fault).map_or_else(|| batch_norm.into(), |init| format!("{init}, or {batch_norm}"))
    }

    /// What makes the outputs smaller that a network begins with, if its weights are not those that keep the size of values.
    fn smaller_start(&self, fault: &Fault) -> Option<String> {
        if self.from_file {
            return Some("start from smaller weights than those of `init_from`, or without it".into());
        }
        self.init(fault)
    }

    /// Other initial weights, where the run or the layers themselves name others than those that keep the size of values.
    fn init(&self, fault: &Fault) -> Option<String> {
        let is_xavier = fault.cause == Cause::Saturated || fault.cause != Cause::Dead && self.has(&["tanh"]);
        let wanted = if is_xavier { Init::Xavier } else { Init::He };
        let weighted = self.weighted();
        let named = |layer: &&Weighted| !keeps_as(layer.init, wanted) && (layer.own_init || self.init.is_some());
        let (own, of_run): (Vec<&Weighted>, Vec<&Weighted>) =
            weighted.iter().filter(named).partition(|layer| layer.own_init);
        let of_run = (!of_run.is_empty()).then(|| format!("start with `init = {wanted}`"));
        let places: Vec<&str> = own.iter().map(|layer| layer.place).collect();
        let own = own.first().map(|first| {
            let (init, layers) = (first.init, listed(&places));
            format!("write init={wanted} in place of init={init} in {layers}")
        });
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
        let own_init = self.init.is_some_and(|of_run| of_run != init) || self.texts.get(index)?.contains("init=");
        Some(Weighted { place, init, own_init, own_rate: tensor.rate.is_some() })
    }
}

//! Weights to start from, of a model whose table has its columns in another order.

use super::job::Job;
use crate::error::Error;
use crate::export::{Model, ModelError, Values};
use crate::names::listed;
use crate::ops::activation::functions;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Whether a layer treats every feature alike, so that its outputs stand in the order of its inputs.
fn is_alike(kind: &str) -> bool {
    kind == "dropout" || functions().any(|function| function.name == kind)
}

/// Layers that have numbers for each feature.
const EACH: [&str; 2] = ["batch_norm", "prelu"];

/// Lets what a model has for each column follow the columns by name, if the model and the data are of tables; says whether
/// the columns stand in another order.
///
/// # Errors
/// The columns have other names, or the first layers are none in which a column can be followed.
pub(super) fn by_name(model: &mut Model, job: &Job) -> Result<bool, Error> {
    let Some(meta) = model.metadata.as_ref().filter(|meta| !meta.encoding.is_empty()) else { return Ok(false) };
    let (theirs, ours) = (meta.encoding.features(), &job.dataset.columns);
    if ours.is_empty() || theirs == *ours {
        return Ok(false);
    }
    let refused = |what: String| Error::Model(ModelError::Mismatch { path: model.path.clone(), what });
    let place: HashMap<&String, usize> = theirs.iter().zip(0..).collect();
    let unknown: Vec<&String> = ours.iter().filter(|name| !place.contains_key(name)).collect();
    if !unknown.is_empty() {
        return Err(refused(format!("it was trained on other columns: it has none for {}", listed(&unknown))));
    }
    if theirs.len() != ours.len() {
        let known: HashSet<&String> = ours.iter().collect();
        let absent: Vec<&String> = theirs.iter().filter(|name| !known.contains(name)).collect();
        return Err(refused(format!("it was trained on columns that the data lack: {}", listed(&absent))));
    }
    let order: Vec<usize> = ours.iter().map(|name| place[name]).collect();
    let layers: Vec<String> = meta.layers.clone();
    if reorder(&mut model.tensors, &layers, &order) {
        return Ok(true);
    }
    let what = "its columns stand in another order, in which its first layers cannot follow them: give the data's columns \
                the order of the model's";
    Err(Error::Model(ModelError::Mismatch { path: model.path.clone(), what: what.into() }))
}

/// Takes for feature `i` what stood at `order[i]`, up to the first layer that mixes features; says whether there is one.
fn reorder(tensors: &mut BTreeMap<String, Values>, layers: &[String], order: &[usize]) -> bool {
    for (index, layer) in layers.iter().enumerate() {
        let kind = layer.split_whitespace().next().unwrap_or_default();
        let mixes = kind == "linear";
        if !mixes && !EACH.contains(&kind) && !is_alike(kind) {
            return false;
        }
        let own = format!("{index}.");
        for (name, values) in tensors.iter_mut().filter(|(name, _)| name.starts_with(&own)) {
            let Values::Floats(sizes, floats) = values else { continue };
            // A linear layer has a column of its weight for each feature; other layers have one number for each.
            let follows = if mixes { *name == format!("{own}weight") } else { sizes.len() == 1 };
            if follows && sizes.last() == Some(&order.len()) {
                *floats = floats.chunks(order.len()).flat_map(|row| order.iter().map(|&from| row[from])).collect();
            }
        }
        if mixes {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> BTreeMap<String, Values> {
        let floats = |sizes: &[usize], values: &[f32]| Values::Floats(sizes.to_vec(), values.to_vec());
        BTreeMap::from([
            ("0.running_mean".into(), floats(&[3], &[1.0, 2.0, 3.0])),
            ("0.num_batches_tracked".into(), Values::Count(4)),
            ("1.weight".into(), floats(&[1], &[0.25])),
            ("2.weight".into(), floats(&[3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])),
            ("2.bias".into(), floats(&[3], &[1.0, 2.0, 3.0])),
            ("3.weight".into(), floats(&[1, 3], &[1.0, 2.0, 3.0])),
        ])
    }

    #[test]
    fn what_stands_for_a_column_follows_it_and_no_more() {
        let layers = ["batch_norm eps=1e-5", "prelu", "linear 3", "linear 1"].map(str::to_owned);
        let mut moved = tensors();
        assert!(reorder(&mut moved, &layers, &[2, 0, 1]));
        let floats = |name: &str| match &moved[name] {
            Values::Floats(_, floats) => floats.clone(),
            Values::Count(_) => vec![],
        };
        assert_eq!(floats("0.running_mean"), [3.0, 1.0, 2.0]);
        assert_eq!(floats("2.weight"), [3.0, 1.0, 2.0, 6.0, 4.0, 5.0, 9.0, 7.0, 8.0]);
        for same in ["0.num_batches_tracked", "1.weight", "2.bias", "3.weight"] {
            assert_eq!(moved[same], tensors()[same], "{same}");
        }
    }

    #[test]
    fn layers_that_group_features_are_no_way_through() {
        for layers in [vec!["maxout 3", "linear 1"], vec!["residual(linear 3)", "linear 1"], vec!["tanh"], vec![]] {
            let layers: Vec<String> = layers.into_iter().map(str::to_owned).collect();
            assert!(!reorder(&mut tensors(), &layers, &[2, 0, 1]), "{layers:?}");
        }
    }
}

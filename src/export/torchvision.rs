//! The names that torchvision gives the tensors of its residual networks (`torchvision/models/resnet.py`), and ours.
//!
//! Ours are places in a sequence: the stem is layers 0 to 3 (convolution, batch norm, relu, max pool), then come a block and a relu
//! for each block of torchvision, a global average pool and a linear layer. Convolution i of a block is layer 3 (i − 1) of its body,
//! and its batch norm is the next.

use super::tensors::Values;
use std::collections::BTreeMap;

/// The first layer behind the stem.
const FIRST: usize = 4;

/// Takes the tensors of a file with torchvision's names by ours; says whether it is one.
pub(super) fn take(tensors: &mut BTreeMap<String, Values>) -> bool {
    let blocks = blocks_of(tensors.keys());
    if blocks.is_empty() || !tensors.contains_key("conv1.weight") {
        return false;
    }
    let all = std::mem::take(tensors);
    *tensors = all.into_iter().map(|(name, values)| (ours(&name, &blocks).unwrap_or(name), values)).collect();
    true
}

/// The blocks, as in `layer1.0`, in their order.
fn blocks_of<'a>(names: impl Iterator<Item = &'a String>) -> Vec<(usize, usize)> {
    let mut blocks: Vec<_> = names.filter_map(|name| Some(in_block(name)?.0)).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

/// Stage and number of the block that a tensor is of, and its name there.
fn in_block(name: &str) -> Option<((usize, usize), &str)> {
    let (stage, rest) = name.strip_prefix("layer")?.split_once('.')?;
    let (block, rest) = rest.split_once('.')?;
    Some(((stage.parse().ok()?, block.parse().ok()?), rest))
}

fn ours(name: &str, blocks: &[(usize, usize)]) -> Option<String> {
    if let Some((block, rest)) = in_block(name) {
        let index = FIRST + 2 * blocks.binary_search(&block).ok()?;
        let (layer, tensor) = rest.split_once('.')?;
        let numbered = |kind: &str| layer.strip_prefix(kind)?.parse::<usize>().ok()?.checked_sub(1);
        return match (numbered("conv"), numbered("bn"), layer) {
            (Some(at), ..) => Some(format!("{index}.body.{}.{tensor}", 3 * at)),
            (_, Some(at), _) => Some(format!("{index}.body.{}.{tensor}", 3 * at + 1)),
            (.., "downsample") => Some(format!("{index}.shortcut.{tensor}")),
            _ => None,
        };
    }
    let (layer, tensor) = name.split_once('.')?;
    let index = match layer {
        "conv1" => 0,
        "bn1" => 1,
        "fc" => FIRST + 2 * blocks.len() + 1,
        _ => return None,
    };
    Some(format!("{index}.{tensor}"))
}

/// The same tensors by torchvision's names.
///
/// # Errors
/// The network is not built as torchvision's are; says where it differs.
pub fn torchvision_names(tensors: BTreeMap<String, Values>) -> Result<BTreeMap<String, Values>, String> {
    let index = |name: &str| name.split('.').next().and_then(|index| index.parse::<usize>().ok());
    let mut of_blocks: Vec<usize> =
        tensors.keys().filter(|name| name.contains(".body.")).filter_map(|name| index(name)).collect();
    of_blocks.sort_unstable();
    of_blocks.dedup();
    // A stage begins with a block that has a shortcut of its own, the first stage with the first block.
    let mut blocks = vec![];
    for at in &of_blocks {
        let begins = blocks.is_empty() || tensors.contains_key(&format!("{at}.shortcut.0.weight"));
        let (stage, block) = blocks.last().copied().unwrap_or((0, 0));
        blocks.push(if begins { (stage + 1, 0) } else { (stage, block + 1) });
    }
    let theirs: BTreeMap<String, String> =
        names(&blocks).map(|name| (ours(&name, &blocks).unwrap_or_default(), name)).collect();
    let renamed = |(name, values): (String, Values)| match theirs.get(&name) {
        Some(theirs) => Ok((theirs.clone(), values)),
        None => Err(format!("torchvision's residual networks have no layer for {name}")),
    };
    tensors.into_iter().map(renamed).collect()
}

/// All names that torchvision gives for so many blocks, those of convolutions in the longest block included.
fn names(blocks: &[(usize, usize)]) -> impl Iterator<Item = String> {
    const OF_NORM: [&str; 5] = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    let norm = |prefix: String| OF_NORM.map(|tensor| format!("{prefix}.{tensor}"));
    let of_block = move |(stage, block): (usize, usize)| {
        let prefix = format!("layer{stage}.{block}");
        let convs = (1..=3).flat_map(|at| {
            std::iter::once(format!("{prefix}.conv{at}.weight")).chain(norm(format!("{prefix}.bn{at}")))
        });
        let shortcut =
            std::iter::once(format!("{prefix}.downsample.0.weight")).chain(norm(format!("{prefix}.downsample.1")));
        convs.chain(shortcut).collect::<Vec<_>>()
    };
    let ends = ["conv1.weight", "fc.weight", "fc.bias"].map(str::to_owned);
    let of_blocks: Vec<String> = blocks.iter().copied().flat_map(of_block).collect();
    ends.into_iter().chain(norm("bn1".to_owned())).chain(of_blocks)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::{Head, Network};

    /// The 122 names of `resnet18`, as torchvision's file has them.
    fn resnet18() -> Vec<String> {
        let mut all: Vec<String> = ["conv1.weight", "fc.weight", "fc.bias"].map(str::to_owned).to_vec();
        let mut norm = |prefix: &str| {
            for tensor in ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"] {
                all.push(format!("{prefix}.{tensor}"));
            }
        };
        norm("bn1");
        for (stage, block) in (1..=4).flat_map(|stage| [(stage, 0), (stage, 1)]) {
            (1..=2).for_each(|at| norm(&format!("layer{stage}.{block}.bn{at}")));
            if stage > 1 && block == 0 {
                norm(&format!("layer{stage}.{block}.downsample.1"));
            }
        }
        for (stage, block) in (1..=4).flat_map(|stage| [(stage, 0), (stage, 1)]) {
            all.extend((1..=2).map(|at| format!("layer{stage}.{block}.conv{at}.weight")));
            if stage > 1 && block == 0 {
                all.push(format!("layer{stage}.{block}.downsample.0.weight"));
            }
        }
        all
    }

    #[test]
    fn the_names_of_torchvision_are_those_of_our_network_and_back() {
        let theirs = resnet18();
        assert_eq!(theirs.len(), 122);
        let values = |at: usize| Values::Floats(vec![1], vec![at as f32]);
        let given: BTreeMap<String, Values> =
            theirs.iter().enumerate().map(|(at, name)| (name.clone(), values(at))).collect();
        let mut taken = given.clone();
        assert!(take(&mut taken));
        let network = Network::read(&["resnet18".to_owned()], Head::classes(1000), None).unwrap();
        let built = network.outline(&[3, 64, 64]).unwrap();
        let mut names: Vec<&str> = built.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        names.extend(built.counters.iter().map(|counter| counter.name.as_str()));
        names.sort_unstable();
        assert_eq!(taken.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert_eq!(torchvision_names(taken).unwrap(), given);
    }

    #[test]
    fn other_networks_are_left_alone_and_refused() {
        let mut other =
            BTreeMap::from([("0.weight".to_owned(), Values::Count(1)), ("conv1.weight".to_owned(), Values::Count(2))]);
        let before = other.clone();
        assert!(!take(&mut other) && other == before);
        let other = BTreeMap::from([("2.weight".to_owned(), Values::Count(1))]);
        assert!(torchvision_names(other).unwrap_err().contains("no layer for 2.weight"));
    }
}

//! A network's tensors between device and file.

use super::runner::Runner;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::{Model, ModelError, Values};
use crate::names::few;
use crate::nn::Tensor;
use crate::op::Class;
use crate::ops::optimizers;
use std::collections::BTreeMap;

/// Starts a network from its seed.
pub(super) fn initialize(runner: &mut Runner, seed: u64) -> Result<(), DeviceError> {
    for (index, tensor) in runner.programs().tensors.clone().iter().enumerate() {
        runner.write_floats(&tensor.name, &tensor.initial(seed, index))?;
    }
    Ok(())
}

/// Loads all tensors of a network from a file, with the optimiser's state if a run is to go on, and gives the batches
/// that batch norm has counted.
pub(super) fn load(runner: &mut Runner, model: &Model, resume: bool) -> Result<i64, Error> {
    let tensors = runner.programs().tensors.clone();
    let counters: Vec<String> = counter_names(runner);
    let known = |name: &str| {
        let tensor_of = |state: &&'static str| name.strip_prefix(*state)?.strip_prefix('.');
        let name = optimizers().flat_map(|kind| kind.states).find_map(tensor_of).unwrap_or(name);
        tensors.iter().any(|tensor| tensor.name == name) || counters.iter().any(|counter| counter == name)
    };
    if let Some(extra) = model.tensors.keys().find(|name| !known(name)) {
        let own: Vec<String> = tensors.iter().map(|tensor| tensor.name.clone()).collect();
        let what = format!("the network has no tensor {extra}: it has {}, by the index of the layer", few(&own));
        return Err(ModelError::Mismatch { path: model.path.clone(), what }.into());
    }
    for tensor in &tensors {
        let values = model.floats(&tensor.name, &tensor.shape.0)?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let what = format!("{} holds a {value}", tensor.name);
            return Err(ModelError::Mismatch { path: model.path.clone(), what }.into());
        }
        if let Some(value) = values.iter().find(|&&value| value < 0.0 && tensor.name.ends_with(".running_var")) {
            let what = format!("{} holds {value}, which is no variance", tensor.name);
            return Err(ModelError::Mismatch { path: model.path.clone(), what }.into());
        }
        runner.write_floats(&tensor.name, values)?;
        for name in state_names(runner, tensor).into_iter().filter(|_| resume) {
            runner.write_floats(&name, model.floats(&name, &tensor.shape.0)?)?;
        }
    }
    let counted = counters.iter().find_map(|name| model.tensors.get(name));
    Ok(if let Some(Values::Count(count)) = counted { *count } else { 0 })
}

/// Names of the optimiser's states of a tensor: only trainable tensors have any.
fn state_names(runner: &Runner, tensor: &Tensor) -> Vec<String> {
    let states = runner.programs().states.iter().filter(|_| tensor.class == Class::Parameters);
    states.map(|state| format!("{state}.{}", tensor.name)).collect()
}

fn counter_names(runner: &Runner) -> Vec<String> {
    runner.programs().counters.iter().map(|index| format!("{index}.num_batches_tracked")).collect()
}

/// All tensors of a network, with the optimiser's state if the file is to be resumed from.
pub(super) fn save(
    runner: &mut Runner,
    batches_tracked: i64,
    resumable: bool,
) -> Result<BTreeMap<String, Values>, DeviceError> {
    let mut out = BTreeMap::new();
    for tensor in runner.programs().tensors.clone() {
        let states = if resumable { state_names(runner, &tensor) } else { vec![] };
        for name in std::iter::once(tensor.name.clone()).chain(states) {
            let values = runner.read_floats(&name)?;
            out.insert(name, Values::Floats(tensor.shape.0.clone(), values));
        }
    }
    out.extend(counter_names(runner).into_iter().map(|name| (name, Values::Count(batches_tracked))));
    Ok(out)
}

//! A network's tensors between device and file.

use super::compiled::Compiled;
use super::runner::Runner;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::{Model, ModelError, Values};
use crate::names::{few, short};
use crate::nn::{Counter, Tensor};
use crate::op::Class;
use crate::ops::optimizers;
use std::collections::{BTreeMap, HashSet};

/// Batches that each batch norm has counted, by the names of the counters.
pub(crate) type Counts = BTreeMap<String, i64>;

/// What is taken of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Take<'a> {
    /// Also the optimiser's state, to go on with a run.
    pub(crate) resume: bool,
    /// Nothing of the layer whose tensors' names begin so: it starts anew.
    pub(crate) without: Option<&'a str>,
}

impl Take<'_> {
    /// The weights alone, all of them.
    pub(crate) const WEIGHTS: Self = Self { resume: false, without: None };

    /// All that a run has left.
    pub(crate) const STATE: Self = Self { resume: true, without: None };

    /// Whether a tensor of this name is taken.
    fn takes(&self, name: &str) -> bool {
        self.without.is_none_or(|prefix| !name.starts_with(prefix))
    }
}

/// Starts a network from its seed.
pub(crate) fn initialize(runner: &mut Runner, seed: u64) -> Result<(), DeviceError> {
    let initial = |(index, tensor): (usize, &Tensor)| {
        (tensor.name.clone(), tensor.in_plan(&tensor.initial(seed, index)).into_owned())
    };
    let all: Vec<(String, Vec<f32>)> = runner.compiled().held().map(initial).collect();
    all.iter().try_for_each(|(name, values)| runner.write_floats(name, values))
}

/// Refuses a file whose tensors are not those of a network, before memory is taken for one that may be as large as the
/// file says.
pub(crate) fn check(compiled: &Compiled, model: &Model, take: Take<'_>) -> Result<(), Error> {
    let Compiled { tensors, .. } = compiled;
    let names: HashSet<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    let counters: HashSet<&str> = compiled.counters.iter().map(|counter| counter.name.as_str()).collect();
    let known = |name: &str| {
        let tensor_of = |state: &&'static str| name.strip_prefix(*state)?.strip_prefix('.');
        let name = optimizers().flat_map(|kind| kind.states).find_map(tensor_of).unwrap_or(name);
        names.contains(name) || counters.contains(name) || !take.takes(name)
    };
    let mismatch = |what: String| Error::from(ModelError::Mismatch { path: model.path.clone(), what });
    if let Some(extra) = model.tensors.keys().find(|name| !known(name)) {
        let own: Vec<String> = tensors.iter().map(|tensor| tensor.name.clone()).collect();
        let what = format!("the network has no tensor {}: it has {}", short(extra), few(&own));
        return Err(mismatch(format!("{what}, by the index of the layer")));
    }
    for tensor in tensors.iter().filter(|tensor| take.takes(&tensor.name)) {
        let values = model.floats(&tensor.name, &tensor.shape.in_files().0)?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(mismatch(format!("{} holds a {value}", tensor.name)));
        }
        if let Some(value) = values.iter().find(|&&value| value < 0.0 && tensor.name.ends_with(".running_var")) {
            return Err(mismatch(format!("{} holds {value}, which is no variance", tensor.name)));
        }
        for name in state_names(compiled, tensor).filter(|_| take.resume) {
            model.floats(&name, &tensor.shape.in_files().0)?;
        }
    }
    Ok(())
}

/// Loads the tensors of a network from a file, and gives the batches that batch norm has counted.
pub(crate) fn load(runner: &mut Runner, model: &Model, take: Take<'_>) -> Result<Counts, Error> {
    check(runner.compiled(), model, take)?;
    for tensor in runner.compiled().tensors.clone().iter().filter(|tensor| take.takes(&tensor.name)) {
        let states: Vec<String> = state_names(runner.compiled(), tensor).filter(|_| take.resume).collect();
        for name in std::iter::once(&tensor.name).chain(&states) {
            let values = model.floats(name, &tensor.shape.in_files().0)?;
            runner.write_floats(name, &tensor.in_plan(values))?;
        }
    }
    let count = |name: &String| match model.tensors.get(name) {
        Some(Values::Count(count)) => Some((name.clone(), *count)),
        _ => None,
    };
    Ok(runner.compiled().counters.iter().filter_map(|counter| count(&counter.name)).collect())
}

/// Names of the optimiser's states of a tensor: only trainable tensors have any.
fn state_names<'a>(compiled: &'a Compiled, tensor: &'a Tensor) -> impl Iterator<Item = String> + use<'a> {
    let states = compiled.states.iter().filter(|_| tensor.class == Class::Parameters);
    states.map(|state| format!("{state}.{}", tensor.name))
}

/// All tensors of a network, with the optimiser's state if the file is to be resumed from. `counted` is what batch norm had
/// counted before the first of `steps` updates.
pub(crate) fn save(
    runner: &mut Runner,
    counted: &Counts,
    steps: u64,
    resumable: bool,
) -> Result<BTreeMap<String, Values>, DeviceError> {
    let mut out = BTreeMap::new();
    for tensor in runner.compiled().tensors.clone() {
        let states: Vec<String> = state_names(runner.compiled(), &tensor).filter(|_| resumable).collect();
        for name in std::iter::once(tensor.name.clone()).chain(states) {
            let values = runner.read_floats(&name)?;
            let values = tensor.in_file(&values).into_owned();
            out.insert(name, Values::Floats(tensor.shape.in_files().0, values));
        }
    }
    for Counter { name, frozen } in &runner.compiled().counters {
        let before = counted.get(name).copied().unwrap_or(0);
        let count = if *frozen { before } else { before.wrapping_add_unsigned(steps) };
        out.insert(name.clone(), Values::Count(count));
    }
    Ok(out)
}

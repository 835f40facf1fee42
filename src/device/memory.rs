//! Whether the host has the memory for a plan: asked before anything is allocated, because a process that runs out of it
//! is ended without a word.

use crate::executor::DeviceError;
use crate::graph::plan::Plan;
use crate::memory::free;
use crate::op::Class;

/// Copies that the host holds at once of what it saves: as floats, as bytes and in the file's own.
const COPIES_SAVED: u64 = 3;

/// Copies of the parameters beside those, in training: the best so far.
const COPIES_OF_THE_BEST: u64 = 1;

/// Copies of the parameters where a model is only loaded.
const COPIES_IN_USE: u64 = 2;

/// Refuses a plan for which the host has no room; `on_host` says whether the plan's own memory is the host's too.
pub(super) fn check(plan: &Plan, on_host: bool) -> Result<(), DeviceError> {
    let held = held(plan);
    let own = if on_host { plan.bytes() } else { 0 };
    let bytes = held.saturating_add(own);
    let free = free();
    let refused = || {
        // Not every system says what is free, but some refuse what they cannot give.
        let mut probe: Vec<u8> = vec![];
        usize::try_from(bytes).map_or(true, |bytes| probe.try_reserve_exact(bytes).is_err())
    };
    if free.is_some_and(|free| bytes > free) || refused() {
        return Err(DeviceError::HostMemory { bytes, free });
    }
    Ok(())
}

/// Bytes of the copies of parameters and optimiser states that the host holds at once.
fn held(plan: &Plan) -> u64 {
    let of = |class: Class| {
        plan.buffers
            .iter()
            .filter(move |b| b.class == class)
            .fold(0, |sum: u64, b| sum.saturating_add(b.words as u64 * 4))
    };
    let (parameters, states) = (of(Class::Parameters), of(Class::Optimizer));
    if of(Class::Gradients) == 0 {
        return parameters.saturating_mul(COPIES_IN_USE);
    }
    let saved = parameters.saturating_add(states).saturating_mul(COPIES_SAVED);
    saved.saturating_add(parameters.saturating_mul(COPIES_OF_THE_BEST))
}

#[cfg(test)]
mod tests {
    use super::held;
    use crate::graph::plan::{Buffer, Plan};
    use crate::op::{Class, Target};

    #[test]
    fn every_state_of_an_optimiser_counts() {
        let plan = |classes: &[Class]| {
            let buffers = classes.iter().map(|&class| Buffer { class, words: 100 }).collect();
            Plan { target: Target::CPU, slots: vec![], places: vec![], buffers, programs: vec![] }
        };
        let trained = [Class::Parameters, Class::Gradients, Class::Optimizer, Class::Optimizer];
        assert_eq!(held(&plan(&[Class::Parameters, Class::Activations])), 2 * 400);
        assert_eq!(held(&plan(&trained[..3])), 7 * 400);
        assert_eq!(held(&plan(&trained)), 10 * 400);
    }
}

//! The cases of all blocks, and the kernels that they are recorded with.

use super::{cases as of_rows, pixels, recorded};
use crate::kernel::Kernel;
use crate::op::{Case, Family, Target};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Inputs for the checks, of rows and of images.
pub fn cases() -> Vec<Case> {
    // The twins of all values are run for them once.
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| [of_rows::derived(), pixels::cases()].concat()).clone()
}

/// The kernels of the cases, of every family.
pub fn kernels() -> Vec<&'static Kernel> {
    static KERNELS: OnceLock<Vec<&'static Kernel>> = OnceLock::new();
    // What adds up the columns' sums is the stage's own.
    KERNELS.get_or_init(|| joined_kernels(&cases(), "block.")).clone()
}

/// The joined kernels of an operation that cases are recorded with, of every family. Their names begin with `of`.
pub(in crate::ops) fn joined_kernels(cases: &[Case], of: &str) -> Vec<&'static Kernel> {
    let mut found: BTreeMap<&'static str, &'static Kernel> = BTreeMap::new();
    for product in [Family::Plain, Family::Subgroup] {
        let target = Target { product, ..Target::CPU };
        let recorded = cases.iter().flat_map(|case| recorded(case, target));
        found.extend(recorded.filter(|kernel| kernel.name.starts_with(of)).map(|kernel| (kernel.name, kernel)));
    }
    found.into_values().collect()
}

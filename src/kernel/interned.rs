//! Kernels that are made while plans are compiled, once for each name. They are never freed: a process has no more of them than
//! different sequences of operations in its networks.

use super::Kernel;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

static MADE: Mutex<BTreeMap<String, &'static Kernel>> = Mutex::new(BTreeMap::new());

/// The kernel of a name, made if there is none yet.
pub(crate) fn interned(name: String, make: impl FnOnce(&'static str) -> Kernel) -> &'static Kernel {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kernel) = made.get(&name) {
        return kernel;
    }
    let kernel: &'static Kernel = Box::leak(Box::new(make(name.clone().leak())));
    made.insert(name, kernel);
    kernel
}

/// Whether a kernel is one that was made here, and not a program's own under the same name.
pub(crate) fn is_interned(kernel: &Kernel) -> bool {
    let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.get(kernel.name).is_some_and(|own| std::ptr::eq(*own, kernel))
}

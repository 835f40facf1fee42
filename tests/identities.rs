//! Identities that hold by the formulas, whatever the implementation, on every executor.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "identities/activations.rs"]
mod activations;
#[path = "identities/augmented.rs"]
mod augmented;
#[path = "identities/dropout.rs"]
mod dropout;
#[path = "identities/losses.rs"]
mod losses;
#[path = "identities/normalized.rs"]
mod normalized;
mod support;
#[path = "identities/updated.rs"]
mod updated;

use support::job::{Job, Ran, Subject, Tensor};
use wgrad::op::Op;

/// One rounding to float32, relative to the number.
const ROUNDING: f64 = 1.0 / 16_777_216.0;

/// Value, and gradient where there is an `up`.
fn run(op: &dyn Op, inputs: &[Tensor], up: Option<&Tensor>, subject: &Subject) -> Ran {
    Job { op, inputs, up, backward: up.is_some(), rate: 0.0, step: 0 }.run(subject).unwrap()
}

/// A value that a float32 holds.
fn rounded(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Holds that two lists of words are one, bit for bit but for the sign of zeros.
fn assert_same(a: &[u32], b: &[u32], what: &str) {
    let differ = |(a, b): (&u32, &u32)| a != b && f32::from_bits(*a) != f32::from_bits(*b);
    assert_eq!(a.len(), b.len(), "{what}");
    if let Some(i) = a.iter().zip(b).position(differ) {
        panic!("{what}: element {i} is {} and {}", f32::from_bits(a[i]), f32::from_bits(b[i]));
    }
}

//! Softmax with cross-entropy: what its gradient must be.

use crate::support::job::{Job, Tensor, executors, floats};
use crate::{ROUNDING, rounded};
use wgrad::kernel::Scalar;
use wgrad::ops::cross_entropy::CrossEntropy;

const ROWS: usize = 37;

/// Terms of an exponential that drivers get right to 20 roundings, of a sum of all classes and of a division.
fn of_a_softmax(classes: usize) -> f64 {
    (32.0 + classes as f64) * ROUNDING
}

/// (p − t) · w / n, from float64; t is smoothed.
fn gradient(logits: &[f64], label: usize, (weight, smoothing): (f64, f64)) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = logits.iter().map(|z| (z - largest).exp()).sum();
    let one = |(j, z): (usize, &f64)| {
        let t = smoothing / logits.len() as f64 + if j == label { 1.0 - smoothing } else { 0.0 };
        weight * ((z - largest).exp() / sum - t) / ROWS as f64
    };
    logits.iter().enumerate().map(one).collect()
}

#[test]
fn the_gradient_is_p_minus_y_and_its_rows_add_up_to_0() {
    for (classes, label_smoothing, weighted) in [(2, 0.0, false), (10, 0.0, true), (10, 0.1, false), (7, 0.3, true)] {
        let logits = Tensor::normal([ROWS, classes], 0.5, 3.0, 0);
        let labels: Vec<usize> = (0..ROWS).map(|row| row * 5 % classes).collect();
        let weights: Vec<f64> = (0..classes).map(|j| if weighted { 0.5 + 0.75 * j as f64 } else { 1.0 }).collect();
        let given =
            Tensor { scalar: Scalar::U32, ..Tensor::of([ROWS], labels.iter().map(|&label| label as f64).collect()) };
        let inputs = [logits.clone(), given, Tensor::of([classes], weights.clone())];
        let op = CrossEntropy { label_smoothing };
        for subject in executors() {
            let job = Job { op: &op, inputs: &inputs, up: None, backward: true, rate: 0.0, step: 0 };
            let got = floats(&job.run(&subject).unwrap().gradients[0]);
            for (row, got) in got.chunks(classes).enumerate() {
                let (label, what) = (labels[row], format!("{}, {classes} classes, row {row}", subject.name));
                let size = weights[label] / ROWS as f64;
                let want = gradient(
                    &logits.values[row * classes..][..classes],
                    label,
                    (weights[label], rounded(label_smoothing)),
                );
                let off = want.iter().zip(got).map(|(want, got)| (want - got).abs()).fold(0.0, f64::max);
                assert!(off <= size * of_a_softmax(classes), "{what}: {got:?}, not {want:?}");
                // Each p is e / Σe, so what the exponentials are off by is in the sum of p no more: what is left are
                // the roundings of the sum and those of each p, t, difference and product, of 2 in all.
                let sum = got.iter().sum::<f64>().abs();
                assert!(sum <= size * (classes as f64 + 8.0) * ROUNDING, "{what}: the sum is {sum}");
            }
        }
    }
}

//! Updates: what one step must be, and what clipping and max-norm leave.

use crate::support::job::{Job, Subject, Tensor, executors, floats};
use crate::{ROUNDING, assert_same, rounded};
use wgrad::op::Op;
use wgrad::ops::adam::Adam;
use wgrad::ops::clip::Clip;
use wgrad::ops::max_norm::MaxNorm;
use wgrad::ops::sgd::{Decay, Sgd};

const RATE: f64 = 0.01;

/// The words of all inputs after one step from states of 0.
fn step(op: &dyn Op, inputs: &[Tensor], subject: &Subject) -> Vec<Vec<u32>> {
    Job { op, inputs, up: None, backward: false, rate: RATE, step: 0 }.run(subject).unwrap().inputs
}

fn gradients() -> Tensor {
    let mut gradients = Tensor::normal([257], 0.0, 1.0, 0);
    // From 1e-4 to 1e4.
    gradients.values.iter_mut().enumerate().for_each(|(i, g)| *g = rounded(*g * 10f64.powi(i as i32 % 9 - 4)));
    gradients.values.iter_mut().for_each(|g| *g += 1e-4_f64.copysign(*g));
    gradients
}

fn given(states: usize) -> Vec<Tensor> {
    let mut all = vec![gradients(), Tensor::normal([257], 0.0, 1.0, 1)];
    all.resize(2 + states, Tensor::new([257], 0.0));
    all
}

/// m/(1 − β₁) = g and √(v/(1 − β₂)) = |g| in the first step.
#[test]
fn adams_first_step_has_the_size_of_the_rate() {
    let inputs = given(2);
    for subject in executors() {
        let after = floats(&step(&Adam::default(), &inputs, &subject)[1]);
        for ((g, was), is) in inputs[0].values.iter().zip(&inputs[1].values).zip(after) {
            let want = -RATE * g.signum();
            // eps is 1e-8 of |g| > 1e-4; a dozen roundings of the step, and one of the weight.
            let bound = RATE * (1e-4 + 16.0 * ROUNDING) + 2.0 * ROUNDING * was.abs();
            assert!((is - was - want).abs() <= bound, "{}: {g}: {}", subject.name, is - was);
        }
    }
}

#[test]
fn adamw_without_decay_is_adam() {
    let inputs = given(2);
    for subject in executors() {
        let adam = |decoupled: bool| step(&Adam { decoupled, ..Adam::default() }, &inputs, &subject);
        (1..4).for_each(|i| assert_same(&adam(true)[i], &adam(false)[i], &subject.name));
        let decays = Adam { decoupled: true, weight_decay: 0.1, ..Adam::default() };
        assert_ne!(step(&decays, &inputs, &subject)[1], adam(true)[1], "{}", subject.name);
    }
}

/// θ − ε(g + λθ) = θ − εg − (ελ)θ; with momentum they part in the next step.
#[test]
fn without_momentum_l2_is_the_decoupled_decay_of_rate_times_lambda() {
    let inputs = given(1);
    for subject in executors() {
        let after = |weight_decay: f64, decay: Decay| {
            let op = Sgd { weight_decay, decay, ..Sgd::default() };
            floats(&step(&op, &inputs, &subject)[1])
        };
        let (l2, decoupled, none) = (after(0.3, Decay::L2), after(RATE * 0.3, Decay::Decoupled), after(0.0, Decay::L2));
        for (i, (was, g)) in inputs[1].values.iter().zip(&inputs[0].values).enumerate() {
            // Some 4 roundings of each term.
            let bound = 8.0 * ROUNDING * (was.abs() + RATE * g.abs());
            assert!((l2[i] - decoupled[i]).abs() <= bound, "{}: {} {}", subject.name, l2[i], decoupled[i]);
            let moved = (l2[i] - none[i]).abs();
            assert!((moved - RATE * 0.3 * was.abs()).abs() <= bound, "{}: {was}: {moved}", subject.name);
        }
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Half of the worst rounding of a sum of n squares, and that of root, division and products.
fn of_a_norm(n: usize) -> f64 {
    (n as f64).sqrt().mul_add(0.5, 8.0) * ROUNDING
}

#[test]
fn clipped_gradients_have_the_smaller_of_both_norms() {
    for (count, size) in [(5, 1.0), (4097, 1e-3), (20_000, 1.0), (300, 1e20), (300, 1e-25)] {
        let gradients = Tensor::normal([count], 0.0, size, 0);
        let before = norm(&gradients.values);
        for share in [0.01, 0.9, 1.1, 100.0] {
            let most = rounded(before * share);
            for subject in executors() {
                let words = step(&Clip { most }, std::slice::from_ref(&gradients), &subject).remove(0);
                let after = norm(&floats(&words));
                let what = format!("{}: {count} of {size:e}, at most {most:e}: {after:e}", subject.name);
                assert!((after / before.min(most) - 1.0).abs() <= of_a_norm(count), "{what}");
                if share > 1.0 {
                    assert_same(&words, &gradients.words(), &what);
                }
            }
        }
    }
}

#[test]
fn max_norm_limits_long_rows_and_leaves_short_ones() {
    const WIDTH: usize = 67;
    let mut weight = Tensor::normal([40, WIDTH], 0.0, 1.0, 0);
    // Norms about 0.8 to 32.
    weight.values.chunks_mut(WIDTH).enumerate().for_each(|(row, all)| {
        all.iter_mut().for_each(|w| *w = rounded(*w * 0.1 * (row + 1) as f64));
    });
    let most = 8.0;
    for subject in executors() {
        let words = step(&MaxNorm { most }, std::slice::from_ref(&weight), &subject).remove(0);
        let (after, before) = (floats(&words), weight.words());
        let mut short = 0;
        for row in 0..40 {
            let at = row * WIDTH..(row + 1) * WIDTH;
            let (was, is) = (norm(&weight.values[at.clone()]), norm(&after[at.clone()]));
            if was < most {
                short += 1;
                assert_eq!(words[at.clone()], before[at], "{}: row {row} of norm {was}", subject.name);
            } else {
                assert!((is / most - 1.0).abs() <= of_a_norm(WIDTH), "{}: row {row}: {is}", subject.name);
            }
        }
        assert!((5..35).contains(&short), "{short}");
    }
}

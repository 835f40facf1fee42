//! Batch norm: what it undoes, and what its gradient must be.

use crate::support;
use crate::support::job::{Subject, Tensor, executors, floats};
use crate::{ROUNDING, rounded, run};
use wgrad::device::Device;
use wgrad::ops::batch_norm::{BatchNorm, Statistics};
use wgrad::train::{Recipe, Trainer, prepare};

const ROWS: usize = 64;
const FEATURES: usize = 5;

fn op(eps: f64) -> BatchNorm {
    BatchNorm { eps, momentum: 0.1, statistics: Statistics::Batch }
}

/// x, γ, β and running averages that nothing here looks at.
fn inputs(x: &Tensor, gamma: &[f64], beta: &[f64]) -> [Tensor; 5] {
    let of = |values: &[f64]| Tensor::of([FEATURES], values.to_vec());
    [x.clone(), of(gamma), of(beta), Tensor::new([FEATURES], 0.0), Tensor::new([FEATURES], 1.0)]
}

fn column(values: &[f64], f: usize) -> Vec<f64> {
    values.iter().skip(f).step_by(FEATURES).copied().collect()
}

/// Mean and biased variance of each column.
fn moments(x: &Tensor) -> Vec<(f64, f64)> {
    let of = |f: usize| {
        let values = column(&x.values, f);
        let mean = values.iter().sum::<f64>() / ROWS as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / ROWS as f64)
    };
    (0..FEATURES).map(of).collect()
}

/// With γ = √(σ² + ε) and β = μ.
#[test]
fn it_gives_its_input_back() {
    for (mean, deviation, eps) in [(0.0, 1.0, 1e-5), (5.0, 0.5, 1e-3), (-0.01, 0.05, 1e-2), (300.0, 40.0, 1e-5)] {
        let x = Tensor::normal([ROWS, FEATURES], mean, deviation, 0);
        let moments = moments(&x);
        let gamma: Vec<f64> = moments.iter().map(|(_, var)| rounded((var + rounded(eps)).sqrt())).collect();
        let beta: Vec<f64> = moments.iter().map(|(mean, _)| rounded(*mean)).collect();
        for subject in executors() {
            let y = floats(&run(&op(eps), &inputs(&x, &gamma, &beta), None, &subject).outputs[0]);
            for f in 0..FEATURES {
                let size = column(&x.values, f).iter().map(|v| v.abs()).fold(0.0, f64::max);
                // Of the size of x: mean, β and y are rounded once, and so is x less its first row in the sum for the
                // mean. Of the size of x − μ: variance, root, γ, difference and products, with some 8 roundings.
                let bound = 16.0 * ROUNDING * size;
                for (was, is) in column(&x.values, f).iter().zip(column(&y, f)) {
                    let off = (was - is).abs();
                    assert!(off <= bound, "{}: {was} became {is}, off by {off:e} of {bound:e}", subject.name);
                }
            }
        }
    }
}

/// Σ dx = 0, and Σ dx·x̂ = γ/√(σ²+ε) · Σ(dy·x̂) · ε/(σ²+ε), which is 0 but for ε.
#[test]
fn its_gradient_is_at_right_angles_to_what_it_takes_out() {
    for (mean, deviation, eps) in [(0.02, 0.05, 1e-2), (0.001, 0.003, 1e-5), (-1.0, 1.0, 1e-2)] {
        let x = Tensor::normal([ROWS, FEATURES], mean, deviation, 0);
        let gamma = Tensor::normal([FEATURES], 1.0, 0.3, 2).values;
        let up = Tensor::normal([ROWS, FEATURES], 0.3, 1.0, 1);
        for subject in executors() {
            let all = inputs(&x, &gamma, &[0.5; FEATURES]);
            let dx = floats(&run(&op(eps), &all, Some(&up), &subject).gradients[0]);
            for (f, gamma) in gamma.iter().enumerate() {
                let columns = [&x.values, &up.values, &dx].map(|values| column(values, f));
                right_angles(&subject, rounded(eps), moments(&x)[f], *gamma, columns);
            }
        }
    }
}

fn right_angles(subject: &Subject, eps: f64, (mean, var): (f64, f64), gamma: f64, [x, dy, dx]: [Vec<f64>; 3]) {
    let sum: f64 = dx.iter().sum();
    let size: f64 = dx.iter().map(|d| d.abs()).sum();
    // Each dx has some 8 roundings, 5e-7.
    assert!(sum.abs() <= 1e-5 * size, "{}: the sum is {sum} of {size}", subject.name);
    let root = (var + eps).sqrt();
    let hat: Vec<f64> = x.iter().map(|x| (x - mean) / root).collect();
    let along = |v: &[f64]| v.iter().zip(&hat).map(|(v, h)| v * h).sum::<f64>();
    let want = gamma / root * along(&dy) * eps / (var + eps);
    // What is subtracted from dy cancels most of it along x̂: each term has some 8 roundings of its own size.
    let terms: f64 = hat.iter().zip(&dy).map(|(h, dy)| (gamma / root * dy * h).abs()).sum();
    let bound = 16.0 * ROUNDING * (terms + size);
    let got = along(&dx);
    assert!((got - want).abs() <= bound, "{}: {got}, not {want}; bound {bound:e}", subject.name);
    assert!(want.abs() > 10.0 * bound, "the case shows nothing: {want} of {bound:e}");
}

/// Batch norm takes away whatever a bias adds, so the loss does not depend on it.
#[test]
fn a_bias_before_it_has_no_gradient() {
    let gpu = support::gpu().map(Device::gpu);
    for device in std::iter::once(Device::CPU).chain(gpu) {
        let mut recipe = Recipe::plain();
        recipe.layers = Some(["linear 20", "batch_norm", "tanh", "linear"].map(str::to_owned).to_vec());
        (recipe.batch, recipe.steps) = (Some(64), Some(1));
        let (job, _) = prepare(&recipe, None).unwrap();
        let mut trainer = Trainer::new(job, &device).unwrap();
        trainer.train_steps(1).unwrap();
        let (bias, weight) = (trainer.gradient("0.bias").unwrap(), trainer.gradient("0.weight").unwrap());
        for (unit, (db, dw)) in bias.iter().zip(weight.chunks(weight.len() / bias.len())).enumerate() {
            // dw = Σ dx·pixel with pixels from 0 to 1, so Σ|dx| is this much at least.
            let size = dw.iter().map(|d| d.abs()).fold(0.0, f32::max);
            assert!(size > 1e-5 && db.abs() <= 1e-5 * size, "{device}: unit {unit}: {db:e} of {size:e}");
        }
    }
}

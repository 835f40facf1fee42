//! The twins of batch normalisation: plain loops in memory order, sums in float64.

use super::Args;
use crate::kernel::Now;

/// Calls `visit(feature, index)` for every element, in memory order.
fn elements(a: Args, rows: u32, mut visit: impl FnMut(usize, usize)) {
    let features = a.features as usize;
    (0..a.count(rows) * features).for_each(|i| visit(i % features, i));
}

/// `saved` is mean, 1/√(var + eps) and var, `[3, features]`.
pub(in crate::ops) fn stats(a: Args, x: &[f32], rows: u32, saved: &mut [f32]) {
    let (features, count) = (a.features as usize, a.count(rows) as f64);
    let mut mean = vec![0.0; features];
    elements(a, rows, |f, i| mean[f] += f64::from(x[i]));
    mean.iter_mut().for_each(|sum| *sum /= count);
    let mut squares = vec![0.0; features];
    elements(a, rows, |f, i| squares[f] += (f64::from(x[i]) - mean[f]).powi(2));
    for f in 0..features {
        let var = squares[f] / count;
        saved[f] = mean[f] as f32;
        saved[features + f] = (1.0 / (var + f64::from(a.eps)).sqrt()) as f32;
        saved[2 * features + f] = var as f32;
    }
}

/// 1/√(var + eps) of each feature is a function of its number.
pub(in crate::ops) fn normalize(
    a: Args,
    x: &[f32],
    (mean, inv_std): (&[f32], impl Fn(usize) -> f64),
    (gamma, beta): (&[f32], &[f32]),
    rows: u32,
    y: &mut [f32],
) {
    elements(a, rows, |f, i| {
        let x_hat = (f64::from(x[i]) - f64::from(mean[f])) * inv_std(f);
        y[i] = (x_hat * f64::from(gamma[f]) + f64::from(beta[f])) as f32;
    });
}

pub(in crate::ops) fn grad_affine(
    a: Args,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    rows: u32,
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let features = a.features as usize;
    let mut sums = vec![(0.0, 0.0); features];
    elements(a, rows, |f, i| {
        let (dy, centred) = (f64::from(dy[i]), f64::from(x[i]) - f64::from(saved[f]));
        sums[f] = (sums[f].0 + dy * centred, sums[f].1 + dy);
    });
    for (f, (with_x, plain)) in sums.into_iter().enumerate() {
        dgamma[f] = (with_x * f64::from(saved[features + f])) as f32;
        dbeta[f] = plain as f32;
    }
}

#[allow(clippy::too_many_arguments, reason = "a twin's parameters are its kernel's bindings")]
pub(in crate::ops) fn grad_input(
    a: Args,
    x: &[f32],
    saved: &[f32],
    gamma: &[f32],
    dy: &[f32],
    (dgamma, dbeta): (&[f32], &[f32]),
    rows: u32,
    dx: &mut [f32],
) {
    let (features, count) = (a.features as usize, a.count(rows) as f64);
    elements(a, rows, |f, i| {
        let [mean, inv_std, gamma, dgamma, dbeta] =
            [saved[f], saved[features + f], gamma[f], dgamma[f], dbeta[f]].map(f64::from);
        let x_hat = (f64::from(x[i]) - mean) * inv_std;
        dx[i] = (gamma * inv_std * (f64::from(dy[i]) - (dbeta + x_hat * dgamma) / count)) as f32;
    });
}

pub(in crate::ops) fn running(a: Args, saved: &[f32], rows: u32, mean: &mut [f32], var: &mut [f32]) {
    let (features, count, momentum) = (a.features as usize, a.count(rows) as f64, f64::from(a.momentum));
    let moved = |before: f32, batch: f64| (f64::from(before) + momentum * (batch - f64::from(before))) as f32;
    for f in 0..features {
        mean[f] = moved(mean[f], saved[f].into());
        var[f] = moved(var[f], f64::from(saved[2 * features + f]) * (count / (count - 1.0)));
    }
}

pub(in crate::ops) fn population(a: Args, saved: &[f32], now: &Now, mean: &mut [f32], var: &mut [f32]) {
    let (features, count) = (a.features as usize, a.count(now.rows) as f64);
    let average = |before: f32, batch: f64| match now.index {
        0 => batch as f32,
        index => (f64::from(before) + (batch - f64::from(before)) / f64::from(index + 1)) as f32,
    };
    for f in 0..features {
        mean[f] = average(mean[f], f64::from(saved[f]));
        var[f] = average(var[f], f64::from(saved[2 * features + f]) * (count / (count - 1.0)));
    }
}

/// The gradient by x where the statistics are given.
pub(super) fn grad_given(a: Args, var: &[f32], gamma: &[f32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    let features = a.features as usize;
    for i in 0..(rows * a.pixels) as usize * features {
        let f = i % features;
        let inv_std = 1.0 / (f64::from(var[f]) + f64::from(a.eps)).sqrt();
        dx[i] = (f64::from(dy[i]) * inv_std * f64::from(gamma[f])) as f32;
    }
}

//! The twins of batch normalisation: plain loops in memory order, sums in float64.

use super::Args;
use crate::kernel::Now;

/// Calls `visit(feature, index)` for every element, in memory order.
fn elements(a: Args, rows: u32, mut visit: impl FnMut(usize, usize)) {
    let (features, pixels) = (a.features as usize, a.pixels as usize);
    for r in 0..rows as usize {
        for f in 0..features {
            let first = (r * features + f) * pixels;
            (first..first + pixels).for_each(|i| visit(f, i));
        }
    }
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

pub(in crate::ops) fn normalize(
    a: Args,
    x: &[f32],
    (mean, inv_std): (&[f32], &[f32]),
    (gamma, beta): (&[f32], &[f32]),
    rows: u32,
    y: &mut [f32],
) {
    elements(a, rows, |f, i| y[i] = (x[i] - mean[f]) * inv_std[f] * gamma[f] + beta[f]);
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
    let (features, count) = (a.features as usize, a.count(rows) as f32);
    elements(a, rows, |f, i| {
        let inv_std = saved[features + f];
        let x_hat = (x[i] - saved[f]) * inv_std;
        dx[i] = gamma[f] * inv_std * (dy[i] - (dbeta[f] + x_hat * dgamma[f]) / count);
    });
}

pub(in crate::ops) fn running(a: Args, saved: &[f32], rows: u32, mean: &mut [f32], var: &mut [f32]) {
    let (features, count) = (a.features as usize, a.count(rows) as f32);
    for f in 0..features {
        let unbiased = saved[2 * features + f] * (count / (count - 1.0));
        mean[f] += a.momentum * (saved[f] - mean[f]);
        var[f] += a.momentum * (unbiased - var[f]);
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

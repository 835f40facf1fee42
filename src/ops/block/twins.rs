//! The twins: the plain kernels' twins one after the other, on tensors of their own for what lies between.

use super::{BackwardArgs, ForwardArgs};
use crate::kernel::{Io, Tensor};
use crate::ops::{activation, batch_norm, dropout, matmul};
use bytemuck::{cast_slice, cast_slice_mut};

/// Runs a twin on tensors that are read, the step among them where it belongs, and one that is written.
fn run(twin: impl Fn(&mut Io<'_>), read: &[&[u32]], written: &mut [u32]) {
    let mut io = Io::default();
    read.iter().enumerate().for_each(|(place, &words)| io.bind(place, Tensor::Read(words)));
    io.bind(read.len(), Tensor::Write(written));
    twin(&mut io);
}

/// `count` words from `first` on.
fn part(words: &[u32], first: u32, count: usize) -> &[u32] {
    &words[first as usize..][..count]
}

fn floats(words: &[u32]) -> &[f32] {
    cast_slice(words)
}

fn norm(features: u32, eps: f32, momentum: f32) -> batch_norm::Args {
    batch_norm::Args { features, pixels: 1, eps, momentum }
}

pub(super) fn forward(a: ForwardArgs, io: &mut Io<'_>) {
    let [x, params, now, mut zs, mut h] = io.take();
    let (k, n) = (a.k as usize, a.n as usize);
    let (now_words, now) = (now.u32(), now.now());
    let (capacity, rows) = (h.u32().len() / n, now.rows);
    let [weight, bias, gamma, beta] =
        [(a.weight, n * k), (a.bias, n), (a.gamma, n), (a.beta, n)].map(|(at, count)| part(params.u32(), at, count));
    let (z, saved) = zs.u32_mut().split_at_mut(a.saved as usize);
    let (z, saved) = (&mut z[..capacity * n], &mut saved[..3 * n]);
    run(|io| matmul::value_twin([capacity, n, k], io), &[x.u32(), weight, now_words, bias], z);
    let (z, saved, norm) = (floats(z), cast_slice_mut(saved), norm(a.n, a.eps, 0.0));
    batch_norm::twins::stats(norm, z, rows, saved);
    let (mean, inv_std) = saved.split_at(n);
    let mut y = vec![0.0; capacity * n];
    batch_norm::twins::normalize(norm, z, (mean, inv_std), (floats(gamma), floats(beta)), rows, &mut y);
    y.iter_mut().for_each(|y| *y = activation::relu(*y));
    let ForwardArgs { layer, seed_low, seed_high, threshold, scale, .. } = a;
    dropout::mask(dropout::Args { width: a.n, layer, seed_low, seed_high, threshold, scale }, &y, &now, h.f32_mut());
}

/// The gradient through dropout and ReLU, read off what they gave.
pub(super) fn through(dy: f32, h: f32, scale: f32) -> f32 {
    if h.is_nan() {
        h
    } else if h > 0.0 {
        dy * scale
    } else {
        0.0
    }
}

pub(super) fn backward(a: BackwardArgs, io: &mut Io<'_>) {
    let [dy, params, zs, h, now, mut dz, mut grads, mut state] = io.take();
    let (k, n) = (a.k as usize, a.n as usize);
    let (now_words, now, h) = (now.u32(), now.now(), h.f32());
    let (capacity, rows) = (h.len() / n, now.rows);
    let (z, saved) = (part(zs.u32(), 0, capacity * n), part(zs.u32(), a.saved, 3 * n));
    let (weight, gamma) = (part(params.u32(), a.weight, n * k), part(params.u32(), a.gamma, n));
    let mut u = vec![0; capacity * n];
    run(|io| matmul::input_gradient_twin([capacity, n, k], io), &[dy.u32(), weight, now_words], &mut u);
    let u: Vec<f32> = floats(&u).iter().zip(h).map(|(&u, &h)| through(u, h, a.scale)).collect();
    let (z, saved, norm) = (floats(z), floats(saved), norm(a.n, 0.0, a.momentum));
    let (mut dgamma, mut dbeta) = (vec![0.0; n], vec![0.0; n]);
    batch_norm::twins::grad_affine(norm, z, saved, &u, rows, (&mut dgamma, &mut dbeta));
    batch_norm::twins::grad_input(norm, z, saved, floats(gamma), &u, (&dgamma, &dbeta), rows, dz.f32_mut());
    grads.f32_mut()[a.dgamma as usize..][..n].copy_from_slice(&dgamma);
    grads.f32_mut()[a.dbeta as usize..][..n].copy_from_slice(&dbeta);
    if now.halted == 0 {
        // The two lie apart in one tensor, the lower one first or not.
        let mut pick = |at: u32| state.f32_mut()[at as usize..][..n].to_vec();
        let (mut mean, mut var) = (pick(a.running_mean), pick(a.running_var));
        batch_norm::twins::running(norm, saved, rows, &mut mean, &mut var);
        state.f32_mut()[a.running_mean as usize..][..n].copy_from_slice(&mean);
        state.f32_mut()[a.running_var as usize..][..n].copy_from_slice(&var);
    }
}

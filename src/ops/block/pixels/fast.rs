//! The CPU path's form of the value: statistics of parts, then area by area what the stages make of it, while it lies in the first
//! cache. Sums are over the pixels of a part and over the parts in their order, so no bit depends on the threads.

use super::super::args::{Args, PixelArgs};
use super::super::chain::Chain;
use super::super::fast::part;
use super::area::{Area, Layout};
use super::windows::{Largest, Windows};
use crate::gemm::{STRIP, matrix, workspace};
use crate::kernel::{Io, Now, Tensor, args_of};
use crate::op::stage::{Link, Place, Row};
use crate::ops::batch_norm::fast::{COLUMNS, moments as moments_of};
use crate::threads::WORTH_A_THREAD;
use crate::{simd, threads};

/// The arguments that all kernels over pixels begin with.
pub(super) fn head(bytes: &[u8]) -> PixelArgs {
    args_of(&bytes[..size_of::<PixelArgs>()])
}

/// How many threads are worth waking for so many elements.
pub(super) fn workers(elements: usize) -> usize {
    if elements >= WORTH_A_THREAD { threads::count() } else { 1 }
}

pub(super) fn moments(bytes: &[u8], io: &mut Io<'_>) {
    let [zs, now, mut parts] = io.take();
    let a = head(bytes);
    let (n, pixels) = (a.n as usize, (now.now().rows * a.pixels) as usize);
    let (z, of_part) = (&zs.f32()[..pixels * n], a.of_part as usize);
    let parts = &mut parts.f32_mut()[..pixels.div_ceil(of_part) * 2 * n];
    threads::for_pieces(parts, 2 * n, of_part, |part, out| {
        let z = &z[part * of_part * n..z.len().min((part + 1) * of_part * n)];
        let count = (z.len() / n) as f32;
        let (mean, squares) = out.split_at_mut(n);
        for first in (0..n).step_by(COLUMNS) {
            let [means, variances] = simd::run(
                #[inline(always)]
                || moments_of(z, n, first),
            );
            let width = COLUMNS.min(n - first);
            mean[first..first + width].copy_from_slice(&means[..width]);
            squares[first..first + width].iter_mut().zip(variances).for_each(|(s, variance)| *s = variance * count);
        }
    });
}

/// Mean, 1/√(var + eps) and variance of the columns, out of the parts', in float64 (Chan, Golub & LeVeque 1983, equation 2.1).
fn statistics(a: &PixelArgs, parts: &[f32], pixels: usize, saved: &mut [f32]) {
    let (n, of_part) = (a.n as usize, a.of_part as usize);
    let parts = &parts[..pixels.div_ceil(of_part) * 2 * n];
    for f in 0..n {
        let (mut before, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for (part, of) in parts.chunks_exact(2 * n).enumerate() {
            let count = of_part.min(pixels - part * of_part) as f64;
            let (off, all) = (f64::from(of[f]) - mean, before + count);
            squares += f64::from(of[n + f]) + off * off * before * count / all;
            (before, mean) = (all, mean + off * count / all);
        }
        let variance = (squares / before) as f32;
        (saved[f], saved[n + f], saved[2 * n + f]) = (mean as f32, 1.0 / (variance + a.eps).sqrt(), variance);
    }
}

/// Batch norm, as far as the chain has one: mean, 1/√(var + eps), γ and β of each column.
#[derive(Clone, Copy)]
pub(super) struct Normal<'a>(pub Option<[&'a [f32]; 4]>);

impl Normal<'_> {
    /// Writes what it makes of some whole pixels.
    pub fn write(self, z: &[f32], out: &mut [f32]) {
        let Some([mean, inv_std, gamma, beta]) = self.0 else { return out.copy_from_slice(z) };
        simd::run(
            #[inline(always)]
            || {
                let n = mean.len();
                let (inv_std, gamma, beta) = (&inv_std[..n], &gamma[..n], &beta[..n]);
                for (z, out) in z.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
                    for f in 0..n {
                        out[f] = (z[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                    }
                }
            },
        );
    }
}

/// The stages of elements as strips: where an element lies in its tensor is nothing to them.
#[derive(Clone, Copy)]
pub(super) struct Stages<'a> {
    pub chain: &'a Chain,
    pub args: Args<'a>,
    pub now: Now,
}

impl<'a> Stages<'a> {
    pub fn new(chain: &'a Chain, bytes: &'a [u8], now: Now) -> Self {
        Self { chain, args: Args::over_pixels(bytes), now }
    }

    /// The stages of elements, each with its place in the chain.
    pub fn links(self) -> impl DoubleEndedIterator<Item = (usize, &'a Link)> + ExactSizeIterator {
        self.chain.links.iter().enumerate().skip(usize::from(self.chain.column.is_some()))
    }

    /// Does `work` on any number of elements as strips, the last of which is filled up.
    pub fn on_strips(self, data: &mut [f32], seen: &[f32], mut work: impl FnMut(&mut [Row], &[f32], Place<'_>)) {
        let place = Place {
            first: 0,
            width: STRIP,
            columns: STRIP,
            weights: &[0.0; STRIP],
            other: matrix(&[], 0, STRIP),
            now: self.now,
        };
        let (strips, rest) = data.as_chunks_mut::<STRIP>();
        let whole = strips.len() * STRIP;
        work(strips, &seen[..whole.min(seen.len())], place);
        if !rest.is_empty() {
            let (mut last, mut of_seen) = ([[0.0; STRIP]], [0.0; STRIP]);
            last[0][..rest.len()].copy_from_slice(rest);
            let left = &seen[whole.min(seen.len())..];
            of_seen[..left.len()].copy_from_slice(left);
            work(&mut last, if seen.is_empty() { &[] } else { &of_seen }, place);
            rest.copy_from_slice(&last[0][..rest.len()]);
        }
    }

    /// Has a stage make its values, in place.
    pub fn value(self, (at, link): (usize, &Link), data: &mut [f32]) {
        let args = self.args.of_link(self.chain, at);
        self.on_strips(data, &[], |strips, _, place| super::super::fast::value(link, args, strips, place));
    }

    /// Replaces gradients by what a stage gives by those by what it is given, from what it has seen.
    pub fn gradient(self, (at, link): (usize, &Link), seen: &[f32], d: &mut [f32]) {
        let args = self.args.of_link(self.chain, at);
        let Some(fast) = link.stage.fast else { unreachable!("a stage of elements has a fast form") };
        self.on_strips(d, seen, |strips, seen, place| {
            (fast.gradient)(args, matrix(seen, strips.len(), STRIP), strips, place);
        });
    }
}

pub(super) fn forward(chain: &Chain, bytes: &[u8], io: &mut Io<'_>) {
    let a = head(bytes);
    let n = a.n as usize;
    let (params, parts, now, mut h, mut zs);
    if chain.column.is_some() {
        [params, parts, now, h, zs] = io.take();
    } else {
        [zs, now, h] = io.take();
        (params, parts) = (Tensor::None, Tensor::None);
    }
    let now = now.now();
    let pixels = (now.rows * a.pixels) as usize;
    let stages = Stages::new(chain, bytes, now);
    let units = (now.rows * a.units) as usize;
    let h = &mut h.f32_mut()[..units * n];
    if chain.column.is_none() {
        return values(stages, &a, (&zs.f32()[..pixels * n], Normal(None)), h);
    }
    let (z, saved) = zs.f32_mut().split_at_mut(a.saved as usize);
    let saved = &mut saved[..3 * n];
    statistics(&a, parts.f32(), pixels, saved);
    let affine = [a.gamma, a.beta].map(|at| part(params.f32(), at, n));
    let normal = Normal(Some([&saved[..n], &saved[n..2 * n], affine[0], affine[1]]));
    values(stages, &a, (&z[..pixels * n], normal), h);
}

/// What the stages make of all pixels.
fn values(stages: Stages<'_>, a: &PixelArgs, (z, normal): (&[f32], Normal<'_>), h: &mut [f32]) {
    let (layout, n) = (Layout::of_whole(a), a.n as usize);
    let (workers, room) = (workers(z.len()), layout.room());
    workspace(workers * room, |rooms| {
        threads::share(h, [n, usize::MAX], rooms, room, |room, first, out: &mut [f32]| {
            let first = first / n;
            layout.areas(first..first + out.len() / n, |area| {
                let out = &mut out[(area.unit - first) * n..][..area.units * n];
                if layout.pool == 1 {
                    let z = &z[area.unit * n..][..out.len()];
                    normal.write(z, out);
                    stages.links().for_each(|link| stages.value(link, out));
                    return;
                }
                let values = &mut room[..area.floats(n)];
                value_of(area, (z, normal), n, values);
                stages.links().for_each(|link| stages.value(link, values));
                let windows = Windows { area, values, pool: layout.pool, n };
                simd::arch().dispatch(Largest { windows, out });
            });
        });
    });
}

/// What batch norm makes of an area, its lines one after the other.
pub(super) fn value_of(area: Area, (z, normal): (&[f32], Normal<'_>), n: usize, out: &mut [f32]) {
    for (line, out) in area.lines(n, 0).zip(out.chunks_exact_mut(area.width * n)) {
        normal.write(&z[line], out);
    }
}

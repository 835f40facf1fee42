//! The CPU path's form of the gradient: as in `fast.rs`.

use super::super::args::PixelArgs;
use super::super::chain::{Chain, From};
use super::super::fast::part;
use super::area::{Area, Layout, Out};
use super::fast::{Normal, Stages, head, value_of, workers};
use super::windows::{Spread, Windows};
use crate::gemm::workspace;
use crate::kernel::{Io, MAX_BINDINGS, Tensor};
use crate::op::stage::Seen;
use crate::ops::batch_norm::fast::{COLUMNS, sums as sums_of};
use crate::{simd, threads};

/// What all areas share.
struct Shared<'a> {
    stages: Stages<'a>,
    layout: Layout,
    dh: &'a [f32],
    z: &'a [f32],
    h: &'a [f32],
    normal: Normal<'a>,
    /// Means of the columns, where sums are taken.
    mean: Option<&'a [f32]>,
}

/// Tensors that a kernel binds, in the order of its bindings; what it does not bind is none.
fn take<'a, const N: usize>(io: &mut Io<'a>, is: [bool; N]) -> [Tensor<'a>; N] {
    let mut bound = io.take::<MAX_BINDINGS>().into_iter();
    is.map(|is| if is { bound.next().unwrap_or_default() } else { Tensor::None })
}

/// The floats of a tensor that is bound.
fn floats<'a>(tensor: &'a Tensor<'_>, is: bool) -> &'a [f32] {
    if is { tensor.f32() } else { &[] }
}

fn floats_mut<'a>(tensor: &'a mut Tensor<'_>, is: bool) -> &'a mut [f32] {
    if is { tensor.f32_mut() } else { &mut [] }
}

pub(super) fn sums(chain: &Chain, bytes: &[u8], io: &mut Io<'_>) {
    let (a, from) = (head(bytes), chain.from());
    let (n, again, sees) = (a.n as usize, from == From::Again, from == From::Output);
    let [dh, zs, h, params, now, mut dz, mut parts, mut state] =
        take(io, [true, true, sees, again, true, again, true, true]);
    let now = now.now();
    let saved = part(zs.f32(), a.saved, 3 * n);
    let normal = again.then(|| {
        let [gamma, beta] = [a.gamma, a.beta].map(|at| part(params.f32(), at, n));
        [&saved[..n], &saved[n..2 * n], gamma, beta]
    });
    let layout = Layout::of(&a);
    let shared = Shared {
        stages: Stages::new(chain, bytes, now),
        layout,
        dh: dh.f32(),
        z: zs.f32(),
        h: floats(&h, sees),
        normal: Normal(normal),
        mean: Some(&saved[..n]),
    };
    let count = (now.rows * a.part_units) as usize / layout.across();
    let of_part = a.of_part as usize / layout.across();
    let pixels = (now.rows * a.pixels) as usize;
    let dz = floats_mut(&mut dz, again);
    let floats = if again { pixels * n } else { 0 };
    let parts = &mut parts.f32_mut()[..count.div_ceil(of_part) * 2 * n];
    shared.run(Out { layout, first: 0, count, of_part, dz: &mut dz[..floats], parts }, pixels * n);
    if now.halted == 0 {
        move_state(&a, saved, state.f32_mut(), pixels as f32);
    }
}

/// Moves the running statistics.
fn move_state(a: &PixelArgs, saved: &[f32], state: &mut [f32], pixels: f32) {
    let n = a.n as usize;
    let unbiased = pixels / (pixels - 1.0);
    for (at, row, factor) in [(a.running_mean, 0, 1.0), (a.running_var, 2, unbiased)] {
        let running = &mut state[at as usize..][..n];
        for (running, batch) in running.iter_mut().zip(&saved[row * n..]) {
            *running += a.momentum * (batch * factor - *running);
        }
    }
}

impl Shared<'_> {
    /// Goes back through the stages of all areas.
    fn run(&self, out: Out<'_>, elements: usize) {
        // The gradient, what the stages behind are given, and what they made of it.
        let room = self.layout.room() * (2 + self.values());
        let workers = workers(elements);
        let least = out.of_part;
        workspace(workers * room, |rooms| {
            threads::share(out, [least, usize::MAX], rooms, room, |room, _, out: Out<'_>| {
                let (before, n) = (out.before(), self.layout.n);
                for (part, units) in out.parts().enumerate() {
                    let size = if self.mean.is_some() { 2 * n } else { 0 };
                    let sums = &mut out.parts[part * size..][..size];
                    sums.fill(0.0);
                    self.layout.areas(units, |area| {
                        let d = self.through(area, room);
                        if let Some(mean) = self.mean {
                            self.add(area, d, mean, sums);
                        }
                        if !out.dz.is_empty() {
                            for (line, d) in area.lines(n, before).zip(d.chunks_exact(area.width * n)) {
                                out.dz[line].copy_from_slice(d);
                            }
                        }
                    });
                }
            });
        });
    }

    /// The gradient by what the stages of elements are given, of an area.
    fn through<'r>(&self, area: Area, room: &'r mut [f32]) -> &'r [f32] {
        let (n, chain, size) = (self.layout.n, self.stages.chain, self.layout.room());
        let (d, values) = room.split_at_mut(size);
        let d = &mut d[..area.floats(n)];
        let again = chain.from() == From::Again;
        if again {
            self.values_again(area, values);
        }
        let value = |stages: usize| &values[stages * size..][..area.floats(n)];
        if self.layout.pool > 1 {
            let (pool, values) = (self.layout.pool, value(self.values()));
            if area.whole < area.units || area.width != area.units * pool {
                d.fill(0.0);
            }
            let dh = &self.dh[area.to * n..][..area.whole * n];
            simd::arch().dispatch(Spread { windows: Windows { area, values, pool, n }, dh, d: &mut *d });
        } else {
            d.copy_from_slice(&self.dh[area.unit * n..][..area.units * n]);
        }
        for (step, (at, link)) in self.stages.links().enumerate().rev() {
            let seen = match link.stage.seen {
                _ if !again => &self.h[area.unit * n..][..area.units * n],
                Seen::Output => value(step + 1),
                Seen::Input | Seen::Place => value(step),
            };
            self.stages.gradient((at, link), seen, d);
        }
        d
    }

    /// How many stages are gone through again: as many as [`Chain::needed`] says, or, before pooling, all.
    fn values(&self) -> usize {
        if self.layout.pool > 1 { self.stages.links().len() } else { self.stages.chain.needed() }
    }

    /// What each stage was given and gave.
    fn values_again(&self, area: Area, mut values: &mut [f32]) {
        let (n, size) = (self.layout.n, self.layout.room());
        value_of(area, (self.z, self.normal), n, &mut values[..area.floats(n)]);
        for link in self.stages.links().take(self.values()) {
            let (before, rest) = values.split_at_mut(size);
            rest[..area.floats(n)].copy_from_slice(&before[..area.floats(n)]);
            self.stages.value(link, &mut rest[..area.floats(n)]);
            values = rest;
        }
    }

    /// Adds Σ u and Σ u (z − mean) of an area.
    fn add(&self, area: Area, u: &[f32], mean: &[f32], part: &mut [f32]) {
        let n = self.layout.n;
        let (plain, with_z) = part.split_at_mut(n);
        for (line, u) in area.lines(n, 0).zip(u.chunks_exact(area.width * n)) {
            let z = &self.z[line];
            for first in (0..n).step_by(COLUMNS) {
                let [of_z, of_u] = simd::run(
                    #[inline(always)]
                    || sums_of(z, u, mean, first),
                );
                plain[first..].iter_mut().zip(of_u).for_each(|(sum, u)| *sum += u);
                with_z[first..].iter_mut().zip(of_z).for_each(|(sum, u)| *sum += u);
            }
        }
    }
}

pub(super) fn gradient(chain: &Chain, bytes: &[u8], io: &mut Io<'_>) {
    let (a, columns) = (head(bytes), chain.column.is_some());
    let (n, sees) = (a.n as usize, chain.from() == From::Output);
    let keeps = chain.keeps_gradient();
    let is = [!keeps, keeps || chain.keeps_product(), sees && !keeps, columns, columns, true, true, columns];
    let [dh, zs, h, params, parts, now, mut dz, mut grads] = take(io, is);
    let now = now.now();
    let pixels = (now.rows * a.pixels) as usize;
    let dz = &mut dz.f32_mut()[..pixels * n];
    let layout = Layout::of(&a);
    let shared = Shared {
        stages: Stages::new(chain, bytes, now),
        layout,
        dh: floats(&dh, !keeps),
        z: floats(&zs, is[1]),
        h: floats(&h, is[2]),
        normal: Normal(None),
        mean: None,
    };
    if !columns {
        let count = (now.rows * a.units) as usize / layout.across();
        let elements = dz.len();
        let of_part = layout.lines();
        return shared.run(Out { layout, first: 0, count, of_part, dz, parts: &mut [] }, elements);
    }
    let saved = part(zs.f32(), a.saved, 3 * n);
    let units = (now.rows * a.part_units) as usize;
    let parts = &parts.f32()[..units.div_ceil(a.of_part as usize) * 2 * n];
    let grads = grads.f32_mut();
    for f in 0..n {
        let sum = |row: usize| parts[row * n + f..].iter().step_by(2 * n).map(|sum| f64::from(*sum)).sum::<f64>();
        grads[a.dbeta as usize + f] = sum(0) as f32;
        grads[a.dgamma as usize + f] = (sum(1) * f64::from(saved[n + f])) as f32;
    }
    let [dgamma, dbeta] = [a.dgamma, a.dbeta].map(|at| part(grads, at, n));
    let columns = Columns { saved, gamma: part(params.f32(), a.gamma, n), dgamma, dbeta, pixels: pixels as f32 };
    let (size, stages) = (layout.room(), shared.stages);
    threads::for_chunks(dz, size, |chunk, dz| {
        let own = chunk * size..chunk * size + dz.len();
        if !keeps {
            dz.copy_from_slice(&shared.dh[own.clone()]);
            stages.links().for_each(|link| stages.gradient(link, &shared.h[own.clone()], dz));
        }
        columns.through(&shared.z[own], dz);
    });
}

/// The stage of columns.
struct Columns<'a> {
    saved: &'a [f32],
    gamma: &'a [f32],
    dgamma: &'a [f32],
    dbeta: &'a [f32],
    pixels: f32,
}

impl Columns<'_> {
    /// Batch norm's gradient of some whole pixels, in place.
    fn through(&self, z: &[f32], d: &mut [f32]) {
        let n = self.gamma.len();
        let (mean, inv_std) = (&self.saved[..n], &self.saved[n..2 * n]);
        let (gamma, dgamma, dbeta, pixels) = (&self.gamma[..n], &self.dgamma[..n], &self.dbeta[..n], self.pixels);
        simd::run(
            #[inline(always)]
            || {
                for first in (0..n).step_by(COLUMNS) {
                    let (mut factor, mut along, mut shift, mut middle) =
                        ([0.0; COLUMNS], [0.0; COLUMNS], [0.0; COLUMNS], [0.0; COLUMNS]);
                    let width = COLUMNS.min(n - first);
                    for f in 0..width {
                        let at = first + f;
                        factor[f] = gamma[at] * inv_std[at];
                        along[f] = inv_std[at] * dgamma[at] / pixels;
                        shift[f] = dbeta[at] / pixels;
                        middle[f] = mean[at];
                    }
                    for (z, d) in z.chunks_exact(n).zip(d.chunks_exact_mut(n)) {
                        let (z, d) = (&z[first..], &mut d[first..]);
                        if let (Some(z), Some(d)) = (z.first_chunk::<COLUMNS>(), d.first_chunk_mut::<COLUMNS>()) {
                            for f in 0..COLUMNS {
                                d[f] = factor[f] * (d[f] - (shift[f] + (z[f] - middle[f]) * along[f]));
                            }
                        } else {
                            for f in 0..width {
                                d[f] = factor[f] * (d[f] - (shift[f] + (z[f] - middle[f]) * along[f]));
                            }
                        }
                    }
                }
            },
        );
    }
}

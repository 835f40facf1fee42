//! The CPU path's form of the gradient: as in `fast.rs`.

use super::args::{Args, BACKWARD};
use super::chain::{Chain, From};
use super::fast::{columns, filled, normalize, part, strip_of_product, value, weights_of, with_room};
use crate::gemm::{
    Form, Mask, Packed, STRIP, gemm_masked, is_worth_a_mask, mask_of, matrix, matrix_mut, slice_mut, slice_of,
};
use crate::kernel::{Io, MAX_BINDINGS, Now, Tensor};
use crate::op::stage::{Place, Row, Seen};
use crate::{simd, threads};
use ndarray::{ArrayView2, ArrayViewMut2};

/// The place of the momentum among the arguments.
const MOMENTUM: usize = BACKWARD.len() - 1;

/// dy: where few elements of the product are asked for, as it is, else packed.
#[derive(Clone, Copy)]
enum Gradient<'a> {
    Few(ArrayView2<'a, f32>),
    All(Packed<'a>),
    /// The gradient by h.
    OfOutput(ArrayView2<'a, f32>),
}

/// The stage of columns.
struct Columns<'a> {
    /// Mean, 1/√(var + eps) and variance, `[3, n]`.
    saved: ArrayView2<'a, f32>,
    gamma: &'a [f32],
    beta: &'a [f32],
}

/// What all strips of the backward kernel share.
struct Backward<'a> {
    chain: &'a Chain,
    args: Args<'a>,
    now: Now,
    /// V, or nothing where the gradient by h is given.
    weight: Option<ArrayView2<'a, f32>>,
    product: Option<ArrayView2<'a, f32>>,
    h: Option<ArrayView2<'a, f32>>,
    columns: Option<Columns<'a>>,
    /// The weights that a stage learns.
    learned: Option<&'a [f32]>,
    /// The other tensor of a stage.
    other: Option<ArrayView2<'a, f32>>,
    /// Columns of the block's product.
    n: usize,
}

/// What is written: dz; dγ and dβ, which are empty without a stage of columns; the sums of the columns for the weights that a
/// stage learns, which are empty without one.
type Out<'a> = (ArrayViewMut2<'a, f32>, Affine<'a>, ArrayViewMut2<'a, f32>);
type Affine<'a> = (ArrayViewMut2<'a, f32>, ArrayViewMut2<'a, f32>);

/// Parts of one tensor of so many words each, at offsets; none where there is no offset.
///
/// # Panics
/// Parts overlap or lie outside of the tensor: a fault of ours.
fn parts<const N: usize>(tensor: &mut [f32], offsets: [Option<u32>; N], n: usize) -> [&mut [f32]; N] {
    let ranges = offsets.map(|offset| offset.map_or(0..0, |offset| offset as usize..offset as usize + n));
    tensor.get_disjoint_mut(ranges).unwrap_or_else(|_| panic!("gradients of one tensor do not overlap"))
}

pub(super) fn backward(chain: &Chain, given: bool, bytes: &[u8], io: &mut Io<'_>) {
    let args = Args::new(bytes, true);
    let [k, n, weight, gamma, beta, learned, saved, at_dgamma, at_dbeta, at_dlearned, at_mean, at_var] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(|at| args.word(at));
    let (k, n, narrow) = (k as usize, n as usize, n as usize / chain.narrows());
    let is_shared = chain.learned().map(|(_, learned)| learned.total.is_some());
    let mut bound = io.take::<MAX_BINDINGS>().into_iter();
    let mut next = |is: bool| if is { bound.next().unwrap_or_default() } else { Tensor::None };
    let (is_of_columns, keeps) = (chain.column.is_some(), chain.keeps_product());
    let has_params = !given || is_of_columns || chain.learns();
    let [dy, params, zs, other, h] =
        [true, has_params, keeps, chain.takes_other(), chain.from() == From::Output].map(&mut next);
    let (has_grads, has_sums) = (is_of_columns || is_shared == Some(false), is_shared == Some(true));
    let [now, mut dz, mut sums, mut grads, mut state] = [true, true, has_sums, has_grads, is_of_columns].map(&mut next);
    let (now, params) = (now.now(), if has_params { params.f32() } else { &[] });
    let rows = now.rows as usize;
    let all = Backward {
        chain,
        args,
        now,
        weight: (!given).then(|| matrix(part(params, weight, narrow * k), k, narrow)),
        learned: is_shared.map(|is_shared| part(params, learned, if is_shared { 1 } else { n })),
        other: chain.takes_other().then(|| matrix(other.f32(), rows, n)),
        n,
        product: keeps.then(|| matrix(zs.f32(), rows, n)),
        h: (chain.from() == From::Output).then(|| matrix(h.f32(), rows, n)),
        columns: is_of_columns.then(|| Columns {
            saved: matrix(part(zs.f32(), saved, 3 * n), 3, n),
            gamma: part(params, gamma, n),
            beta: if chain.from() == From::Again { part(params, beta, n) } else { &[] },
        }),
    };
    let mut none = [];
    let grads = if has_grads { grads.f32_mut() } else { &mut none[..] };
    let of_columns = |at: u32| is_of_columns.then_some(at);
    let offsets = [of_columns(at_dgamma), of_columns(at_dbeta), (is_shared == Some(false)).then_some(at_dlearned)];
    let [dgamma, dbeta, dlearned] = parts(grads, offsets, n);
    let dlearned = if has_sums { sums.f32_mut() } else { dlearned };
    let [dgamma, dbeta, dlearned] = [dgamma, dbeta, dlearned].map(|vector| {
        let rows = usize::from(!vector.is_empty());
        matrix_mut(vector, rows, n)
    });
    let out: Out<'_> = (matrix_mut(dz.f32_mut(), rows, n), (dgamma, dbeta), dlearned);
    all.run(matrix(dy.f32(), rows, if given { narrow } else { k }), out);
    if let (Some(columns), 0) = (&all.columns, now.halted) {
        all.move_state(columns, state.f32_mut(), [at_mean, at_var]);
    }
}

impl Backward<'_> {
    fn run(&self, dy: ArrayView2<'_, f32>, out: Out<'_>) {
        let ((rows, k), n) = (dy.dim(), self.n);
        // Beside the strip of the gradient, one for each stage that is gone through again, and one to begin with.
        let again = if self.chain.from() == From::Again { self.chain.needed() + 1 } else { 0 };
        with_room(dy, n, 1 + again, |room, strips, size| {
            let masked = self.h.filter(|h| self.chain.is_silent() && is_worth_a_mask(*h, k));
            let dy = match masked {
                _ if self.weight.is_none() => Gradient::OfOutput(dy),
                Some(_) => Gradient::Few(dy),
                None => Gradient::All(Packed::new(Form::of(dy, n), dy, room)),
            };
            let least = if let Gradient::All(dy) = dy { dy.least() } else { STRIP };
            threads::share(out, [least, STRIP], strips, size, |memory, first, out| {
                self.strip(first, dy, memory.split_at_mut(rows), out);
            });
        });
    }

    /// dz, dγ and dβ of the columns from `first` on.
    fn strip(&self, first: usize, dy: Gradient<'_>, (strip, memory): (&mut [Row], &mut [Row]), out: Out<'_>) {
        let (end, narrows) = (first + out.0.ncols(), self.chain.narrows());
        let own = |all| columns(all, first / narrows, end / narrows);
        match (dy, self.weight.map(own), self.h) {
            (Gradient::All(dy), Some(weight), _) => strip_of_product(dy, weight, strip),
            (Gradient::Few(dy), Some(weight), Some(h)) => {
                gemm_masked(dy, weight, masks(columns(h, first, end), memory), strip);
            }
            (Gradient::OfOutput(dh), None, _) => {
                for (row, dh) in strip.iter_mut().zip(own(dh).rows()) {
                    row[..dh.len()].copy_from_slice(slice_of(dh));
                }
            }
            _ => unreachable!("masks are made of h, and the gradient by h is given where there is no product"),
        }
        let sums = self.through_stages(first, end - first, strip, memory);
        let (dz, affine, mut dlearned) = out;
        if let Some(mut dlearned) = dlearned.rows_mut().into_iter().next() {
            slice_mut(dlearned.view_mut()).copy_from_slice(&sums[..end - first]);
        }
        self.finish(first, strip, dz, affine);
    }

    /// The gradient through the stages behind that of columns, in place; gives the sums of the columns for the weights that a
    /// stage learns.
    fn through_stages(&self, first: usize, width: usize, strip: &mut [Row], memory: &mut [Row]) -> Row {
        let (chain, rows) = (self.chain, strip.len());
        let weights = &weights_of(self.learned, first, width);
        let other = self.other.map_or(matrix(&[], 0, width), |other| columns(other, first, first + width));
        let place = Place { first, width, columns: self.n, weights, other, now: self.now };
        let (behind, from) = (chain.column.map_or(0, |at| at + 1), chain.from());
        if from == From::Again {
            self.values_again(place, memory);
        }
        // What a number of stages behind have made of y.
        let after = |stages: usize| match (from, self.h) {
            (From::Output, Some(h)) => columns(h, first, first + width),
            (From::Again, _) => {
                let width = width / chain.narrows_after(behind + stages);
                columns(matrix(memory[stages * rows..][..rows].as_flattened(), rows, STRIP), 0, width)
            }
            _ => matrix(&[], 0, width),
        };
        let mut sums = [0.0; STRIP];
        for (step, link) in chain.behind().iter().enumerate().rev() {
            let args = self.args.of_link(chain, behind + step);
            if let (From::Output, Some(place)) = (from, link.scale_place()) {
                scale(strip, f32::from_bits(args[place]));
                continue;
            }
            let seen = match link.stage.seen {
                Seen::Place => matrix(&[], 0, width),
                Seen::Output => after(step + 1),
                Seen::Input => after(step),
            };
            if let Some(learned) = &link.stage.learned {
                (learned.fast)(seen, strip, &mut sums);
            }
            let place = place.narrowed(chain.narrows_after(behind + step));
            match link.stage.fast {
                Some(fast) => (fast.gradient)(args, seen, strip, place),
                None => unreachable!("a stage of elements has a fast form"),
            }
        }
        sums
    }

    /// What each stage behind was given and gave, strip by strip: y, and what the stages made of it.
    fn values_again(&self, place: Place<'_>, memory: &mut [Row]) {
        let (chain, rows, Place { first, width, .. }) = (self.chain, self.now.rows as usize, place);
        let Some(product) = self.product else { unreachable!("the product is kept") };
        let product = columns(product, first, first + width);
        let (y, mut rest) = memory.split_at_mut(rows);
        for (row, product) in y.iter_mut().zip(product.rows()) {
            row[..width].copy_from_slice(slice_of(product));
        }
        if let Some(Columns { saved, gamma, beta }) = &self.columns {
            let stats = [0, 1, 2].map(|row| {
                filled(slice_of(columns(*saved, first, first + width).index_axis_move(ndarray::Axis(0), row)))
            });
            normalize(y, &stats, &filled(&gamma[first..][..width]), &filled(&beta[first..][..width]));
        }
        let behind = chain.column.map_or(0, |at| at + 1);
        let mut last = y;
        for at in behind..behind + chain.needed() {
            let (next, after) = rest.split_at_mut(rows);
            next.copy_from_slice(last);
            let place = place.narrowed(chain.narrows_after(at));
            value(&chain.links[at], self.args.of_link(chain, at), next, place);
            (last, rest) = (next, after);
        }
    }

    /// What is left once the gradient has gone through the stages behind.
    fn finish(&self, first: usize, strip: &mut [Row], mut dz: ArrayViewMut2<'_, f32>, affine: Affine<'_>) {
        let width = dz.ncols();
        if let Some(Columns { saved, gamma, .. }) = &self.columns {
            let Some(product) = self.product else { unreachable!("the product is kept") };
            let z = columns(product, first, first + width);
            let of = |row: usize| {
                filled(slice_of(columns(*saved, first, first + width).index_axis_move(ndarray::Axis(0), row)))
            };
            let gamma = filled(&gamma[first..][..width]);
            let sums = through_columns(strip, z, self.now.rows as f32, (&of(0), &of(1), &gamma));
            let (mut dgamma, mut dbeta) = affine;
            slice_mut(dgamma.row_mut(0)).copy_from_slice(&sums[0][..width]);
            slice_mut(dbeta.row_mut(0)).copy_from_slice(&sums[1][..width]);
            if let [link] = self.chain.before() {
                let place = Place {
                    first,
                    width,
                    columns: self.n,
                    weights: &[0.0; STRIP],
                    other: matrix(&[], 0, width),
                    now: self.now,
                };
                match link.stage.fast {
                    Some(fast) => (fast.gradient)(self.args.of_link(self.chain, 0), z, strip, place),
                    None => unreachable!("a stage of elements has a fast form"),
                }
            }
        }
        for (row, dz) in strip.iter().zip(dz.rows_mut()) {
            slice_mut(dz).copy_from_slice(&row[..width]);
        }
    }

    fn move_state(&self, columns: &Columns<'_>, state: &mut [f32], [at_mean, at_var]: [u32; 2]) {
        let momentum = f32::from_bits(self.args.word(MOMENTUM));
        let (rows, n) = (self.now.rows as f32, self.n);
        let unbiased = rows / (rows - 1.0);
        for (at, row, factor) in [(at_mean, 0, 1.0), (at_var, 2, unbiased)] {
            let running = &mut state[at as usize..][..n];
            for (running, batch) in running.iter_mut().zip(columns.saved.row(row)) {
                *running += momentum * (batch * factor - *running);
            }
        }
    }
}

/// Batch norm's gradient, in place; gives dγ and dβ.
fn through_columns(
    strip: &mut [Row],
    z: ArrayView2<'_, f32>,
    rows: f32,
    (mean, inv_std, gamma): (&Row, &Row, &Row),
) -> [Row; 2] {
    let [mut plain, mut with_z] = [[0.0; STRIP]; 2];
    simd::run(
        #[inline(always)]
        || {
            let mut room = [0.0; STRIP];
            for (u, z) in strip.iter().zip(z.rows()) {
                let z = whole(slice_of(z), &mut room);
                for f in 0..STRIP {
                    plain[f] += u[f];
                    with_z[f] += u[f] * (z[f] - mean[f]);
                }
            }
            let [mut factor, mut along, mut shift] = [[0.0; STRIP]; 3];
            for f in 0..STRIP {
                with_z[f] *= inv_std[f];
                along[f] = inv_std[f] * with_z[f] / rows;
                factor[f] = gamma[f] * inv_std[f];
                shift[f] = plain[f] / rows;
            }
            for (u, z) in strip.iter_mut().zip(z.rows()) {
                let z = whole(slice_of(z), &mut room);
                for f in 0..STRIP {
                    u[f] = factor[f] * (u[f] - (shift[f] + (z[f] - mean[f]) * along[f]));
                }
            }
        },
    );
    [with_z, plain]
}

/// A row, or, where it has fewer columns, its copy, so that the compiler sees one length.
#[inline(always)]
fn whole<'a>(row: &'a [f32], room: &'a mut Row) -> &'a Row {
    row.first_chunk().unwrap_or_else(|| {
        room[..row.len()].copy_from_slice(row);
        room
    })
}

fn scale(strip: &mut [Row], by: f32) {
    simd::run(
        #[inline(always)]
        || strip.as_flattened_mut().iter_mut().for_each(|d| *d *= by),
    );
}

/// Which elements of h the stages let through.
fn masks<'m>(h: ArrayView2<'_, f32>, memory: &'m mut [Row]) -> &'m [Mask] {
    let masks = &mut bytemuck::cast_slice_mut(memory.as_flattened_mut())[..h.nrows()];
    simd::run(
        #[inline(always)]
        || {
            for (mask, h) in masks.iter_mut().zip(h.rows()) {
                *mask = mask_of(slice_of(h));
            }
        },
    );
    masks
}

//! The value of a convolution and its gradient by input: packs the weights, and hands out bands of the target.

use super::kernel::{Form, Runs, with_form};
use super::part::{Job, Product};
use super::walk::{Pass, Walk};
use super::{BAND, area, rows_of};
use crate::gemm::{DEPTH, pack, workers, workspace};
use crate::simd;
use crate::threads::{self, Pieces};
use ndarray::{ArrayView2, ArrayView3, Axis, s};
use pulp::{Simd, WithSimd};
use std::ops::Range;

pub(super) fn run(
    arch: impl Runs,
    pass: Pass<'_>,
    (source, weight): (&[f32], &[f32]),
    rows: usize,
    target: &mut [f32],
    end: &(impl Fn(usize, &mut [f32]) + Sync),
) {
    let (taps, form, image) = (pass.taps(), arch.form(), pass.target());
    let [read, written] = pass.floats(rows);
    let (source, weight, target) = (&source[..read], &weight[..taps.weights()], &mut target[..written]);
    let is_finite = simd::run(
        #[inline(always)]
        || weight.iter().fold(true, |all, weight| all & weight.is_finite()),
    );
    workspace(taps.count() * pass.source()[2] * form.columns(image[2]), |packed| {
        pack_all(arch, pass, form, weight, packed);
        let product = Product { pass, form, source, packed, is_finite };
        let lines = rows_of(BAND, image);
        let per_image = image[0].div_ceil(lines).max(1);
        // Images of one band each are computed together as far as they have few pixels.
        let together = if per_image == 1 { (BAND / area(image).max(1)).max(1) } else { 1 };
        let bands = Bands { image, lines, first: 0, count: rows * per_image, data: target };
        let mut rooms = vec![(); workers(taps.products(rows))];
        threads::share(bands, [together, usize::MAX], &mut rooms[..], 1, |_, _, mut left: Bands<'_>| {
            while left.count > 0 {
                let count = together.min(left.count);
                let bands;
                (bands, left) = left.cut(count);
                work(arch, product, bands, end);
            }
        });
    });
}

/// Computes some bands together.
fn work(arch: impl Runs, product: Product<'_>, mut bands: Bands<'_>, end: &impl Fn(usize, &mut [f32])) {
    let per_image = bands.per_image();
    let lines = match bands.count {
        1 => {
            let first = bands.first % per_image * bands.lines;
            first..(first + bands.lines).min(bands.image[0])
        }
        _ => 0..bands.image[0],
    };
    let images = bands.first / per_image..(bands.first + bands.count - 1) / per_image + 1;
    arch.run(Job { product, images, lines, out: &mut *bands.data });
    while bands.count > 0 {
        let (band, rest) = bands.cut(1);
        end(band.at(band.first) / band.image[2], band.data);
        bands = rest;
    }
}

/// Some bands of the target, one after the other.
struct Bands<'a> {
    image: [usize; 3],
    /// Image rows of a band.
    lines: usize,
    first: usize,
    count: usize,
    data: &'a mut [f32],
}

impl Bands<'_> {
    fn per_image(&self) -> usize {
        self.image[0].div_ceil(self.lines).max(1)
    }

    /// Floats before a band.
    fn at(&self, band: usize) -> usize {
        let [height, width, channels] = self.image;
        let (image, band) = (band / self.per_image(), band % self.per_image());
        (image * height + band * self.lines) * width * channels
    }
}

impl Pieces for Bands<'_> {
    fn size(&self) -> usize {
        self.count
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let before = self.at(self.first);
        let floats = if at == self.count { self.data.len() } else { self.at(self.first + at) - before };
        let (data, rest) = self.data.split_at_mut(floats);
        (
            Self { count: at, data, ..self },
            Self { image: self.image, lines: self.lines, first: self.first + at, count: self.count - at, data: rest },
        )
    }
}

/// Packs the weights of all walks.
fn pack_all(arch: impl Runs, pass: Pass<'_>, form: Form, weight: &[f32], mut memory: &mut [f32]) {
    let taps = pass.taps();
    let shape = (taps.output[2], taps.count(), taps.input[2]);
    let Ok(weight) = ArrayView3::from_shape(shape, weight) else { unreachable!("as many weights as the taps have") };
    let [depth, channels] = [pass.source()[2], pass.target()[2]];
    for walk in pass.walks() {
        let terms = walk.taps() * depth;
        let own;
        (own, memory) = memory.split_at_mut(terms * form.columns(channels));
        let size = terms * 2 * form.lanes;
        threads::for_chunks(own, size.max(1), |panel, out| {
            let first = panel * 2 * form.lanes;
            let channels = first..channels.min(first + out.len() / terms);
            arch.run(Pack { pass, walk, weight, channels, out });
        });
    }
}

/// Packs a panel of weights, of these target channels.
struct Pack<'a> {
    pass: Pass<'a>,
    walk: Walk,
    weight: ArrayView3<'a, f32>,
    channels: Range<usize>,
    out: &'a mut [f32],
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_form!(simd: S, pack_panel(self))
    }
}

#[inline(always)]
fn pack_panel<S: Simd, const W: usize, const W2: usize, const TWO: usize, const FUSED: bool>(simd: S, pack: Pack<'_>) {
    let Pack { pass, walk, weight, channels, out } = pack;
    let size = out.len() / walk.taps();
    for (tap, out) in out.chunks_exact_mut(size).enumerate() {
        let tap = walk.tap(tap);
        let x: ArrayView2<'_, f32> = match pass {
            Pass::Value(_) => weight.slice_move(s![channels.clone(), tap, ..]).reversed_axes(),
            Pass::GradientByInput(_) => weight.slice_move(s![.., tap, channels.clone()]),
        };
        let width = size / x.nrows();
        for (x, out) in x.axis_chunks_iter(Axis(0), DEPTH).zip(out.chunks_mut(DEPTH * width)) {
            if width == W { pack::panel::<S, W>(simd, x, out) } else { pack::panel::<S, W2>(simd, x, out) }
        }
    }
}

//! What the kernels do, on the host: once plainly in float64, and once fast for the CPU path.

use super::{Args, BOX};
use crate::kernel::Io;
use crate::threads;

/// A pixel's width in a box's coordinates.
const ONE: i32 = 1 << 16;

/// A box, as its words say it. Sizes and coordinates have y before x.
#[derive(Clone, Copy)]
struct Drawn {
    row: usize,
    first: usize,
    size: [i32; 2],
    top: [i32; 2],
    step: [i32; 2],
    mirrored: bool,
    brightness: f32,
    contrast: f32,
}

impl Drawn {
    fn of(boxes: &[u32], place: usize) -> Self {
        let words = &boxes[place * BOX..][..BOX];
        let pair = |at: usize| [words[at] as i32, words[at + 1] as i32];
        Self {
            row: words[0] as usize,
            first: words[1] as usize,
            size: pair(2),
            top: pair(4),
            step: pair(6),
            mirrored: words[8] != 0,
            brightness: f32::from_bits(words[9]),
            contrast: f32::from_bits(words[10]),
        }
    }
}

impl Args {
    fn height(self) -> usize {
        (self.features / (self.width * self.channels)) as usize
    }

    /// Row, column and channel of an element of a picture of these sizes.
    fn parts(self, f: usize) -> [usize; 3] {
        let (channels, width) = (self.channels as usize, self.width as usize);
        let pixels = self.features as usize / channels;
        let (p, c) = if self.planes == 0 { (f / channels, f % channels) } else { (f % pixels, f / pixels) };
        [p / width, p % width, c]
    }

    /// The place of a channel of a pixel in a picture.
    fn place(self, [height, width]: [i32; 2], [y, x]: [i32; 2], c: usize) -> usize {
        let [height, width, y, x] = [height, width, y, x].map(|number| number as usize);
        if self.planes == 0 { (y * width + x) * self.channels as usize + c } else { (c * height + y) * width + x }
    }
}

/// The pixel at a place that may lie beyond an edge: mirrored, or none.
fn within(mut at: i32, size: i32, reflect: bool) -> Option<i32> {
    if reflect {
        at = at.abs();
        at = if at >= size { 2 * size - 2 - at } else { at };
    }
    (0..size).contains(&at).then_some(at)
}

/// The pixels around a centre that count for an output pixel of a width, and the weight of each.
fn taps(centre: i32, step: i32, size: i32, most: u32) -> impl Iterator<Item = (i32, i32)> + Clone {
    let reach = step.max(ONE);
    let low = ((centre - reach + ONE / 2) >> 16).max(0);
    let high = ((centre + reach + ONE / 2) >> 16).min(size).min(low.saturating_add(most as i32));
    (low..high).map(move |at| (at, (reach - (at * ONE + ONE / 2 - centre).abs()).max(0)))
}

/// A channel of an output pixel, before brightness.
fn pixel(a: Args, data: &[u8], drawn: &Drawn, [y, x, c]: [usize; 3]) -> f64 {
    let x = if drawn.mirrored { a.width as usize - 1 - x } else { x };
    let at = [y as i32, x as i32];
    let value = |at: [i32; 2]| f64::from(data[drawn.first + a.place(drawn.size, at, c)]);
    if drawn.step == [ONE; 2] {
        let [y, x] = [0, 1].map(|i| within(at[i] + (drawn.top[i] >> 16), drawn.size[i], a.reflect != 0));
        return y.zip(x).map_or(0.0, |(y, x)| value([y, x]));
    }
    let around = |i: usize| {
        let centre = drawn.top[i] + at[i] * drawn.step[i] + drawn.step[i] / 2;
        taps(centre, drawn.step[i], drawn.size[i], a.taps)
    };
    let (mut sum, mut weights) = (0.0, 0.0);
    for (y, weight_y) in around(0) {
        for (x, weight_x) in around(1) {
            let weight = f64::from(weight_y) * f64::from(weight_x);
            sum += weight * value([y, x]);
            weights += weight;
        }
    }
    sum / weights
}

/// Values of a row after brightness.
fn bright(a: Args, data: &[u8], drawn: &Drawn) -> Vec<f64> {
    let value = |f| f64::from(drawn.brightness) * pixel(a, data, drawn, a.parts(f));
    (0..a.features as usize).map(|f| value(f).clamp(0.0, f64::from(a.largest))).collect()
}

/// Values of a row after contrast.
fn moved(a: Args, v: &[f64], contrast: f32) -> Vec<f64> {
    let grey: f64 = v.iter().enumerate().map(|(f, v)| share(a, a.parts(f)[2]) * v).sum();
    let (mean, contrast) = (grey / f64::from(a.features / a.channels), f64::from(contrast));
    v.iter().map(|v| (contrast * v + (1.0 - contrast) * mean).clamp(0.0, f64::from(a.largest))).collect()
}

/// What a row is before it is normalised, rounded to bytes, by the words of its box.
pub(super) fn rendered(a: Args, data: &[u8], words: &[u32]) -> Vec<u8> {
    let drawn = Drawn::of(words, 0);
    let values = moved(a, &bright(a, data, &drawn), drawn.contrast);
    values.into_iter().map(|v| v.round() as u8).collect()
}

pub(super) fn pictures(a: Args, io: &mut Io<'_>) {
    let [data, targets, boxes, offset, factor, now, mut x, mut target] = io.take();
    let now = now.now();
    let data: &[u8] = bytemuck::cast_slice(data.u32());
    let (features, words) = (a.features as usize, a.targets as usize);
    for r in 0..now.rows as usize {
        let drawn = Drawn::of(boxes.u32(), now.start as usize + r);
        for (f, v) in bright(a, data, &drawn).into_iter().enumerate() {
            let normal = (v - f64::from(offset.f32()[f])) * f64::from(factor.f32()[f]);
            x.f32_mut()[r * features + f] = if a.normalized != 0 { normal as f32 } else { v as f32 };
        }
        target.u32_mut()[r * words..][..words].copy_from_slice(&targets.u32()[drawn.row * words..][..words]);
    }
}

/// How much a channel counts in grey.
fn share(a: Args, c: usize) -> f64 {
    if a.channels == 3 { [0.2989, 0.587, 0.114][c] } else { 1.0 / f64::from(a.channels) }
}

pub(super) fn contrast(a: Args, io: &mut Io<'_>) {
    let [v, boxes, offset, factor, now, mut x] = io.take();
    let (now, features) = (now.now(), a.features as usize);
    for r in 0..now.rows as usize {
        let v: Vec<f64> = v.f32()[r * features..][..features].iter().map(|v| f64::from(*v)).collect();
        let contrast = Drawn::of(boxes.u32(), now.start as usize + r).contrast;
        for (f, moved) in moved(a, &v, contrast).into_iter().enumerate() {
            x.f32_mut()[r * features + f] = ((moved - f64::from(offset.f32()[f])) * f64::from(factor.f32()[f])) as f32;
        }
    }
}

/// Sets one output pixel's channels: normalised, or as they are.
#[inline(always)]
fn keep(a: Args, drawn: &Drawn, x: &mut [f32], f: usize, p: f32, [offset, factor]: [&[f32]; 2]) {
    let v = (drawn.brightness * p).clamp(0.0, a.largest);
    x[f] = if a.normalized != 0 { (v - offset[f]) * factor[f] } else { v };
}

pub(super) fn fast_pictures(a: Args, io: &mut Io<'_>) {
    let [data, targets, boxes, offset, factor, now, mut x, mut target] = io.take();
    let now = now.now();
    let data: &[u8] = bytemuck::cast_slice(data.u32());
    let (features, words) = (a.features as usize, a.targets as usize);
    let maps = [offset.f32(), factor.f32()];
    for r in 0..now.rows as usize {
        let row = Drawn::of(boxes.u32(), now.start as usize + r).row;
        target.u32_mut()[r * words..][..words].copy_from_slice(&targets.u32()[row * words..][..words]);
    }
    threads::for_chunks(&mut x.f32_mut()[..now.rows as usize * features], features, |r, x| {
        let drawn = Drawn::of(boxes.u32(), now.start as usize + r);
        for y in 0..a.height() {
            for column in 0..a.width as usize {
                let turned = if drawn.mirrored { a.width as usize - 1 - column } else { column };
                if drawn.step == [ONE; 2] {
                    whole(a, data, &drawn, [y, column, turned], (x, maps));
                } else {
                    resampled(a, data, &drawn, [y, column, turned], (x, maps));
                }
            }
        }
    });
}

/// The places of an output pixel's channels in a row of x: the first, and how far they are apart.
fn places(a: Args, y: usize, column: usize) -> [usize; 2] {
    let p = y * a.width as usize + column;
    if a.planes == 0 { [p * a.channels as usize, 1] } else { [p, (a.features / a.channels) as usize] }
}

/// An output pixel that is one of the picture's.
#[inline(always)]
fn whole(a: Args, data: &[u8], drawn: &Drawn, [y, column, turned]: [usize; 3], (x, maps): (&mut [f32], [&[f32]; 2])) {
    let at = [y as i32 + (drawn.top[0] >> 16), turned as i32 + (drawn.top[1] >> 16)];
    let [at_y, at_x] = [0, 1].map(|i| within(at[i], drawn.size[i], a.reflect != 0));
    let [first, apart] = places(a, y, column);
    let at = at_y.zip(at_x).map(|(y, x)| [y, x]);
    for c in 0..a.channels as usize {
        let p = at.map_or(0, |at| data[drawn.first + a.place(drawn.size, at, c)]);
        keep(a, drawn, x, first + c * apart, f32::from(p), maps);
    }
}

/// An output pixel that is made of several.
#[inline(always)]
fn resampled(
    a: Args,
    data: &[u8],
    drawn: &Drawn,
    [y, column, turned]: [usize; 3],
    (x, maps): (&mut [f32], [&[f32]; 2]),
) {
    let around = |i: usize, at: usize| {
        let centre = drawn.top[i] + at as i32 * drawn.step[i] + drawn.step[i] / 2;
        taps(centre, drawn.step[i], drawn.size[i], a.taps)
    };
    let [rows, columns] = [around(0, y), around(1, turned)];
    let weigh = |taps: &mut dyn Iterator<Item = (i32, i32)>| taps.map(|(_, weight)| weight as f32).sum::<f32>();
    let all = weigh(&mut rows.clone()) * weigh(&mut columns.clone());
    let [first, apart] = places(a, y, column);
    for c in 0..a.channels as usize {
        let mut sum = 0.0;
        for (at_y, weight_y) in rows.clone() {
            let value = |at_x: i32| f32::from(data[drawn.first + a.place(drawn.size, [at_y, at_x], c)]);
            let row: f32 = columns.clone().map(|(at_x, weight)| weight as f32 * value(at_x)).sum();
            sum += weight_y as f32 * row;
        }
        keep(a, drawn, x, first + c * apart, sum / all, maps);
    }
}

pub(super) fn fast_contrast(a: Args, io: &mut Io<'_>) {
    let [v, boxes, offset, factor, now, mut x] = io.take();
    let (now, features) = (now.now(), a.features as usize);
    let pixels = f64::from(a.features / a.channels);
    let (offset, factor) = (offset.f32(), factor.f32());
    threads::for_chunks(&mut x.f32_mut()[..now.rows as usize * features], features, |r, x| {
        let v = &v.f32()[r * features..][..features];
        let mut grey = 0.0;
        for c in 0..a.channels as usize {
            let count = features / a.channels as usize;
            let (start, stride) = if a.planes == 0 { (c, a.channels as usize) } else { (c * count, 1) };
            grey += share(a, c) * v[start..].iter().step_by(stride).take(count).map(|v| f64::from(*v)).sum::<f64>();
        }
        let mean = (grey / pixels) as f32;
        let contrast = Drawn::of(boxes.u32(), now.start as usize + r).contrast;
        for (f, x) in x.iter_mut().enumerate() {
            let moved = (contrast * v[f] + (1.0 - contrast) * mean).clamp(0.0, a.largest);
            *x = (moved - offset[f]) * factor[f];
        }
    });
}

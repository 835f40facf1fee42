//! Gather of a batch of pictures, augmented and normalised on the way: for each row a box says which part of which picture it is,
//! at what size, mirrored or not, and how bright and rich in contrast.
//!
//! `x[r, y, x, c] = (v − offset) · factor`, with `v = clamp(contrast · u + (1 − contrast) · mean(u), 0, largest)` and
//! `u = clamp(brightness · p, 0, largest)`. Where an output pixel is as large as one of the picture, p is that pixel, black or
//! mirrored beyond the edges; else it is the mean of the pixels around its centre, each weighed by a triangle whose reach is the
//! larger of the two pixels (the bilinear filter with antialiasing of Pillow, without its rounding to bytes in between).
//!
//! Boxes are drawn on the host ([`crate::data::augment`]) in integers and float32, so that every device reads the same. Pictures
//! are bytes, `[height, width, channels]` each, or `[channels, height, width]` for a network that sees no images.

mod cases;
mod twins;

pub use cases::cases;

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, write};
use crate::op::{Made, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::ops::gather::TargetKind;
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

/// Words of a box.
pub const BOX: usize = 12;

args! {
    struct Args {
        features: u32,
        targets: u32,
        width: u32,
        channels: u32,
        planes: u32,
        taps: u32,
        reflect: u32,
        normalized: u32,
        largest: f32,
    }
}

/// Of pixels up to `largest`, each with two roundings for its weight and one for its share of the sum, and two more of
/// normalising; so against the largest element, as what is taken off may leave a small one.
const TOLERANCE: Tolerance = Tolerance { c: 8.0, size: Size::Largest, terms: |_, _| 1 };

static PICTURES: Kernel = Kernel {
    name: "augment.pictures",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "augment/args.wgsl",
        "augment/pixel.wgsl",
        "augment/pictures.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[
        read("data").u32(),
        read("targets").u32(),
        read("boxes").u32(),
        read("offset"),
        read("factor"),
        NOW,
        write("x"),
        write("batch_target").u32(),
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: Some(|a, io| twins::pictures(args_of(a), io)),
    fast: Some(&|a, io| twins::fast_pictures(args_of(a), io)),
};

static CONTRAST: Kernel = Kernel {
    name: "augment.contrast",
    parts: parts!("shared/now.wgsl", "shared/sum.wgsl", "augment/args.wgsl", "augment/contrast.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("v"), read("boxes").u32(), read("offset"), read("factor"), NOW, write("x")],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: Some(|a, io| twins::contrast(args_of(a), io)),
    fast: Some(&|a, io| twins::fast_contrast(args_of(a), io)),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&PICTURES, &CONTRAST];

/// The operation. Inputs: data (words), targets `[all rows, …]`, boxes `[all rows, 12]`, offset and factor `[features]`.
/// Outputs: x `[batch, …row]`, and the target: `[batch]`, or `[batch, numbers]`.
#[derive(Clone, Debug)]
pub struct Augment {
    /// Capacity of the batch.
    pub batch: usize,
    /// Shape of one row: `[height, width, channels]`, or `[values]` for a network that sees no images.
    pub row: Vec<usize>,
    /// Channels, height and width of one row.
    pub picture: [usize; 3],
    /// What is to be learnt of a row.
    pub target: TargetKind,
    /// Whether a picture is mirrored beyond its edges; else it is black there.
    pub reflect: bool,
    /// Most pixels, in a column or a row, that an output pixel is made of.
    pub taps: usize,
    /// Whether contrast is drawn, which takes a kernel of its own.
    pub contrast: bool,
    /// The largest value of a pixel.
    pub largest: f32,
}

impl Augment {
    fn args(&self, normalized: bool) -> Args {
        let [channels, height, width] = self.picture;
        Args {
            features: (channels * height * width) as u32,
            targets: self.target.words() as u32,
            width: width as u32,
            channels: channels as u32,
            planes: u32::from(self.row.len() == 1),
            taps: self.taps as u32,
            reflect: u32::from(self.reflect),
            normalized: u32::from(normalized),
            largest: self.largest,
        }
    }
}

impl Augment {
    /// What a row is before it is normalised, rounded to bytes, in the order of [`Augment::row`]: computed on the host, to be
    /// looked at. `data` are the bytes of the pictures in the same order, and `words` the row's box.
    ///
    /// # Panics
    /// The box has other than 12 words, or its picture is not among the bytes.
    pub fn rendered(&self, data: &[u8], words: &[u32]) -> Vec<u8> {
        twins::rendered(self.args(false), data, words)
    }
}

impl Op for Augment {
    fn name(&self) -> &'static str {
        "augment"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_, _, boxes, offset, factor] = inputs else { return Err(ShapeError::new("augment takes five inputs")) };
        let features: usize = self.picture.iter().product();
        if boxes.width() != BOX || offset != factor || offset.elements() != features {
            let what = format!("boxes {boxes} or the numbers of the normalisation {offset} do not fit");
            return Err(ShapeError::new(format!("{what} pictures of {}", Shape(self.picture.to_vec()))));
        }
        let x: Vec<usize> = std::iter::once(self.batch).chain(self.row.iter().copied()).collect();
        Ok(Outputs { outputs: vec![Made::f32("x", Shape(x)), self.target.of_batch(self.batch)], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [data, targets, boxes, offset, factor] = [0, 1, 2, 3, 4].map(|i| w.inputs[i].slot);
        let (now, [x, target]) = (rec.now(), [0, 1].map(|i| w.outputs[i].slot));
        let features: usize = self.picture.iter().product();
        let threads = self.batch * features.max(self.target.words());
        let v = if self.contrast { rec.private("v", w.outputs[0].shape.clone()).slot } else { x };
        let slots = [data, targets, boxes, offset, factor, now, v, target];
        rec.elements(&PICTURES, &self.args(!self.contrast), &slots, threads);
        if self.contrast {
            rec.dispatch(&CONTRAST, &self.args(true), &[v, boxes, offset, factor, now, x], spread(self.batch));
        }
    }
}

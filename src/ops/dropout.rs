//! Dropout over `[rows, …]`: y = x · scale where kept, 0 where dropped (also where x is NaN).
//!
//! Two rules make the expected value at inference that of training: `inverted` has scale 1/(1 − p) in training and does
//! nothing at inference; `weight_scaling` has scale 1 in training and multiplies by 1 − p at inference.
//! Nothing is saved: the gradient is the same kernel on dy, which draws the same mask again. Element e = row in the
//! batch × width + feature is dropped where word e mod 4 of Philox((e / 4, step, layer, 0), seed) < round(p · 2³²).
//! Features of images are counted in PyTorch's order: channel, row, column. Where whole channels are dropped, e = row in the
//! batch × channels + channel (Tompson et al. 2015, section 3.2; torch.nn.Dropout2d).
//! Source: Srivastava et al. 2014, section 4 and, for the inverted rule, section 10.

use crate::kernel::{Kernel, NOW, Needs, Now, Tolerance, args_of, read, write};
use crate::op::stage::{Arg, Fast, Place, Row, Scope, Seen, Stage};
use crate::op::window::not_images;
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::random::{key, philox, philox_words};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};

args! { struct ScaleArgs { width: u32, factor: f32 } }
args! {
    pub(in crate::ops) struct Args {
        pub(in crate::ops) width: u32, pub(in crate::ops) layer: u32, pub(in crate::ops) seed_low: u32,
        pub(in crate::ops) seed_high: u32, pub(in crate::ops) threshold: u32, pub(in crate::ops) scale: f32,
    }
}

static MASK: Kernel = Kernel {
    name: "dropout.mask",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shared/random.wgsl", "dropout/mask.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        mask(args_of(a), x.f32(), &now.now(), y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        fast_mask(args_of(a), x.f32(), &now.now(), y.f32_mut());
    }),
};

args! {
    struct ImageArgs {
        channels: u32, pixels: u32, per_channel: u32, layer: u32, seed_low: u32, seed_high: u32, threshold: u32, scale: f32,
    }
}

static MASK_IMAGES: Kernel = Kernel {
    name: "dropout.mask_images",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shared/random.wgsl", "dropout/mask_images.wgsl"),
    args: ImageArgs::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        mask_images(args_of(a), x.f32(), &now.now(), 0, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        let (a, now): (ImageArgs, _) = (args_of(a), now.now());
        let size = (a.channels * a.pixels) as usize;
        threads::for_chunks(&mut y.f32_mut()[..now.rows as usize * size], size, |row, y| {
            mask_images(a, &x.f32()[row * size..], &now, row, y);
        });
    }),
};

static SCALE: Kernel = Kernel {
    name: "dropout.scale",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "dropout/scale.wgsl"),
    args: ScaleArgs::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        let a: ScaleArgs = args_of(a);
        let count = (now.now().rows * a.width) as usize;
        y.f32_mut()[..count].iter_mut().zip(x.f32()).for_each(|(y, x)| *y = x * a.factor);
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&MASK, &MASK_IMAGES, &SCALE];

/// Which of training and inference is scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// Training, by 1/(1 − p).
    #[default]
    Inverted,
    /// Inference, by 1 − p.
    WeightScaling,
}

/// The operation; input x, output `out` of the same shape.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Probability to drop, in [0, 1).
    pub p: f64,
    /// Whether what is kept is scaled up.
    pub rule: Scaling,
    /// Number of the layer: each has its own random numbers.
    pub layer: u32,
    /// Seed of the run, the key of the random numbers.
    pub seed: u64,
    /// Whether channels of images are dropped as a whole.
    pub per_channel: bool,
}

impl Dropout {
    pub(in crate::ops) fn args(&self, width: usize) -> Args {
        let [seed_low, seed_high] = key(self.seed);
        Args {
            width: width as u32,
            layer: self.layer,
            seed_low,
            seed_high,
            threshold: (self.p * 2f64.powi(32)).round().min(f64::from(u32::MAX)) as u32,
            scale: if self.rule == Scaling::Inverted { (1.0 / (1.0 - self.p)) as f32 } else { 1.0 },
        }
    }

    fn record(&self, x: &Wire, y: &Wire, rec: &mut Recorder) {
        let now = rec.now();
        let args = self.args(x.shape.width());
        if x.shape.is_of_images() {
            let Args { layer, seed_low, seed_high, threshold, scale, .. } = args;
            let [channels, pixels] = [x.shape.features(), x.shape.pixels()].map(|size| size as u32);
            let per_channel = self.per_channel.into();
            let args = ImageArgs { channels, pixels, per_channel, layer, seed_low, seed_high, threshold, scale };
            return rec.elements(&MASK_IMAGES, &args, &[x.slot, now, y.slot], x.shape.elements());
        }
        rec.elements(&MASK, &args, &[x.slot, now, y.slot], x.shape.elements().div_ceil(4));
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("dropout takes one input")) };
        if self.per_channel && !x.is_of_images() {
            return Err(not_images("dropout per_channel=true", x));
        }
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        self.record(&w.inputs[0], &w.outputs[0], rec);
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(dx) = &w.d_inputs[0] {
            self.record(&w.d_outputs[0], dx, rec);
        }
    }

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let Args { layer, seed_low, seed_high, threshold, scale, .. } = self.args(inputs[0].width());
        (inputs[0].0.len() == 2).then(|| Stage {
            name: "dropout",
            scope: Scope::Element,
            parts: [
                parts!("shared/random.wgsl", "dropout/draw_quads.wgsl", "dropout/stage.wgsl"),
                parts!("shared/random.wgsl", "dropout/draw_words.wgsl", "dropout/stage.wgsl"),
            ],
            value: STAGE_VALUE,
            gradient: STAGE_GRADIENT,
            seen: Seen::Place,
            is_silent_at_zero: false,
            scale: Some(Arg::f32("scale", scale)),
            draws: true,
            learned: None,
            narrows: 1,
            pools: None,
            other: false,
            args: vec![
                Arg::u32("layer", layer),
                Arg::u32("seed_low", seed_low),
                Arg::u32("seed_high", seed_high),
                Arg::u32("threshold", threshold),
                Arg::f32("scale", scale),
            ],
            c: 0.0,
            fast: Some(Fast { value: drop_strip, gradient: |args, _, strip, place| drop_strip(args, strip, place) }),
        })
    }
}

const STAGE_VALUE: &str = "dropped({v}, at.element, args.{a}layer, vec2u(args.{a}seed_low, args.{a}seed_high), \
                           args.{a}threshold, args.{a}scale)";
const STAGE_GRADIENT: &str = "dropped({d}, at.element, args.{a}layer, vec2u(args.{a}seed_low, args.{a}seed_high), \
                              args.{a}threshold, args.{a}scale)";

/// The mask and scale on a strip, in place.
fn drop_strip(args: &[u32], strip: &mut [Row], place: Place<'_>) {
    let [layer, seed_low, seed_high, threshold, scale] = *args else { unreachable!("the stage's five arguments") };
    let (scale, key) = (f32::from_bits(scale), [seed_low, seed_high]);
    let mut words = [u32::MAX; crate::gemm::STRIP + 4];
    for (r, row) in strip.iter_mut().enumerate() {
        let first = r * place.columns + place.first;
        let skipped = first % 4;
        if threshold > 0 {
            let count = (skipped + place.width).next_multiple_of(4);
            philox_words((first / 4) as u32, place.now.step, layer, key, &mut words[..count]);
        }
        let Some(words) = words[skipped..].first_chunk() else { unreachable!("at most three words are skipped") };
        simd::run(
            #[inline(always)]
            || drop_row(row, words, threshold, scale),
        );
    }
}

/// Whole rows, of a length that the compiler sees: what lies beyond the width is not used.
#[inline(always)]
fn drop_row(row: &mut Row, words: &[u32; crate::gemm::STRIP], threshold: u32, scale: f32) {
    for (x, word) in row.iter_mut().zip(words) {
        let kept = *x * scale;
        *x = if *word < threshold { 0.0 } else { kept };
    }
}

/// What the weight-scaling rule does at inference; input x, output `out` of the same shape.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Probability with which training drops.
    pub p: f64,
}

impl Op for Scale {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("dropout takes one input")) };
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        let args = ScaleArgs { width: x.shape.width() as u32, factor: (1.0 - self.p) as f32 };
        rec.elements(&SCALE, &args, &[x.slot, now, y.slot], x.shape.elements());
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, p: f64, rows: usize, shape: [usize; 2]| {
        let op = Dropout { p, rule: Scaling::Inverted, layer: 3, seed: 0x1234_5678_9abc_def0, per_channel: false };
        Case::new(name, op, rows, vec![(shape.into(), Fill::Normal(0.0, 1.0))])
    };
    let mut extreme = case("extreme", 0.3, 11, [11, 13]).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    let mut unscaled = case("weight scaling, 33x7", 0.25, 33, [33, 7]);
    let op = Dropout { p: 0.25, rule: Scaling::WeightScaling, layer: 2, seed: 1, per_channel: false };
    unscaled.op = std::sync::Arc::new(op);
    let scaled = |name: &str, rows: usize, shape: [usize; 2], fill: Fill| {
        Case::new(name, Scale { p: 0.3 }, rows, vec![(shape.into(), fill)]).not_smooth()
    };
    let images = |name: &str, rows: usize, shape: [usize; 4], per_channel: bool| {
        let op = Dropout { p: 0.4, rule: Scaling::Inverted, layer: 3, seed: 0x9abc_def0_1234_5678, per_channel };
        Case::new(name, op, rows, vec![(shape.into(), Fill::Normal(0.0, 1.0))])
    };
    vec![
        unscaled,
        scaled("scale 127 of 129x3", 127, [129, 3], Fill::Normal(0.0, 1.0)),
        scaled("scale 129x13", 129, [129, 13], Fill::Normal(0.0, 1.0)),
        scaled("scale 16x32", 16, [16, 32], Fill::Normal(0.0, 1.0)),
        scaled("scale extreme", 5, [5, 7], Fill::Extreme),
        case("1x1", 0.5, 1, [1, 1]),
        case("p 0, 7x3", 0.0, 7, [7, 3]),
        case("p 0.1, 129x33, partial", 0.1, 128, [129, 33]),
        case("p 0.9, 64x256", 0.9, 64, [64, 256]),
        case("several chunks 131x257", 0.5, 131, [131, 257]),
        images("images 3 of 4x5x7x6", 3, [4, 5, 7, 6], false),
        images("images 2x4x4x16", 2, [2, 4, 4, 16], false),
        images("channels 7 of 8x3x5x13", 7, [8, 3, 5, 13], true),
        extreme,
        case("extreme dy", 0.3, 11, [11, 13]).extreme_up(),
    ]
}

/// Element by element in the order of memory.
pub(in crate::ops) fn mask(a: Args, x: &[f32], now: &Now, y: &mut [f32]) {
    let count = (now.rows * a.width) as usize;
    for (block, y) in y[..count].chunks_mut(4).enumerate() {
        let words = philox([block as u32, now.step, a.layer, 0], [a.seed_low, a.seed_high]);
        for (j, y) in y.iter_mut().enumerate() {
            *y = if words[j] < a.threshold { 0.0 } else { x[4 * block + j] * a.scale };
        }
    }
}

/// The rows of `now` that y has room for, from row `first` of the batch on.
fn mask_images(a: ImageArgs, x: &[f32], now: &Now, first: usize, y: &mut [f32]) {
    let (channels, pixels) = (a.channels as usize, a.pixels as usize);
    for (row, (x, y)) in x.chunks_exact(channels * pixels).zip(y.chunks_exact_mut(channels * pixels)).enumerate() {
        if first + row >= now.rows as usize {
            return;
        }
        for channel in 0..channels {
            let number = (first + row) * channels + channel;
            let word = |e: usize| philox([(e / 4) as u32, now.step, a.layer, 0], [a.seed_low, a.seed_high])[e % 4];
            for pixel in 0..pixels {
                let e = if a.per_channel != 0 { number } else { number * pixels + pixel };
                let at = pixel * channels + channel;
                y[at] = if word(e) < a.threshold { 0.0 } else { x[at] * a.scale };
            }
        }
    }
}

/// Elements of one chunk of the loop, for which words are drawn at a time.
const CHUNK: usize = 1024;

fn fast_mask(a: Args, x: &[f32], now: &Now, y: &mut [f32]) {
    let count = (now.rows * a.width) as usize;
    threads::for_chunks(&mut y[..count], CHUNK, |chunk, y| {
        let (first, mut words) = (chunk * CHUNK, [0; CHUNK]);
        let words = &mut words[..y.len()];
        philox_words((first / 4) as u32, now.step, a.layer, [a.seed_low, a.seed_high], words);
        simd::run(
            #[inline(always)]
            || {
                for ((y, x), word) in y.iter_mut().zip(&x[first..]).zip(words) {
                    *y = if *word < a.threshold { 0.0 } else { x * a.scale };
                }
            },
        );
    });
}

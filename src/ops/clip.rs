//! Clipping by the global norm: g ← g · min(1, c / ‖g‖), ‖g‖ over all gradients together.
//!
//! Each chunk is squared and added up by a group of its own; in a second kernel each group adds the chunks in their order and
//! multiplies its gradients by the factor; the padding between tensors is zero and adds nothing. Squares are added apart by
//! size, so gradients of any size have their right norm. A NaN makes all gradients NaN, an infinity makes
//! itself NaN and the others 0, as in PyTorch. Nothing is clipped in a step that changes no state: the padding stays zero.
//! Source: Pascanu, Mikolov & Bengio 2013, Algorithm 1.

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, update, write};
use crate::op::{Case, Fill, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};

args! { struct Args { count: u32, chunk: u32, chunks: u32, most: f32 } }

static SQUARES: Kernel = Kernel {
    name: "clip.squares",
    parts: parts!("shared/numbers.wgsl", "shared/norm.wgsl", "clip/args.wgsl", "clip/squares.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("gradients"), write("sums")],
    needs: Needs::Nothing,
    // Positive terms, of three roundings each.
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |a, _| args_of::<Args>(a).chunk as usize },
    twin: Some(|a, io| {
        let [gradients, mut sums] = io.take();
        squares(args_of(a), gradients.f32(), sums.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [gradients, mut sums] = io.take();
        fast_squares(args_of(a), gradients.f32(), sums.f32_mut());
    }),
};

static SCALE: Kernel = Kernel {
    name: "clip.scale",
    parts: parts!("shared/now.wgsl", "shared/numbers.wgsl", "shared/norm.wgsl", "clip/args.wgsl", "clip/scale.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("sums"), NOW, update("gradients")],
    needs: Needs::Nothing,
    // The sum over the chunks, a root, a division and two products, one of them by a power of two.
    tolerance: Tolerance { c: 8.0, size: Size::Largest, terms: |a, _| args_of::<Args>(a).chunks as usize },
    twin: Some(|a, io| {
        let [sums, now, mut gradients] = io.take();
        if now.now().halted == 0 {
            scale(args_of(a), sums.f32(), gradients.f32_mut());
        }
    }),
    fast: Some(&|a, io| {
        let [sums, now, mut gradients] = io.take();
        if now.now().halted == 0 {
            fast_scale(args_of(a), sums.f32(), gradients.f32_mut());
        }
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&SQUARES, &SCALE];

/// Gradients that a group of the second kernel scales: 64 threads, four each.
const OF_GROUP: usize = 256;

/// Elements of a chunk.
const CHUNK: usize = 4096;

/// The operation. Input: all gradients; it changes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// c, more than 0.
    pub most: f64,
}

impl Op for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_] = inputs else { return Err(ShapeError::new("clip takes the gradients")) };
        Ok(Outputs::default())
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let gradients = &w.inputs[0];
        let count = gradients.shape.elements();
        let chunks = count.div_ceil(CHUNK);
        let args = Args { count: count as u32, chunk: CHUNK as u32, chunks: chunks as u32, most: self.most as f32 };
        let sums = rec.private("sums", [chunks, 3]);
        rec.dispatch(&SQUARES, &args, &[gradients.slot, sums.slot], spread(chunks));
        let now = rec.now();
        rec.dispatch(&SCALE, &args, &[sums.slot, now, gradients.slot], spread(count.div_ceil(OF_GROUP)));
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, count: usize, deviation: f32, most: f64| {
        Case::new(name, Clip { most }, 1, vec![([count].into(), Fill::Normal(0.0, deviation))]).not_smooth()
    };
    let words = |name: &str, values: Vec<f32>| {
        let fill = Fill::Words(values.iter().map(|v| v.to_bits()).collect());
        Case::new(name, Clip { most: 1.0 }, 1, vec![([values.len()].into(), fill)]).not_smooth()
    };
    let extreme = Fill::Extreme;
    vec![
        // One that is clipped would be the bound itself, whatever it was.
        case("1, below", 1, 3.0, 100.0),
        case("2", 2, 3.0, 0.5),
        case("257, below", 257, 1e-3, 1.0),
        case("4097, one past a chunk", 4097, 1.0, 1.0),
        case("300001, many chunks", 300_001, 1.0, 2.5),
        case("259, squares that overflow", 259, 1e20, 1.0),
        case("259, large and a large bound", 259, 1e20, 1e19),
        case("65, norm that overflows", 65, 1e38, 1.0),
        case("259, squares that vanish", 259, 1e-25, 1e-26),
        words("sizes mixed", vec![3e20, 1.0, -2e-15, 4e12, 0.0, -1e12]),
        words("zeros", vec![0.0; 67]),
        Case::new("extreme", Clip { most: 1.0 }, 1, vec![([259].into(), extreme)]).not_smooth(),
        words("one NaN", vec![1.0, f32::NAN, -2.0, 1e30]),
        words("one infinity", vec![1.0, f32::INFINITY, -2.0]),
    ]
}

/// 2⁶⁴, by which what is small is multiplied before it is squared.
const GROW: f64 = 18_446_744_073_709_551_616.0;

/// 2⁸⁰, by which what is large is divided.
const SHRINK: f64 = 65_536.0 * GROW;

/// 2⁴⁰, above which it is large.
const LARGE: f64 = 1_099_511_627_776.0;

/// Sums of squares by size: of magnitudes under 2⁻³², times 2⁶⁴; of the others; of those over 2⁴⁰, times 2⁻⁸⁰ (Blue 1978,
/// "A portable Fortran program to find the Euclidean norm of a vector"). NaN is among the others.
fn sizes(values: &[f32]) -> [f32; 3] {
    const SMALL: f64 = 1.0 / 4_294_967_296.0;
    let mut sums = [0.0; 3];
    for value in values.iter().map(|v| f64::from(*v)) {
        match value.abs() {
            size if size < SMALL => sums[0] += (value * GROW).powi(2),
            size if size > LARGE => sums[2] += (value / SHRINK).powi(2),
            _ => sums[1] += value * value,
        }
    }
    sums.map(|sum| sum as f32)
}

fn squares(a: Args, gradients: &[f32], sums: &mut [f32]) {
    for (gradients, sums) in gradients.chunks(a.chunk as usize).zip(sums.chunks_mut(3)) {
        sums.copy_from_slice(&sizes(gradients));
    }
}

fn fast_squares(a: Args, gradients: &[f32], sums: &mut [f32]) {
    let size = a.chunk as usize;
    threads::for_pieces(sums, 3, size.div_ceil(3), |chunk, sums: &mut [f32]| {
        let first = chunk * size;
        sums.copy_from_slice(&sizes(&gradients[first..gradients.len().min(first + size)]));
    });
}

/// ‖g‖, and whether some gradients are large.
fn norm(sums: &[f32]) -> (f64, bool) {
    let mut all = [0.0; 3];
    sums.chunks(3).for_each(|chunk| (0..3).for_each(|i| all[i] += f64::from(chunk[i])));
    ((all[0] / GROW / GROW + all[1] + all[2] * SHRINK * SHRINK).sqrt(), all[2] > 0.0)
}

fn scale(a: Args, sums: &[f32], gradients: &mut [f32]) {
    let ((norm, _), most) = (norm(sums), f64::from(a.most));
    let factor = if norm <= most { 1.0 } else { most / norm };
    gradients.iter_mut().for_each(|g| *g = (f64::from(*g) * factor) as f32);
}

fn fast_scale(a: Args, sums: &[f32], gradients: &mut [f32]) {
    let [first, second] = factors(a, sums);
    threads::for_chunks(gradients, CHUNK, |_, g| {
        simd::run(
            #[inline(always)]
            || g.iter_mut().for_each(|g| *g = *g * first * second),
        );
    });
}

/// Two factors, to be multiplied one after the other: the norm of large gradients may be more than float32 holds. Where
/// `most` is large too, their ratio is no small number and one factor does: the product with the first of two might overflow.
fn factors(a: Args, sums: &[f32]) -> [f32; 2] {
    let ((norm, is_large), most) = (norm(sums), f64::from(a.most));
    let scale = if is_large && most < LARGE { 1.0 / SHRINK } else { 1.0 };
    if norm <= most {
        [1.0, 1.0]
    } else {
        [(most / (norm * scale)) as f32, if norm.is_nan() { 1.0 } else { scale as f32 }]
    }
}

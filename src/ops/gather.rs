//! Gather of a batch out of the data set on the device, normalised on the way.
//!
//! `x[r, f] = (data[row, f] − offset[f]) · factor[f]` and `target[r, t] = targets[row, t]`, with `row = order[start + r]`.
//! The data lie as they came in: bytes, four in a word, or floats; row-major `[rows, features]`. Targets are words, copied
//! to the bit: the number of a class, or floats.

use crate::kernel::{Binding, Io, Kernel, NOW, Needs, Part, Scalar, Tolerance, WRITE_CURRENT, args_of, read, write};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};
use bytemuck::{Pod, cast_slice};
use std::sync::Arc;

args! { struct Args { features: u32, targets: u32 } }

/// Two roundings, of a difference that the driver may fuse with the product.
const TOLERANCE: Tolerance = Tolerance::element(4.0);

const PLAIN: &[Binding] = &[
    read("data"),
    read("targets").u32(),
    read("order").u32(),
    read("offset"),
    read("factor"),
    NOW,
    write("x"),
    write("batch_target").u32(),
];

static FLOATS: Kernel = Kernel {
    name: "gather.floats",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "gather/floats.wgsl", "gather/batch.wgsl"),
    args: Args::FIELDS,
    bindings: PLAIN,
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: Some(|a, io| plain(args_of(a), io, batch::<f32>)),
    fast: Some(&|a, io| plain(args_of(a), io, fast_batch::<f32>)),
};

static BYTES: Kernel = Kernel {
    name: "gather.bytes",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "gather/bytes.wgsl", "gather/batch.wgsl"),
    bindings: &[PLAIN[0].u32(), PLAIN[1], PLAIN[2], PLAIN[3], PLAIN[4], PLAIN[5], PLAIN[6], PLAIN[7]],
    twin: Some(|a, io| plain(args_of(a), io, batch::<u8>)),
    fast: Some(&|a, io| plain(args_of(a), io, fast_batch::<u8>)),
    ..FLOATS
};

args! { struct BeginArgs { features: u32, targets: u32, offset: u32, factor: u32 } }

const BEGIN: &[Binding] = &[
    read("data"),
    read("targets").u32(),
    read("order").u32(),
    read("affine"),
    NOW,
    write("x"),
    write("batch_target").u32(),
    WRITE_CURRENT,
];

/// The same with data of integers.
const BEGIN_BYTES: &[Binding] =
    &[read("data").u32(), BEGIN[1], BEGIN[2], BEGIN[3], BEGIN[4], BEGIN[5], BEGIN[6], BEGIN[7]];

const fn first_kernel(name: &'static str, parts: &'static [Part], bytes: bool, needs: Needs) -> Kernel {
    Kernel {
        name,
        parts,
        args: BeginArgs::FIELDS,
        bindings: if bytes { BEGIN_BYTES } else { BEGIN },
        needs,
        tolerance: TOLERANCE,
        twin: Some(if bytes {
            |a, io| begin(args_of(a), io, batch::<u8>)
        } else {
            |a, io| begin(args_of(a), io, batch::<f32>)
        }),
        fast: Some(if bytes {
            &|a, io| begin(args_of(a), io, fast_batch::<u8>)
        } else {
            &|a, io| begin(args_of(a), io, fast_batch::<f32>)
        }),
    }
}

macro_rules! first {
    ($name:literal, $quads:literal, $data:literal, $bytes:literal, $needs:expr) => {
        first_kernel(
            concat!("gather.", $name),
            parts!(
                "shared/now.wgsl",
                "shared/index.wgsl",
                $quads,
                $data,
                "gather/begin_quads.wgsl",
                "gather/begin.wgsl"
            ),
            $bytes,
            $needs,
        )
    };
}

static BYTES_FIRST: [Kernel; 2] = [
    first!("bytes_first", "shared/quads.wgsl", "gather/four_bytes.wgsl", true, Needs::Nothing),
    first!("bytes_first_u64", "shared/quads_u64.wgsl", "gather/four_bytes.wgsl", true, Needs::SubgroupsOf8),
];

static FLOATS_FIRST: [Kernel; 2] = [
    first!("floats_first", "shared/quads.wgsl", "gather/four_floats.wgsl", false, Needs::Nothing),
    first!("floats_first_u64", "shared/quads_u64.wgsl", "gather/four_floats.wgsl", false, Needs::SubgroupsOf8),
];

/// Of rows whose features are no multiple of four.
static BYTES_FIRST_WORDS: Kernel = first_kernel(
    "gather.bytes_first_words",
    parts!("shared/now.wgsl", "shared/index.wgsl", "gather/bytes.wgsl", "gather/begin_words.wgsl", "gather/begin.wgsl"),
    true,
    Needs::Nothing,
);
static FLOATS_FIRST_WORDS: Kernel = first_kernel(
    "gather.floats_first_words",
    parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "gather/floats.wgsl",
        "gather/begin_words.wgsl",
        "gather/begin.wgsl"
    ),
    false,
    Needs::Nothing,
);

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[
    &BYTES,
    &FLOATS,
    &BYTES_FIRST[0],
    &BYTES_FIRST[1],
    &FLOATS_FIRST[0],
    &FLOATS_FIRST[1],
    &BYTES_FIRST_WORDS,
    &FLOATS_FIRST_WORDS,
];

/// What is to be learnt of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// The number of its class.
    Class,
    /// So many floats: 0 or 1 for each label, or the numbers of a regression.
    Numbers(usize),
}

impl TargetKind {
    /// Words of one row.
    pub fn words(self) -> usize {
        match self {
            Self::Class => 1,
            Self::Numbers(count) => count,
        }
    }

    /// Type of the target's words.
    pub fn scalar(self) -> Scalar {
        match self {
            Self::Class => Scalar::U32,
            Self::Numbers(_) => Scalar::F32,
        }
    }

    /// The target of a batch.
    pub(super) fn of_batch(self, batch: usize) -> Made {
        match self {
            Self::Class => Made::u32("target", [batch]),
            Self::Numbers(count) => Made::f32("target", [batch, count]),
        }
    }
}

/// The operation. Inputs: data (words), targets `[all rows, …]`, order `[all rows]`, offset and factor `[features]`.
/// Outputs: x `[batch, …row]`, and the target: `[batch]`, or `[batch, numbers]`.
#[derive(Clone, Debug)]
pub struct Gather {
    /// Whether the data are bytes.
    pub bytes: bool,
    /// Capacity of the batch.
    pub batch: usize,
    /// Shape of one row.
    pub row: Vec<usize>,
    /// What is to be learnt of it.
    pub target: TargetKind,
}

impl Gather {
    fn features(&self) -> usize {
        self.row.iter().product()
    }
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_, _, _, offset, factor] = inputs else { return Err(ShapeError::new("gather takes five inputs")) };
        if offset != factor || offset.elements() != self.features() {
            let (row, what) = (Shape(self.row.clone()), "the numbers of the normalisation");
            return Err(ShapeError::new(format!("{what} {offset} do not fit rows of {row}")));
        }
        let x: Vec<usize> = std::iter::once(self.batch).chain(self.row.iter().copied()).collect();
        Ok(Outputs { outputs: vec![Made::f32("x", Shape(x)), self.target.of_batch(self.batch)], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [data, targets, order, offset, factor] = &w.inputs[..] else { unreachable!("five inputs") };
        let slots = [data, targets, order, offset, factor].map(|wire| wire.slot);
        let now = rec.now();
        let all = [slots.as_slice(), &[now, w.outputs[0].slot, w.outputs[1].slot]].concat();
        let kernel = if self.bytes { &BYTES } else { &FLOATS };
        let (features, targets) = (self.features(), self.target.words());
        let args = Args { features: features as u32, targets: targets as u32 };
        rec.elements(kernel, &args, &all, self.batch * features.max(targets));
    }

    fn with_begin(&self) -> Option<Arc<dyn Op>> {
        Some(Arc::new(Begin(self.clone())))
    }
}

/// The gather as the first kernel of a step, which also makes the next step the current one; see
/// [`Last`](super::step::Last).
#[derive(Clone, Debug)]
pub struct Begin(pub Gather);

impl Op for Begin {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        self.0.shapes(inputs)
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [data, targets, order, offset, factor] = [0, 1, 2, 3, 4].map(|i| w.inputs[i].slot);
        let affine = rec.together(&[offset, factor]);
        let [next, now] = rec.begin_step();
        let aligned = self.0.features().is_multiple_of(4);
        let kernel = match (aligned, self.0.bytes) {
            (true, bytes) => rec.best(if bytes { &BYTES_FIRST } else { &FLOATS_FIRST }),
            (false, true) => &BYTES_FIRST_WORDS,
            (false, false) => &FLOATS_FIRST_WORDS,
        };
        let pieces = if aligned { self.0.features() / 4 } else { self.0.features() };
        let (features, targets_of_row) = (self.0.features(), self.0.target.words());
        let [offset, factor] = [offset, factor].map(|slot| rec.offset(slot));
        let args = BeginArgs { features: features as u32, targets: targets_of_row as u32, offset, factor };
        let slots = [data, targets, order, affine, next, w.outputs[0].slot, w.outputs[1].slot, now];
        // On a CPU, few threads with many rows each are faster: a thread reads offset and factor once for all its rows.
        let rows_of_thread = if rec.target.offers(Needs::SubgroupsOf8) { 8 } else { 1 };
        rec.elements(kernel, &args, &slots, self.0.batch.div_ceil(rows_of_thread) * pieces);
    }
}

/// Rows of data `[all rows, …row]` in batches of so many, of which the last has `rows`.
fn case(
    name: &str,
    bytes: bool,
    (all, batch, rows): (usize, usize, usize),
    row: Vec<usize>,
    target: TargetKind,
) -> Case {
    let features: usize = row.iter().product();
    let (words, data) =
        if bytes { ((all * features).div_ceil(4), Fill::Bytes) } else { (all * features, Fill::Normal(3.0, 2.0)) };
    let targets = match target {
        TargetKind::Class => ([all].into(), Fill::Below(10)),
        TargetKind::Numbers(count) => ([all, count].into(), Fill::Extreme),
    };
    let inputs = vec![
        ([words].into(), data),
        targets,
        ([all].into(), Fill::Order),
        ([features].into(), Fill::Normal(1.0, 1.0)),
        ([features].into(), Fill::Normal(0.0, 0.1)),
    ];
    Case::new(name, Gather { bytes, batch, row, target }, rows, inputs).not_smooth().start(all - rows)
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let first = |plain: Case, bytes: bool, batch: usize, row: Vec<usize>, target: TargetKind| {
        let op = Arc::new(Begin(Gather { bytes, batch, row, target }));
        Case { op, name: format!("{}, first", plain.name), ..plain }
    };
    let (class, numbers) = (TargetKind::Class, TargetKind::Numbers(5));
    let begins = [
        first(case("bytes 13 of 29x8", true, (29, 13, 13), vec![8], class), true, 13, vec![8], class),
        first(
            case("floats 31 of 40x1x4x5", false, (40, 33, 31), vec![1, 4, 5], class),
            false,
            33,
            vec![1, 4, 5],
            class,
        ),
        first(case("bytes 13 of 29x7", true, (29, 13, 13), vec![7], class), true, 13, vec![7], class),
        first(case("floats 3 of 5x3", false, (5, 4, 3), vec![3], numbers), false, 4, vec![3], numbers),
        first(case("numbers 41x4", false, (41, 32, 31), vec![4], numbers), false, 32, vec![4], numbers),
        first(case("numbers 300x4", false, (300, 200, 190), vec![4], numbers), false, 200, vec![4], numbers),
        first(case("floats 64 of 100x160", false, (100, 64, 64), vec![160], class), false, 64, vec![160], class),
        first(case("floats 70 of 100x161", false, (100, 71, 70), vec![161], class), false, 71, vec![161], class),
        first(case("bytes 70 of 100x161", true, (100, 71, 70), vec![161], class), true, 71, vec![161], class),
        first(case("bytes 64 of 100x160", true, (100, 64, 64), vec![160], class), true, 64, vec![160], class),
    ];
    let mut extreme = case("floats, extreme", false, (50, 20, 20), vec![5], TargetKind::Class);
    extreme.inputs[0].1 = Fill::Extreme;
    let plain = vec![
        extreme,
        case("bytes 1 of 1x1", true, (1, 1, 1), vec![1], TargetKind::Class),
        case("bytes 13 of 29x7", true, (29, 13, 13), vec![7], TargetKind::Class),
        case("bytes images, partial", true, (40, 33, 31), vec![1, 5, 3], TargetKind::Class),
        case("floats 64 of 100x17", false, (100, 64, 64), vec![17], TargetKind::Class),
        case("floats, partial", false, (50, 20, 3), vec![5], TargetKind::Class),
        case("bytes 64 of 100x40", true, (100, 64, 64), vec![40], TargetKind::Class),
        case("floats 64 of 100x16", false, (100, 64, 64), vec![16], TargetKind::Class),
        case("floats, more numbers than features", false, (41, 32, 31), vec![2], TargetKind::Numbers(5)),
        case("one number each", false, (37, 11, 9), vec![4], TargetKind::Numbers(1)),
        case("more numbers than features", true, (41, 32, 31), vec![2], TargetKind::Numbers(5)),
    ];
    plain.into_iter().chain(begins).collect()
}

/// Writes the normalised rows of a batch: of data, by their numbers, with offset and factor.
type Batch<T> = fn(&[T], &[u32], [&[f32]; 2], &mut [f32]);

fn plain<T: Pod>(a: Args, io: &mut Io<'_>, batch: Batch<T>) {
    let [data, targets, order, offset, factor, now, mut x, mut target] = io.take();
    let rows = &order.u32()[now.now().start as usize..][..now.now().rows as usize];
    pick(targets.u32(), rows, a.targets as usize, target.u32_mut());
    batch(
        cast_slice(data.u32()),
        rows,
        [offset.f32(), factor.f32()].map(|row| &row[..a.features as usize]),
        x.f32_mut(),
    );
}

fn begin<T: Pod>(a: BeginArgs, io: &mut Io<'_>, batch: Batch<T>) {
    let [data, targets, order, affine, now, mut x, mut target, mut current] = io.take();
    let step = now.now();
    let rows = &order.u32()[step.start as usize..][..step.rows as usize];
    pick(targets.u32(), rows, a.targets as usize, target.u32_mut());
    let affine = [a.offset, a.factor].map(|first| &affine.f32()[first as usize..][..a.features as usize]);
    batch(cast_slice(data.u32()), rows, affine, x.f32_mut());
    current.set_now(&step);
}

fn pick(targets: &[u32], rows: &[u32], words: usize, target: &mut [u32]) {
    for (target, &row) in target.chunks_mut(words).zip(rows) {
        target.copy_from_slice(&targets[row as usize * words..][..words]);
    }
}

fn batch<T: Copy + Into<f64>>(data: &[T], rows: &[u32], [offset, factor]: [&[f32]; 2], x: &mut [f32]) {
    let features = offset.len();
    for (r, &row) in rows.iter().enumerate() {
        for f in 0..features {
            let value: f64 = data[row as usize * features + f].into();
            x[r * features + f] = ((value - f64::from(offset[f])) * f64::from(factor[f])) as f32;
        }
    }
}

fn fast_batch<T: Copy + Sync + Into<f32>>(data: &[T], rows: &[u32], [offset, factor]: [&[f32]; 2], x: &mut [f32]) {
    let features = offset.len();
    threads::for_chunks(&mut x[..rows.len() * features], features, |r, x| {
        let data = &data[rows[r] as usize * features..][..features];
        simd::run(
            #[inline(always)]
            || {
                for (((x, &value), offset), factor) in x.iter_mut().zip(data).zip(offset).zip(factor) {
                    *x = (value.into() - offset) * factor;
                }
            },
        );
    });
}

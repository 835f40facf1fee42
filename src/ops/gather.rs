//! Gather of a batch out of the data set on the device, normalised on the way.
//!
//! `x[r, f] = (data[row, f] − offset[f]) · factor[f]` and `labels[r] = targets[row]`, with `row = order[start + r]`. The
//! data lie as they came in: bytes, four in a word, or floats; row-major `[rows, features]`.

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, threads};

args! { struct Args { features: u32 } }

/// Two roundings, of a difference that the driver may fuse with the product.
const TOLERANCE: Tolerance = Tolerance::element(4.0);

static BYTES: Kernel = Kernel {
    name: "gather.bytes",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "gather/bytes.wgsl", "gather/batch.wgsl"),
    args: Args::FIELDS,
    bindings: &[
        read("data").u32(),
        read("targets").u32(),
        read("order").u32(),
        read("offset"),
        read("factor"),
        NOW,
        write("x"),
        write("labels").u32(),
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: |a, io| {
        let [data, targets, order, offset, factor, now, mut x, mut labels] = io.take();
        let rows = &order.u32()[now.now().start as usize..][..now.now().rows as usize];
        pick_labels(targets.u32(), rows, labels.u32_mut());
        batch(args_of(a), |i| f32::from(data.bytes()[i]), rows, (offset.f32(), factor.f32()), x.f32_mut());
    },
    fast: None,
};

static FLOATS: Kernel = Kernel {
    name: "gather.floats",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "gather/floats.wgsl", "gather/batch.wgsl"),
    args: Args::FIELDS,
    bindings: &[
        read("data"),
        read("targets").u32(),
        read("order").u32(),
        read("offset"),
        read("factor"),
        NOW,
        write("x"),
        write("labels").u32(),
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: |a, io| {
        let [data, targets, order, offset, factor, now, mut x, mut labels] = io.take();
        let rows = &order.u32()[now.now().start as usize..][..now.now().rows as usize];
        pick_labels(targets.u32(), rows, labels.u32_mut());
        batch(args_of(a), |i| data.f32()[i], rows, (offset.f32(), factor.f32()), x.f32_mut());
    },
    fast: None,
};

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[&BYTES, &FLOATS];

/// The operation. Inputs: data (words), targets `[all rows]`, order `[all rows]`, offset and factor `[features]`.
/// Outputs: x `[batch, …row]` and labels `[batch]`.
#[derive(Clone, Debug)]
pub struct Gather {
    /// Whether the data are bytes.
    pub bytes: bool,
    /// Capacity of the batch.
    pub batch: usize,
    /// Shape of one row.
    pub row: Vec<usize>,
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
        Ok(Outputs { outputs: vec![Made::f32("x", Shape(x)), Made::u32("labels", [self.batch])], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [data, targets, order, offset, factor] = &w.inputs[..] else { unreachable!("five inputs") };
        let slots = [data, targets, order, offset, factor].map(|wire| wire.slot);
        let now = rec.now();
        let all = [slots.as_slice(), &[now, w.outputs[0].slot, w.outputs[1].slot]].concat();
        let kernel = if self.bytes { &BYTES } else { &FLOATS };
        rec.elements(kernel, &Args { features: self.features() as u32 }, &all, self.batch * self.features());
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, bytes: bool, (all, batch, rows): (usize, usize, usize), row: Vec<usize>| {
        let features: usize = row.iter().product();
        let (words, data) =
            if bytes { ((all * features).div_ceil(4), Fill::Bytes) } else { (all * features, Fill::Normal(3.0, 2.0)) };
        let inputs = vec![
            ([words].into(), data),
            ([all].into(), Fill::Below(10)),
            ([all].into(), Fill::Order),
            ([features].into(), Fill::Normal(1.0, 1.0)),
            ([features].into(), Fill::Normal(0.0, 0.1)),
        ];
        Case::new(name, Gather { bytes, batch, row }, rows, inputs).not_smooth().start(all - rows)
    };
    vec![
        case("bytes 1 of 1x1", true, (1, 1, 1), vec![1]),
        case("bytes 13 of 29x7", true, (29, 13, 13), vec![7]),
        case("bytes images, partial", true, (40, 33, 31), vec![1, 5, 3]),
        case("floats 64 of 100x17", false, (100, 64, 64), vec![17]),
        case("floats, partial", false, (50, 20, 3), vec![5]),
    ]
}

fn pick_labels(targets: &[u32], rows: &[u32], labels: &mut [u32]) {
    for (label, &row) in labels.iter_mut().zip(rows) {
        *label = targets[row as usize];
    }
}

fn batch(
    a: Args,
    value: impl Fn(usize) -> f32 + Sync,
    rows: &[u32],
    (offset, factor): (&[f32], &[f32]),
    x: &mut [f32],
) {
    let features = a.features as usize;
    threads::for_chunks(&mut x[..rows.len() * features], features, |r, x| {
        let first = rows[r] as usize * features;
        for f in 0..features {
            x[f] = (value(first + f) - offset[f]) * factor[f];
        }
    });
}

//! Cases of blocks, derived from the operations that declare stages.

use super::chain::Chain;
use super::{Bias, Block, BlockGradient};
use crate::op::stage::Link;
use crate::op::{Case, Fill, Op, Plain, Recorder, Target, Wire, Wires};
use crate::ops::activation::{self, Activation};
use crate::ops::add::{Accumulate, Add};
use crate::ops::batch_norm::{BatchNorm, Statistics};
use crate::ops::dropout::Dropout;
use crate::ops::maxout::Maxout;
use crate::ops::prelu::Prelu;
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::sync::Arc;

const EPS: f64 = 1e-5;

pub(super) fn batch_norm() -> Arc<dyn Op> {
    Arc::new(BatchNorm { eps: EPS, momentum: 0.1, statistics: Statistics::Batch })
}

fn dropout(p: f64) -> Arc<dyn Op> {
    Arc::new(Dropout { p, rule: Default::default(), layer: 3, seed: 0x1234_5678_9abc_def0, per_channel: false })
}

pub(super) fn relu() -> Arc<dyn Op> {
    Arc::new(Activation::RELU)
}

/// The operations as stages behind a product of so many outputs; learned weights are one for each of them, or one for all.
fn chain(ops: &[Arc<dyn Op>], n: usize, is_shared: bool) -> Arc<Chain> {
    let vector = Shape(vec![n]);
    let learned = if is_shared { Shape(vec![1]) } else { vector.clone() };
    let x = Shape(vec![2, n]);
    let inputs = |op: &Arc<dyn Op>| match op.name() {
        "prelu" => vec![x.clone(), learned.clone()],
        _ => vec![x.clone(), vector.clone(), vector.clone(), vector.clone(), vector.clone()],
    };
    let link = |op: &Arc<dyn Op>| op.stage(&inputs(op)).map(|stage| Link { op: Arc::clone(op), stage });
    let links = ops.iter().filter_map(link).collect();
    Arc::new(Chain::new(links).unwrap_or_else(|why| panic!("{why}")))
}

/// The block of these operations behind a product of so many outputs.
///
/// # Panics
/// They do not make a block.
pub fn of_ops(ops: &[Arc<dyn Op>], n: usize, bias: bool) -> Block {
    Block { chain: chain(ops, n, false), product: Some(Bias(bias)) }
}

/// Sizes of a case: rows of the step and of the batch, inputs and outputs.
type Sizes = [usize; 4];

/// Value and gradient of a block: the gradient is given what the twins of the value left.
fn both(name: &str, ops: &[Arc<dyn Op>], bias: bool, sizes: Sizes, fill: Fill) -> Vec<Case> {
    of_chain(name, chain(ops, sizes[3], false), bias, sizes, fill)
}

fn of_chain(name: &str, chain: Arc<Chain>, bias: bool, sizes: Sizes, fill: Fill) -> Vec<Case> {
    of_root(name, chain, Some(Bias(bias)), sizes, fill)
}

/// The same of a block that is given what the product gave, and the gradient by h.
fn given(name: &str, ops: &[Arc<dyn Op>], sizes: Sizes, fill: Fill) -> Vec<Case> {
    of_root(name, chain(ops, sizes[3], false), None, sizes, fill)
}

/// Deviation of numbers at which functions show their relative errors.
const SMALL: f32 = 1e-4;

/// Numbers that a stage may be given, each with neighbours that are none of them: NaN in every place among four, and infinities.
pub(super) const ODD: [f32; 6] = [f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// Normal values, with odd ones at the beginning of every fifth row, from one on.
pub(super) fn strewn(
    shape: Shape,
    (mean, deviation): (f32, f32),
    index: u32,
    first: usize,
    odd: &[f32],
) -> (Shape, Fill) {
    let mut words = Fill::Normal(mean, deviation).words(&shape, index);
    let rows = words.chunks_mut(shape.elements() / shape.rows()).skip(first).step_by(5);
    rows.zip(odd.iter().cycle()).for_each(|(row, odd)| row[0] = odd.to_bits());
    (shape, Fill::Words(words))
}

fn of_root(name: &str, chain: Arc<Chain>, product: Option<Bias>, [rows, batch, k, n]: Sizes, fill: Fill) -> Vec<Case> {
    // Small numbers are all small, but what is normalised.
    let (small, is_normalised) = (matches!(fill, Fill::Normal(_, SMALL)), chain.column.is_some());
    let normal = |shape: &[usize], mean| {
        (Shape(shape.to_vec()), if small { Fill::Normal(0.0, SMALL) } else { Fill::Normal(mean, 1.0) })
    };
    // What batch norm is given is NaN in whole columns, or in none where nothing stands before it. Its factor is odd too.
    let odd = matches!(fill, Fill::Extreme);
    let fill = if (odd || small) && is_normalised { Fill::Normal(0.2, 1.0) } else { fill };
    let weight = || match odd && chain.column != Some(0) {
        true => strewn(Shape(vec![n, k]), (0.0, 0.3), 1, 0, if chain.column.is_some() { &ODD[..4] } else { &ODD }),
        false => (Shape(vec![n, k]), Fill::Normal(0.0, 1.0 / (k as f32).sqrt())),
    };
    let mut inputs = match product {
        None => vec![(Shape(vec![batch, n]), fill)],
        Some(_) => vec![(Shape(vec![batch, k]), fill), weight()],
    };
    inputs.extend((product == Some(Bias(true))).then(|| normal(&[n], 0.5)));
    let first = inputs.len();
    if chain.column.is_some() {
        let scale = if odd { strewn(Shape(vec![n]), (1.0, 1.0), 2, 2, &ODD) } else { normal(&[n], 1.0) };
        inputs.extend([scale, normal(&[n], 0.1)]);
    }
    let other = chain.takes_other().then(|| normal(&[batch, n], 0.3));
    let learned = chain.learned().map(|(_, learned)| normal(&[if learned.total.is_some() { 1 } else { n }], 0.4));
    inputs.extend(learned.clone());
    inputs.extend(other.clone());
    let block = Block { chain: Arc::clone(&chain), product };
    let stages = chain.name();
    let forward = Case::new(format!("{stages}, {name}"), block.clone(), rows, inputs).not_smooth();
    let left = values(&forward, &block);
    let gradient = BlockGradient { chain: Arc::clone(&chain), given: product.is_none() };
    let words = |shape: &[usize], name: &str| (Shape(shape.to_vec()), Fill::Words(left[name].clone()));
    // The next layer's outputs are odd in number, and more than a group takes at once where there are many rows.
    let next = if batch > 100 { 21 } else { 7 };
    let mut inputs = match product {
        None => vec![normal(&[batch, n / chain.narrows()], 0.0)],
        Some(_) => vec![normal(&[batch, next], 0.0), normal(&[next, n / chain.narrows()], 0.0)],
    };
    inputs.extend(chain.keeps_product().then(|| match product {
        None => own_words(&forward, 0),
        Some(_) => words(&[batch, n], "product"),
    }));
    inputs.extend(gradient.takes_output().then(|| words(&[batch, n], "h")));
    if chain.column.is_some() {
        let variances = Fill::Words((0..n).map(|f| (0.5 + 0.1 * f as f32).to_bits()).collect());
        let state = [normal(&[n], 0.0), (Shape(vec![n]), variances)];
        // γ and β with the numbers that the value had.
        let own = |i: usize| own_words(&forward, first + i);
        inputs.extend([words(&[3, n], "saved"), own(0)]);
        inputs.extend(gradient.takes_shift().then(|| own(1)));
        inputs.extend(state);
    }
    inputs.extend(learned.map(|_| own_words(&forward, first + 2 * usize::from(chain.column.is_some()))));
    inputs.extend(other);
    let backward = Case::new(format!("{stages}, backward, {name}"), gradient, rows, inputs).not_smooth();
    vec![forward, backward]
}

/// The gradient of an operation that has no value of its own.
fn gradient_alone(name: &str, op: Arc<dyn Op>, [rows, batch, n]: [usize; 3]) -> Option<Case> {
    let x = Shape(vec![batch, n]);
    let chain = Arc::new(Chain::of_one(op, &[x.clone(), x.clone()])?);
    let normal = |shape: Shape| (shape, Fill::Normal(0.0, 1.0));
    let next = if batch > 100 { 21 } else { 7 };
    let inputs = vec![normal([batch, next].into()), normal([next, n].into()), normal(x)];
    let name = format!("{}, backward, {name}", chain.name());
    Some(Case::new(name, BlockGradient { chain, given: false }, rows, inputs).not_smooth())
}

/// An input of the value with the numbers that it had there.
pub(super) fn own_words(forward: &Case, i: usize) -> (Shape, Fill) {
    let (shape, fill) = &forward.inputs[i];
    (shape.clone(), Fill::Words(fill.words(shape, i as u32)))
}

/// What the twins of a block leave, by name.
pub(super) fn values(case: &Case, block: &Block) -> BTreeMap<&'static str, Vec<u32>> {
    let shapes: Vec<Shape> = case.inputs.iter().map(|(shape, _)| shape.clone()).collect();
    let made = block.shapes(&shapes).unwrap_or_else(|fault| panic!("{fault}"));
    let mut rec = Recorder::new(Target { fuse: true, ..Target::CPU });
    let mut add = |shape: &Shape| {
        let slot = crate::op::Slot {
            name: format!("case.{}", rec.slots.len()),
            shape: shape.clone(),
            scalar: crate::kernel::Scalar::F32,
            class: crate::op::Class::Activations,
            public: true,
            within: None,
        };
        Wire { slot: rec.slot(slot), shape: shape.clone() }
    };
    let mut wires = Wires { inputs: shapes.iter().map(&mut add).collect(), ..Wires::default() };
    wires.outputs = made.outputs.iter().map(|made| add(&made.shape)).collect();
    wires.saved = made.saved.iter().map(|made| add(&made.shape)).collect();
    block.forward(&wires, &mut rec);
    let Some(dispatch) = rec.dispatches.pop() else { unreachable!("a block is one dispatch") };
    let mut memory: Vec<Vec<u32>> = rec.slots.iter().map(|slot| vec![0; slot.words()]).collect();
    memory[0][2] = case.rows as u32;
    memory[0][4] = 5;
    for (i, ((shape, fill), wire)) in case.inputs.iter().zip(&wires.inputs).enumerate() {
        let words = fill.words(shape, i as u32);
        write(&mut memory, &rec, wire, &words);
    }
    let plain: &Plain = dispatch.plain.as_deref().unwrap_or_else(|| unreachable!("a block has a plain form"));
    let mut bound: Vec<Vec<u32>> =
        dispatch.slots.iter().map(|slot| std::mem::take(&mut memory[slot.0 as usize])).collect();
    let mut io = crate::kernel::Io::default();
    for (place, (words, binding)) in bound.iter_mut().zip(dispatch.kernel.bindings).enumerate() {
        let writes = crate::op::writes(binding.access);
        io.bind(place, if writes { crate::kernel::Tensor::Write(words) } else { crate::kernel::Tensor::Read(words) });
    }
    plain.run(&mut io);
    let read = |wire: &Wire| {
        let (slot, offset) = rec.slots[wire.slot.0 as usize].within.unwrap_or((wire.slot, 0));
        let at = dispatch.slots.iter().position(|bound| *bound == slot).unwrap_or_else(|| unreachable!("it is bound"));
        bound[at][offset..][..wire.shape.elements()].to_vec()
    };
    let names = made.outputs.iter().chain(&made.saved).map(|made| made.name);
    names.zip(wires.outputs.iter().chain(&wires.saved)).map(|(name, wire)| (name, read(wire))).collect()
}

fn write(memory: &mut [Vec<u32>], rec: &Recorder, wire: &Wire, words: &[u32]) {
    let (slot, offset) = rec.slots[wire.slot.0 as usize].within.unwrap_or((wire.slot, 0));
    memory[slot.0 as usize][offset..][..words.len()].copy_from_slice(words);
}

/// Value and gradient of operations behind a product whose widths are multiples of four: several groups, the last of which is
/// not full, several rounds of rows and of the sum; odd numbers, and small ones.
fn by_fours(ops: &[Arc<dyn Op>], bias: bool) -> Vec<Case> {
    let mut all = both("198 of 205x20x36", ops, bias, [198, 205, 20, 36], Fill::Normal(0.2, 1.0));
    all.extend(both("extreme, 19 of 21x4x28", ops, bias, [19, 21, 4, 28], Fill::Extreme));
    all.extend(both("small, 9x4x28", ops, bias, [9, 9, 4, 28], Fill::Normal(0.0, SMALL)));
    all
}

/// Widths of which the last of a row are one, two and three of four.
const ANY: [usize; 3] = [45, 14, 27];

/// The same of other widths.
fn by_words(ops: &[Arc<dyn Op>], bias: bool, [wide, middle, narrow]: [usize; 3]) -> Vec<Case> {
    let of = |name: &str, [rows, batch, k, n]: Sizes, fill: Fill| {
        both(&format!("words, {name}{rows} of {batch}x{k}x{n}"), ops, bias, [rows, batch, k, n], fill)
    };
    let mut all = of("", [199, 206, 22, wide], Fill::Normal(0.2, 1.0));
    all.extend(of("", [18, 20, 7, middle], Fill::Normal(0.2, 1.0)));
    all.extend(of("extreme, ", [19, 21, 5, narrow], Fill::Extreme));
    all.extend(of("small, ", [9, 10, 5, narrow], Fill::Normal(0.0, SMALL)));
    all
}

/// The same of what is given.
fn by_given(ops: &[Arc<dyn Op>], widths: &[usize]) -> Vec<Case> {
    let of = |n: usize| {
        let words = if n.is_multiple_of(4) { "" } else { "words, " };
        let mut all = given(&format!("given, {words}133 of 140x{n}"), ops, [133, 140, 0, n], Fill::Normal(0.2, 1.0));
        all.extend(given(&format!("given, {words}extreme, 9 of 11x{n}"), ops, [9, 11, 0, n], Fill::Extreme));
        all.extend(given(&format!("given, {words}small, 9x{n}"), ops, [9, 9, 0, n], Fill::Normal(0.0, SMALL)));
        all
    };
    widths.iter().flat_map(|&n| of(n)).collect()
}

/// Every function with batch norm before it and dropout behind, every function alone at odd widths, and sequences of ReLU.
pub(super) fn derived() -> Vec<Case> {
    let normal = || Fill::Normal(0.2, 1.0);
    let mut all = vec![];
    for function in activation::functions() {
        let op: Arc<dyn Op> = Arc::new(Activation::new(function, function.parameter.map_or(0.0, |(_, p)| 1.3 * p)));
        let joined = [batch_norm(), Arc::clone(&op), dropout(0.3)];
        all.extend(by_fours(&joined, true));
        let alone = [op];
        all.extend(by_words(&alone, true, ANY));
        all.extend(by_given(&alone, &[36, 41, 26, 27]));
        for n in [28, 27] {
            let words = if n == 28 { "" } else { "words, " };
            // Where series give way to the exponential, of x and of 2 x, their last terms count.
            for x in [-0.47, -0.235] {
                let fill = Fill::Normal(x, 0.005);
                all.extend(given(&format!("given, {words}{x}, 9x{n}"), &alone, [9, 9, 0, n], fill));
            }
        }
    }
    let block = [batch_norm(), relu(), dropout(0.5)];
    for (name, sizes) in [
        // Of two rows x̂ is ±1 whatever z is, and the gradient cancels to what eps leaves of it.
        ("3x4x4", [3, 3, 4, 4]),
        ("128x36x32", [128, 128, 36, 32]),
        ("several tiles, 260 of 300x68x132", [260, 300, 68, 132]),
        ("words, 33 of 40x3x250", [33, 40, 3, 250]),
        ("words, 131 of 140x67x130", [131, 140, 67, 130]),
    ] {
        all.extend(both(name, &block, true, sizes, normal()));
    }
    let sequences: [&[Arc<dyn Op>]; 7] = [
        &block,
        &[batch_norm()],
        &[batch_norm(), relu()],
        &[relu(), dropout(0.4)],
        &[dropout(0.4)],
        &[tanh(), dropout(0.4)],
        &[relu(), batch_norm(), dropout(0.2)],
    ];
    for ops in sequences {
        all.extend(by_fours(ops, false));
        all.extend(by_words(ops, true, ANY));
    }
    all.extend(learned_and_narrow());
    all.extend(sums());
    // Of its gradient all would be NaN.
    all.extend(both("extreme x", &block, true, [19, 19, 12, 8], normal()).into_iter().take(1).map(|mut case| {
        case.inputs[0].1 = Fill::Extreme;
        case
    }));
    let mut extreme_dy = both("extreme dy", &block, true, [19, 19, 12, 8], normal());
    extreme_dy[1].inputs[0].1 = Fill::Extreme;
    all.extend(extreme_dy);
    all.extend(both("mostly zeros, 65 of 70x140x1032", &block, true, [65, 70, 140, 1032], Fill::MostlyZero));
    all
}

/// Stages that learn weights, and that make rows narrower, behind a product and behind what it gave.
fn learned_and_narrow() -> Vec<Case> {
    let mut all = vec![];
    let maxout = |pieces: usize| Arc::new(Maxout { pieces }) as Arc<dyn Op>;
    let prelu = || Arc::new(Prelu) as Arc<dyn Op>;
    let wider: [&[Arc<dyn Op>]; 5] = [
        &[batch_norm(), prelu(), dropout(0.4)],
        &[prelu()],
        &[batch_norm(), maxout(2), dropout(0.4)],
        &[maxout(4), tanh()],
        &[dropout(0.3), maxout(2)],
    ];
    for ops in &wider[..] {
        all.extend(by_fours(ops, true));
        // Maxout takes multiples of as many as it makes one.
        let narrows = ops.iter().map(|op| chain(&[Arc::clone(op)], 44, false).narrows()).max();
        all.extend(by_words(
            ops,
            false,
            match narrows {
                Some(4) => [44, 12, 28],
                Some(2) => [46, 14, 26],
                _ => ANY,
            },
        ));
    }
    for ops in [wider[1], &[maxout(2)], &[maxout(4)]] {
        all.extend(by_given(ops, &[36]));
    }
    let block = [batch_norm(), relu(), dropout(0.5)];
    for ops in [wider[0], wider[2], &block, &[relu(), dropout(0.4)], &[tanh(), maxout(4)]] {
        all.extend(by_given(ops, &[44, 36]));
    }
    all.extend(by_given(&block, &[9, 43]));
    let shared = |bias: bool, sizes: Sizes, fill: Fill, name: &str| {
        of_chain(name, chain(&[batch_norm(), prelu()], sizes[3], true), bias, sizes, fill)
    };
    all.extend(shared(true, [198, 205, 20, 36], Fill::Normal(0.2, 1.0), "198 of 205x20x36"));
    all.extend(shared(true, [19, 21, 4, 28], Fill::Extreme, "extreme, 19 of 21x4x28"));
    all
}

/// Another tensor added to a product, forward and of gradients.
fn sums() -> Vec<Case> {
    let mut all = vec![];
    let add = || Arc::new(Add { whole: false }) as Arc<dyn Op>;
    let accumulate = || Arc::new(Accumulate) as Arc<dyn Op>;
    // Its gradient is no kernel's.
    let of_add = [by_fours(&[add()], true), by_words(&[add()], false, ANY)].concat();
    all.extend(of_add.into_iter().step_by(2));
    all.extend(gradient_alone("37 of 41x44", accumulate(), [37, 41, 44]));
    all.extend(gradient_alone("131 of 140x36", accumulate(), [131, 140, 36]));
    all.extend(gradient_alone("words, 131 of 140x9", accumulate(), [131, 140, 9]));
    all.extend(gradient_alone("words, 18 of 21x43", accumulate(), [18, 21, 43]));
    all
}

pub(super) fn tanh() -> Arc<dyn Op> {
    Arc::new(Activation::named("tanh", None).unwrap_or(Activation::RELU))
}

//! Cases of stages over pixels: one pixel, odd sizes, windows that do not divide, several parts and groups of columns.

use super::super::cases::{ODD, batch_norm, own_words, relu, strewn, tanh, values};
use super::super::{Block, BlockGradient, Chain};
use crate::op::stage::Link;
use crate::op::window::Window;
use crate::op::{Case, Fill, Op};
use crate::ops::activation::{self, Activation};
use crate::ops::max_pool::MaxPool;
use crate::shape::Shape;
use std::sync::Arc;

/// The operations as stages that are given images.
fn chain(ops: &[Arc<dyn Op>], images: [usize; 4]) -> Arc<Chain> {
    let [images, column] = [Shape(images.to_vec()), Shape(vec![images[3]])];
    let inputs = [images, column.clone(), column.clone(), column.clone(), column];
    let link = |op: &Arc<dyn Op>| op.stage(&inputs).map(|stage| Link { op: Arc::clone(op), stage });
    let links: Vec<Link> = ops.iter().filter_map(link).collect();
    assert_eq!(links.len(), ops.len(), "each is a stage");
    Arc::new(Chain::new(links).unwrap_or_else(|why| panic!("{why}")))
}

fn pool(kernel: usize) -> Arc<dyn Op> {
    Arc::new(MaxPool { window: Window::tiles(kernel) })
}

/// Value and gradient: the gradient is given what the twins of the value left.
fn both(name: &str, ops: &[Arc<dyn Op>], rows: usize, images: [usize; 4], fill: Fill) -> Vec<Case> {
    let chain = chain(ops, images);
    let (stages, n) = (chain.name(), images[3]);
    let normal = |shape: &[usize], mean| (Shape(shape.to_vec()), Fill::Normal(mean, 1.0));
    let odd = matches!(fill, Fill::Extreme);
    let (columns, z) = (chain.column().is_some(), Shape(images.to_vec()));
    // What batch norm is given would be NaN in whole columns; its factor is odd instead.
    let mut inputs = vec![(z.clone(), if odd && columns { Fill::Normal(0.2, 1.0) } else { fill })];
    if columns {
        let scale = if odd { strewn(Shape(vec![n]), (1.0, 1.0), 2, 2, &ODD) } else { normal(&[n], 1.0) };
        inputs.extend([scale, normal(&[n], 0.1)]);
    }
    let block = Block { chain: Arc::clone(&chain), product: None };
    let of = |step: &str| format!("{stages}, over images, {step}{name}");
    let forward = Case::new(of(""), block.clone(), rows, inputs).not_smooth();
    let left = values(&forward, &block);
    let words = |shape: Shape, name: &str| (shape, Fill::Words(left[name].clone()));
    let h = chain.over_images(&z);
    let gradient = BlockGradient { chain: Arc::clone(&chain), given: true };
    // Other numbers than those of z: of its own x̂ batch norm's gradient is 0, but for rounding.
    let mut inputs = vec![(h.clone(), Fill::Words(Fill::Normal(0.0, 1.0).words(&h, 9)))];
    inputs.extend(gradient.takes_product().then(|| own_words(&forward, 0)));
    inputs.extend(gradient.takes_output().then(|| words(h, "h")));
    if columns {
        let variances = Fill::Words((0..n).map(|f| (0.5 + 0.1 * f as f32).to_bits()).collect());
        inputs.extend([words([3, n].into(), "saved"), own_words(&forward, 1)]);
        inputs.extend(gradient.takes_shift().then(|| own_words(&forward, 2)));
        inputs.extend([normal(&[n], 0.0), ([n].into(), variances)]);
    }
    vec![forward, Case::new(of("backward, "), gradient, rows, inputs).not_smooth()]
}

/// Of images whose channels are a multiple of four, and not; of several parts, the last of which is not full; odd numbers.
fn sizes(ops: &[Arc<dyn Op>]) -> Vec<Case> {
    let normal = || Fill::Normal(0.2, 1.0);
    let mut all = both("5 of 6x9x7x36", ops, 5, [6, 9, 7, 36], normal());
    all.extend(both("extreme, 2 of 3x5x6x12", ops, 2, [3, 5, 6, 12], Fill::Extreme));
    all.extend(both("words, 3 of 4x7x8x13", ops, 3, [4, 7, 8, 13], normal()));
    all.extend(both("words, extreme, 2 of 3x6x5x6", ops, 2, [3, 6, 5, 6], Fill::Extreme));
    all
}

pub fn cases() -> Vec<Case> {
    let normal = || Fill::Normal(0.2, 1.0);
    let mut all = vec![];
    for function in activation::functions() {
        let op: Arc<dyn Op> = Arc::new(Activation::new(function, function.parameter.map_or(0.0, |(_, p)| 1.3 * p)));
        all.extend(both("5 of 6x9x7x36", &[batch_norm(), op], 5, [6, 9, 7, 36], normal()));
    }
    let sequences: [&[Arc<dyn Op>]; 8] = [
        &[batch_norm()],
        &[batch_norm(), relu()],
        &[batch_norm(), tanh(), relu()],
        &[batch_norm(), relu(), pool(2)],
        &[batch_norm(), pool(3)],
        &[relu(), pool(2)],
        &[tanh(), pool(3)],
        &[relu(), tanh()],
    ];
    sequences.iter().for_each(|ops| all.extend(sizes(ops)));
    let block = [batch_norm(), relu(), pool(2)];
    for (name, rows, images) in [
        ("2 of 2x2x2x1", 2, [2, 2, 2, 1]),
        ("several parts, 7 of 9x17x18x68", 7, [9, 17, 18, 68]),
        ("several groups of columns, 3 of 4x5x4x517", 3, [4, 5, 4, 517]),
        ("several groups of columns, 3 of 4x4x5x520", 3, [4, 4, 5, 520]),
    ] {
        // The mean of a single column is compared with itself, and must not be near 0.
        let fill = || if images[3] == 1 { Fill::Normal(2.0, 1.0) } else { normal() };
        all.extend(both(name, &block, rows, images, fill()));
        all.extend(both(name, &block[..2], rows, images, fill()));
    }
    all
}

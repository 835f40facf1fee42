//! Cases with more turns of a loop than some drivers do: sums over the rows of a batch, over pixels and over columns. Mesa's
//! software driver ends loops after 65,535 turns (see [`crate::op::turns`]), and another may do so elsewhere.

use crate::op::{Case, Fill};
use crate::ops::batch_norm::{BatchNorm, Statistics};
use crate::ops::cross_entropy::CrossEntropy;
use crate::ops::matmul::{Job, Matmul, WeightGradients};
use crate::shape::Shape;

/// Each with the name of its operation. Those just below Mesa's limit run there too.
pub fn cases() -> Vec<(&'static str, Case)> {
    let product = |rows: usize, k: usize, n: usize| {
        let tensor = |shape: [usize; 2]| (shape.into(), Fill::Normal(0.1, 1.0));
        let inputs = vec![tensor([rows, k]), tensor([n, k]), ([n].into(), Fill::Normal(0.5, 1.0))];
        Case::new(format!("long, {rows}x{k}x{n}"), Matmul { relu: false }, rows, inputs).not_smooth()
    };
    let weights = |rows: usize| {
        let inputs = vec![([rows, 2].into(), Fill::Normal(0.2, 1.0)), ([rows, 4].into(), Fill::Normal(0.2, 1.0))];
        Case::new(
            format!("long, jobs, {rows} rows"),
            WeightGradients { jobs: vec![Job { weight: true, bias: true }] },
            rows,
            inputs,
        )
        .not_smooth()
    };
    let classes = |classes: usize| {
        let labels = ([2].into(), Fill::Below(classes as u32));
        let weights = Fill::Words(vec![1f32.to_bits(); classes]);
        let inputs = vec![([2, classes].into(), Fill::Normal(0.0, 2.0)), labels, ([classes].into(), weights)];
        Case::new(format!("long, {classes} classes"), CrossEntropy { label_smoothing: 0.1 }, 2, inputs).not_smooth()
    };
    vec![
        ("matmul", product(65_500, 2, 3)),
        ("matmul", product(70_000, 2, 3)),
        ("matmul", product(2, 280_000, 3)),
        ("matmul", weights(65_400)),
        ("matmul", weights(70_000)),
        ("cross_entropy", classes(21_800)),
        ("cross_entropy", classes(24_000)),
        ("batch_norm", normalized(2_000_000)),
        ("batch_norm", normalized(4_300_000)),
    ]
}

/// Batch norm over two pictures of one channel, which a group adds up by 64 lanes.
fn normalized(pixels: usize) -> Case {
    let one = |value: f32| ([1].into(), Fill::Words(vec![value.to_bits()]));
    let x = (Shape(vec![2, pixels / 2, 1]), Fill::Normal(1.0, 2.0));
    let op = BatchNorm { eps: 1e-5, momentum: 0.1, statistics: Statistics::Batch };
    let inputs = vec![x, one(1.5), one(0.5), one(0.0), one(1.0)];
    Case::new(format!("long, {pixels} pixels"), op, 2, inputs).not_smooth()
}

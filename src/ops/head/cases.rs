//! Cases of heads, derived from the losses that declare what they do to a row.

use super::Head;
use crate::kernel::Kernel;
use crate::op::{Case, Fill, LossKind, Op, Values};
use crate::ops::binary_cross_entropy::BinaryCrossEntropy;
use crate::ops::block::joined_kernels;
use crate::ops::cross_entropy::CrossEntropy;
use crate::ops::huber::Huber;
use crate::ops::mse::Mse;
use crate::ops::one_hot::{ONE_HOT_BINARY_CROSS_ENTROPY, ONE_HOT_MSE};
use std::sync::{Arc, OnceLock};

/// The losses, with the name and fill of their targets.
fn losses() -> [(&'static str, Arc<dyn Op>); 7] {
    let of = |kind: &LossKind| (kind.op)(&Values::defaults(kind.settings), 0.0);
    [
        ("", Arc::new(CrossEntropy { label_smoothing: 0.0 })),
        ("smoothed, ", Arc::new(CrossEntropy { label_smoothing: 0.1 })),
        ("mse, ", Arc::new(Mse)),
        ("huber, ", Arc::new(Huber { delta: 0.7 })),
        ("binary, ", Arc::new(BinaryCrossEntropy)),
        ("one-hot, ", of(&ONE_HOT_MSE)),
        ("one-hot binary, ", of(&ONE_HOT_BINARY_CROSS_ENTROPY)),
    ]
}

fn head(loss: &Arc<dyn Op>, layer: Option<bool>) -> Head {
    let row = loss.row_loss().unwrap_or_else(|| unreachable!("each of these losses has a row form"));
    Head { loss: Arc::clone(loss), row, layer }
}

/// Targets, class weights if the loss takes them, and metrics.
fn tail(head: &Head, batch: usize, outputs: usize) -> Vec<(crate::shape::Shape, Fill)> {
    let is_binary = !head.row.takes_class && head.row.takes_weights;
    let zeros_and_ones = || Fill::Words((0..batch * outputs).map(|i| ((i * 7 % 3) as f32 / 2.0).to_bits()).collect());
    let target = match (head.row.takes_class, is_binary) {
        (true, _) => ([batch].into(), Fill::Below(outputs as u32)),
        (_, true) => ([batch, outputs].into(), zeros_and_ones()),
        (_, false) => ([batch, outputs].into(), Fill::Normal(0.5, 2.0)),
    };
    let classes = if head.row.takes_class { outputs } else { 2 };
    let weights = Fill::Words((0..classes).map(|class| (0.5 + 0.25 * class as f32).to_bits()).collect());
    let lines = || ([3].into(), Fill::Words(vec![0; 3]));
    let weights = head.row.takes_weights.then(|| ([classes].into(), weights));
    [target].into_iter().chain(weights).chain([lines(), lines()]).collect()
}

fn given(name: String, loss: &Arc<dyn Op>, rows: usize, [batch, outputs]: [usize; 2], fill: Fill) -> Case {
    let head = head(loss, None);
    let inputs = [vec![([batch, outputs].into(), fill)], tail(&head, batch, outputs)].concat();
    Case::new(name, head, rows, inputs).not_smooth()
}

/// Deviation of outputs at which losses show their relative errors, and the terms of series count.
const SMALL: f32 = 0.05;

fn linear(
    name: String,
    loss: &Arc<dyn Op>,
    bias: bool,
    rows: usize,
    [batch, k, outputs]: [usize; 3],
    fill: Fill,
) -> Case {
    let head = head(loss, Some(bias));
    // Of small inputs the outputs are small too.
    let bias_fill = if matches!(fill, Fill::Normal(_, SMALL)) { fill.clone() } else { Fill::Normal(0.0, 1.0) };
    let mut layer = vec![([batch, k].into(), fill), ([outputs, k].into(), Fill::Normal(0.0, 0.3))];
    layer.extend(bias.then(|| ([outputs].into(), bias_fill)));
    let inputs = [layer, tail(&head, batch, outputs)].concat();
    Case::new(name, head, rows, inputs).not_smooth()
}

/// As [`Fill::Extreme`], without large numbers: errors of large logits are larger than what a softmax makes of them.
fn odd(count: usize) -> Fill {
    let words = Fill::Extreme.words(&[count].into(), 0);
    let limited = words.into_iter().map(|word| if f32::from_bits(word).abs() == 1e4 { 0 } else { word });
    Fill::Words(limited.collect())
}

/// Inputs for the checks: every loss with and without the layer, at odd widths, and at extreme values.
pub fn cases() -> Vec<Case> {
    let [normal, half, small] = [2.0, 0.5, SMALL].map(|deviation| move || Fill::Normal(0.0, deviation));
    let mut all = vec![];
    for (name, loss) in &losses() {
        let named = |what: &str| format!("{name}{what}");
        all.extend([
            given(named("1x2"), loss, 1, [1, 2], normal()),
            given(named("301 of 307x7"), loss, 301, [307, 7], normal()),
            given(named("scaled, 31x7"), loss, 31, [31, 7], normal()).exponent(16),
            given(named("extreme"), loss, 45, [48, 6], Fill::Extreme),
            linear(named("linear 1x4 to 2"), loss, true, 1, [1, 4, 2], normal()),
            linear(named("linear 128x128 to 10"), loss, true, 128, [128, 128, 10], half()),
            linear(named("linear, words, no bias, 301 of 307x21 to 7"), loss, false, 301, [307, 21, 7], normal()),
            linear(named("linear, scaled 31x8 to 5"), loss, true, 31, [31, 8, 5], half()).exponent(16),
            linear(named("linear, 200 of 203x20 to 11"), loss, true, 200, [203, 20, 11], half()),
            linear(named("linear, no bias, 200 of 203x12 to 9"), loss, false, 200, [203, 12, 9], normal()),
            linear(named("linear, words, 200 of 203x9 to 4"), loss, true, 200, [203, 9, 4], normal()),
            linear(named("linear, words, 37 of 40x22 to 11"), loss, true, 37, [40, 22, 11], normal()),
            linear(named("linear, words, no bias, 61 of 64x23 to 11"), loss, false, 61, [64, 23, 11], normal()),
            given(named("small 3x2"), loss, 3, [3, 2], small()),
            linear(named("linear, small 3x4 to 2"), loss, true, 3, [3, 4, 2], small()),
            linear(named("linear, no bias, small 3x4 to 2"), loss, false, 3, [3, 4, 2], small()),
            linear(named("linear, words, small 3x5 to 2"), loss, true, 3, [3, 5, 2], small()),
            linear(named("linear, words, no bias, small 3x5 to 2"), loss, false, 3, [3, 5, 2], small()),
            linear(named("linear, extreme"), loss, true, 45, [48, 4, 6], odd(48 * 4)),
            linear(named("linear, words, no bias, extreme"), loss, false, 45, [48, 5, 6], odd(48 * 5)),
        ]);
    }
    let number = &losses()[2].1;
    // More work than one group takes.
    for (name, loss) in [&losses()[0], &losses()[3]] {
        all.push(linear(format!("{name}linear 61 of 64x2052 to 10"), loss, true, 61, [64, 2052, 10], half()));
        all.push(linear(format!("{name}linear, no bias, 130x1030 to 9"), loss, false, 130, [130, 1030, 9], half()));
        all.push(
            linear(format!("{name}linear, scaled, 31 of 33x2052 to 20"), loss, true, 31, [33, 2052, 20], half())
                .exponent(9),
        );
    }
    all.push(linear("mse, linear 37 of 40x12 to 1".into(), number, true, 37, [40, 12, 1], normal()));
    all
}

/// The kernels of the cases, of every family.
pub fn kernels() -> Vec<&'static Kernel> {
    static KERNELS: OnceLock<Vec<&'static Kernel>> = OnceLock::new();
    KERNELS.get_or_init(|| joined_kernels(&cases(), "head.")).clone()
}

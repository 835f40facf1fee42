//! Stages: what an operation does to values that the kernel of another one holds, so that the two can be one kernel.
//!
//! A root is an operation whose kernel others can be joined to, such as the matrix product. A stage follows it: the bias'
//! activation, dropout, batch norm. An operation declares its stage in its own file ([`Op::stage`](super::Op::stage)); the pass
//! that joins (`graph/join`) follows values and knows no operation by name.

use super::Op;
use crate::gemm::STRIP;
use crate::kernel::{Now, Part, Scalar, Size, Tolerance};
use ndarray::ArrayView2;
use std::sync::Arc;

/// One row of a strip: the columns that the CPU path works on together.
pub type Row = [f32; STRIP];

/// How much of a tensor a stage must have seen before it can give one of its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    /// Nothing but the element itself.
    Element,
    /// All rows of its column. Such a stage normalises: it has two weights for each column (a factor and what is added), keeps
    /// mean, 1/√(variance + eps) and variance of each column for its gradient, and moves two vectors of state.
    Column {
        /// Added to the variance.
        eps: f32,
        /// Share by which the state moves to the batch's statistics.
        momentum: f32,
    },
}

/// What a stage's gradient is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// What the stage gave for the element.
    Output,
    /// What the stage was given for the element.
    Input,
    /// The place of the element alone: a dropout mask, which is drawn again. The gradient is the value's function.
    Place,
}

/// An argument of a stage, as its field in the joined kernel's arguments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arg {
    /// Name, behind the stage's own prefix.
    pub name: &'static str,
    /// How its bits are read: `F32` or `U32`.
    pub scalar: Scalar,
    /// The 32 bits of its value.
    pub bits: u32,
}

impl Arg {
    /// An argument that is a float.
    pub fn f32(name: &'static str, value: f32) -> Self {
        Self { name, scalar: Scalar::F32, bits: value.to_bits() }
    }

    /// An argument that is an unsigned integer.
    pub fn u32(name: &'static str, value: u32) -> Self {
        Self { name, scalar: Scalar::U32, bits: value }
    }
}

/// Where a strip of columns lies in its tensor.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The first column of the tensor that it holds.
    pub first: usize,
    /// Its columns. A row has room for more; what lies there is not used.
    pub width: usize,
    /// Columns of the whole tensor.
    pub columns: usize,
    /// The weights that the stage learns, one for each column; 0 where it learns none.
    pub weights: &'a Row,
    /// The strip's part of the stage's second tensor, `[rows, width]`; empty where it has none.
    pub other: ArrayView2<'a, f32>,
    /// The training step: rows of the batch, and the counter of random numbers.
    pub now: Now,
}

impl Place<'_> {
    /// The place of the tensor in which `times` neighbouring columns became one.
    #[must_use]
    pub fn narrowed(self, times: usize) -> Self {
        Self { first: self.first / times, width: self.width / times, columns: self.columns / times, ..self }
    }
}

/// The stage on the CPU path, for all rows of a strip. The place is that of its input.
#[derive(Clone, Copy, Debug)]
pub struct Fast {
    /// Replaces values by what the stage makes of them. Takes the bits of the arguments in their order.
    pub value: fn(&[u32], &mut [Row], Place<'_>),
    /// Replaces gradients by its output by those by its input, from what [`Seen`] says, `[rows, width]`.
    pub gradient: fn(&[u32], ArrayView2<'_, f32>, &mut [Row], Place<'_>),
}

/// Weights that a stage learns: one for each column, or one for all columns. It is the stage's second input.
#[derive(Clone, Debug)]
pub struct Learned {
    /// WGSL of what one element adds to the gradient by its column's weight, with `{d}` and `{s}` as in [`Stage::gradient`].
    pub gradient: &'static str,
    /// The CPU path's form: adds what the rows of a strip add, from what [`Seen`] says and the gradients by the output.
    pub fast: fn(ArrayView2<'_, f32>, &[Row], &mut Row),
    /// Where one weight serves all columns, what makes its gradient of the columns' sums.
    pub total: Option<Total>,
}

/// How a single weight's gradient is made of the sums of the columns.
#[derive(Clone, Debug)]
pub struct Total {
    /// The stage's operation with the sums of the columns, `[n]`, in place of the gradient by its weight.
    pub by_column: Arc<dyn Op>,
    /// Adds them up. Input: the sums `[n]`; output: the gradient `[1]`.
    pub sum: Arc<dyn Op>,
}

/// What an operation does to an element, or a column, of its first input.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its part of a joined kernel's name.
    pub name: &'static str,
    /// What it must have seen.
    pub scope: Scope,
    /// WGSL functions on four neighbouring features, where the features of a row are a multiple of four, and where not.
    pub parts: [&'static [Part]; 2],
    /// WGSL of the value: `{v}` is what it is given, `{w}` the weights that it learns, `{a}` the prefix of its arguments;
    /// `at.element` is the place of the first of the four in the tensor.
    pub value: &'static str,
    /// WGSL of the gradient: `{d}` is the gradient by the output, and `{s}` what [`Seen`] says.
    pub gradient: &'static str,
    /// What the gradient is taken from.
    pub seen: Seen,
    /// Whether its gradient is 0 wherever its output is 0, and depends on no more than the output's sign. Then what a dropout
    /// behind it left says enough, and no mask need be drawn again.
    pub is_silent_at_zero: bool,
    /// By what it multiplies what it lets through, where it only lets through or drops.
    pub scale: Option<Arg>,
    /// Whether it draws random numbers.
    pub draws: bool,
    /// The weights that it learns.
    pub learned: Option<Learned>,
    /// How many neighbouring columns become one: 1 where the width stays. The four values of a thread become the first of
    /// its result, and the gradient is given and gives them in the same way.
    pub narrows: usize,
    /// Pixels along each side of the windows of which it takes the largest, where windows touch each other and have no border.
    /// Such a stage is the last, and has no WGSL of its own.
    pub pools: Option<usize>,
    /// Whether it takes the same element of another tensor, its second input, of its first input's shape: `{o}` in the WGSL.
    pub other: bool,
    /// Its arguments, in the order in which the kernel has them.
    pub args: Vec<Arg>,
    /// How far its kernels may be from their twins, in the units of [`Tolerance::c`].
    pub c: f64,
    /// The CPU path's form; none for a stage of columns.
    pub fast: Option<Fast>,
}

/// An operation and its stage.
#[derive(Clone, Debug)]
pub struct Link {
    /// The operation, whose plain kernels judge.
    pub op: Arc<dyn Op>,
    /// What it does in a joined kernel.
    pub stage: Stage,
}

impl Link {
    /// The place of the scale among the arguments, for a stage that only scales and drops.
    pub fn scale_place(&self) -> Option<usize> {
        let scale = self.stage.scale?;
        self.stage.args.iter().position(|arg| arg.name == scale.name)
    }
}

impl Stage {
    /// A stage that joined kernels know by what it declares, without WGSL of its own: of columns, or one that pools.
    pub(crate) fn without_text(name: &'static str) -> Self {
        Self {
            name,
            scope: Scope::Element,
            parts: [&[], &[]],
            value: "",
            gradient: "",
            seen: Seen::Input,
            is_silent_at_zero: false,
            scale: None,
            draws: false,
            learned: None,
            narrows: 1,
            pools: None,
            other: false,
            args: vec![],
            c: 16.0,
            fast: None,
        }
    }

    /// Whether it must have seen whole columns.
    pub fn is_of_columns(&self) -> bool {
        matches!(self.scope, Scope::Column { .. })
    }

    /// How many of its inputs are weights whose gradients it gives.
    pub fn weights(&self) -> usize {
        if self.is_of_columns() { 2 } else { usize::from(self.learned.is_some()) }
    }
}

/// Errors of a joined kernel are measured against the largest of a row of its tensors.
pub const fn joined_tolerance(c: f64, terms: fn(&[u8], usize) -> usize) -> Tolerance {
    Tolerance { c, size: Size::LargestOfRow, terms }
}

/// What a loss does to the outputs of one row, where one kernel sees all rows: loss, right answers and gradient together.
#[derive(Clone, Debug)]
pub struct RowLoss {
    /// As in the joined kernel's name.
    pub name: &'static str,
    /// WGSL with `judged(row)`, which reads `output(i)`, `labels` or `target_values`, and `class_weights` if the loss has them,
    /// and writes `d_outputs`.
    pub parts: &'static [Part],
    /// Its arguments beside the number of outputs, which is `args.outputs`.
    pub args: Vec<Arg>,
    /// Whether the target of a row is the number of its class, else a number for each output.
    pub takes_class: bool,
    /// Whether it takes class weights.
    pub takes_weights: bool,
    /// How far the kernel may be from the twins, in the units of [`Tolerance::c`].
    pub c: f64,
    /// The CPU path's form: replaces the outputs of a row by their gradient, and gives loss and right answers. Takes the bits of
    /// the arguments, the words of the row's target, the class weights and the step.
    pub fast: RowFn,
}

/// The type of [`RowLoss::fast`].
pub type RowFn = fn(&[u32], &mut [f32], &[u32], &[f32], &Now) -> (f32, u32);

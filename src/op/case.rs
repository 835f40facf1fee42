//! Cases: the inputs with which every check runs an operation.

use super::Op;
use crate::kernel::Scalar;
use crate::random::{Domain, Stream};
use crate::shape::Shape;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal};
use std::sync::Arc;

/// What an input holds.
#[derive(Clone, Debug)]
pub enum Fill {
    /// Normal values of this mean and deviation.
    Normal(f32, f32),
    /// Normal values moved away from 0 by this much: no difference steps over a kink there.
    AwayFrom0(f32),
    /// Normal values whose first column is the constant, as a dead input would be.
    ConstantColumn(f32),
    /// Normal values with NaN, both infinities, both zeros and ±1e4 strewn in.
    Extreme,
    /// As ReLU and dropout leave values: three of four are zero, the others positive.
    MostlyZero,
    /// Integers below a number.
    Below(u32),
    /// The integers from 0, in shuffled order.
    Order,
    /// Words of any bytes.
    Bytes,
    /// Just these words, as many as the input has.
    Words(Vec<u32>),
}

impl Fill {
    /// What the words are.
    pub fn scalar(&self) -> Scalar {
        match self {
            Self::Normal(..) | Self::AwayFrom0(_) | Self::ConstantColumn(_) | Self::Extreme | Self::MostlyZero => {
                Scalar::F32
            }
            Self::Below(_) | Self::Order | Self::Bytes | Self::Words(_) => Scalar::U32,
        }
    }

    /// The words of input number `index` of a shape.
    pub fn words(&self, shape: &Shape, index: u32) -> Vec<u32> {
        let mut stream = Stream::new(7, Domain::Check, index);
        let count = shape.elements();
        let width = shape.0.last().copied().unwrap_or(1).max(1);
        let mut normal = |mean: f32, deviation: f32| {
            let distribution = Normal::new(mean, deviation).unwrap_or_else(|_| panic!("deviation {deviation}"));
            (0..count).map(|_| distribution.sample(&mut stream)).collect::<Vec<f32>>()
        };
        match self {
            Self::Normal(mean, deviation) => bits(&normal(*mean, *deviation)),
            Self::AwayFrom0(gap) => {
                let mut values = normal(0.0, 1.0);
                values.iter_mut().for_each(|v| *v += gap.copysign(*v));
                bits(&values)
            }
            Self::ConstantColumn(value) => {
                let mut values = normal(0.0, 1.0);
                values.iter_mut().step_by(width).for_each(|v| *v = *value);
                bits(&values)
            }
            Self::Extreme => {
                let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e4, -1e4];
                let mut values = normal(0.0, 1.0);
                values.iter_mut().step_by(5).enumerate().for_each(|(i, v)| *v = odd[i % odd.len()]);
                bits(&values)
            }
            Self::MostlyZero => {
                let mut values = normal(0.0, 1.0);
                values.iter_mut().enumerate().for_each(|(i, v)| *v = if i * i % 11 < 3 { v.abs() } else { 0.0 });
                bits(&values)
            }
            Self::Below(limit) => (0..count).map(|_| stream.random_range(0..*limit)).collect(),
            Self::Order => {
                let mut order: Vec<u32> = (0..count as u32).collect();
                rand::seq::SliceRandom::shuffle(&mut order[..], &mut stream);
                order
            }
            Self::Bytes => (0..count).map(|_| stream.next_u32()).collect(),
            Self::Words(words) => words.clone(),
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// One set of inputs for one operation.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique among the operation's cases; says what is special.
    pub name: String,
    /// The operation with its settings.
    pub op: Arc<dyn Op>,
    /// Its inputs. The first size of each is the batch's capacity where the input has one.
    pub inputs: Vec<(Shape, Fill)>,
    /// The gradient by each output, where it is one of floats.
    pub up: Fill,
    /// Rows of the batch.
    pub rows: usize,
    /// Where the batch begins in the table of row numbers, for the operation that looks there.
    pub start: usize,
    /// Line of the step table that is at work: 0 in the first step of a run.
    pub index: u32,
    /// Whether value and gradient are smooth enough for finite differences.
    pub smooth: bool,
    /// Groups that products should have (see [`super::Target::groups_wanted`]), for the cases of split sums.
    pub groups_wanted: u32,
    /// Exponent of the loss scale (see [`crate::kernel::Now::exponent`]).
    pub exponent: u32,
}

impl Case {
    /// A smooth case with a full batch.
    pub fn new(name: impl Into<String>, op: impl Op + 'static, rows: usize, inputs: Vec<(Shape, Fill)>) -> Self {
        let (name, op, up) = (name.into(), Arc::new(op), Fill::Normal(0.1, 1.0));
        Self { name, op, inputs, up, rows, start: 7, index: 1, smooth: true, groups_wanted: 1, exponent: 0 }
    }

    /// The same, marked as having inputs at which finite differences cannot be taken.
    pub fn not_smooth(mut self) -> Self {
        self.smooth = false;
        self
    }

    /// The same with NaN, infinities and large values among the gradients by the outputs.
    pub fn extreme_up(mut self) -> Self {
        self.up = Fill::Extreme;
        self.not_smooth()
    }

    /// The same with the batch further on.
    pub fn start(mut self, start: usize) -> Self {
        self.start = start;
        self
    }

    /// The same at another line of the step table.
    pub fn index(mut self, index: u32) -> Self {
        self.index = index;
        self
    }

    /// The same with the loss scaled by 2 to this power, so that differences of losses are not compared.
    pub fn exponent(mut self, exponent: u32) -> Self {
        self.exponent = exponent;
        self.not_smooth()
    }

    /// The same with sums split.
    pub fn split(mut self, groups_wanted: u32) -> Self {
        self.groups_wanted = groups_wanted;
        self
    }
}

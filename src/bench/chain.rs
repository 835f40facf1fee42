//! Chains of one kind of dispatch: the products of a linear layer, a copy, and a dispatch that does nothing.

use super::net::Work;
use crate::device::Device;
use crate::error::Error;
use crate::executor::Executor;
use crate::graph::plan::Plan;
use crate::kernel::{Now, Scalar};
use crate::op::{Class, Op, Recorder, Slot, SlotId, Target, Wire, Wires};
use crate::ops::activation::Activation;
use crate::ops::matmul::Matmul;
use crate::ops::step::Advance;
use crate::random::{Domain, Stream};
use crate::shape::Shape;
use rand::RngExt;
use std::fmt;
use std::sync::Arc;

/// Dispatches of a step of the chain of those that do nothing: as many as a step of a network has.
const EMPTY: usize = 32;

/// Which operands of c = a · b lie transposed: n for "as it is", t for "transposed".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The value of a linear layer: a `[m, k]`, b `[n, k]`.
    Nt,
    /// Its gradient by x: a `[m, k]`, b `[k, n]`.
    Nn,
    /// Its gradient by W: a `[k, m]`, b `[k, n]`.
    Tn,
}

/// A matrix product c `[m, n]` = a · b, a sum over k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// How a and b lie.
    pub form: Form,
    /// Rows of a and of the product c.
    pub m: usize,
    /// Columns of b and of the product c.
    pub n: usize,
    /// Terms of a sum.
    pub k: usize,
}

/// As in `nt 128x256x784`: the form, m, n and k.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Nt => "nt",
            Form::Nn => "nn",
            Form::Tn => "tn",
        };
        write!(f, "{form} {}x{}x{}", self.m, self.n, self.k)
    }
}

impl Product {
    /// A product of square matrices as they are.
    pub fn square(size: usize) -> Self {
        Self { form: Form::Nn, m: size, n: size, k: size }
    }

    /// The products of a training step, layer by layer; the first layer's inputs want no gradient.
    pub fn of_step(work: &Work) -> Vec<Self> {
        let batch = work.batch;
        let layers = work.sizes.windows(2).enumerate();
        let of_layer = |(layer, sizes): (usize, &[usize])| {
            let [inputs, outputs] = [sizes[0], sizes[1]];
            let value = Self { form: Form::Nt, m: batch, n: outputs, k: inputs };
            let by_x = Self { form: Form::Nn, m: batch, n: inputs, k: outputs };
            let by_weight = Self { form: Form::Tn, m: outputs, n: inputs, k: batch };
            [Some(value), (layer > 0).then_some(by_x), Some(by_weight)]
        };
        layers.flat_map(of_layer).flatten().collect()
    }

    /// Floating-point operations of the product: 2·m·n·k.
    pub fn flops(&self) -> f64 {
        2.0 * self.m as f64 * self.n as f64 * self.k as f64
    }

    pub(super) fn record(self, rec: &mut Recorder) -> Now {
        let (matmul, Self { m, n, k, .. }) = (Matmul { relu: false }, self);
        let mut wires = Wires::default();
        // A linear layer with `rows` rows of a batch, whose product this is.
        let (rows, inputs, outputs) = match self.form {
            Form::Nt => (m, k, n),
            Form::Nn => (m, n, k),
            Form::Tn => (k, n, m),
        };
        wires.inputs = vec![tensor(rec, "x", [rows, inputs]), tensor(rec, "w", [outputs, inputs])];
        let y = tensor(rec, "y", [rows, outputs]);
        match self.form {
            Form::Nt => {
                wires.outputs = vec![y];
                matmul.forward(&wires, rec);
            }
            Form::Nn => {
                (wires.d_outputs, wires.d_inputs) = (vec![y], vec![Some(tensor(rec, "dx", [rows, inputs])), None]);
                matmul.backward(&wires, rec);
            }
            Form::Tn => {
                (wires.d_outputs, wires.d_inputs) = (vec![y], vec![None, Some(tensor(rec, "dw", [outputs, inputs]))]);
                matmul.backward(&wires, rec);
            }
        }
        Now { rows: rows as u32, ..Now::default() }
    }
}

/// A slot of floats with a buffer of its own words.
fn tensor(rec: &mut Recorder, name: &str, shape: impl Into<Shape>) -> Wire {
    let shape = shape.into();
    let slot = Slot {
        name: name.to_owned(),
        shape: shape.clone(),
        scalar: Scalar::F32,
        class: Class::State,
        public: true,
        within: None,
    };
    Wire { slot: rec.slot(slot), shape }
}

/// A program of a few dispatches on random data.
pub struct Chain {
    executor: Box<dyn Executor>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("plan", self.executor.plan()).finish_non_exhaustive()
    }
}

impl Chain {
    /// One product a step.
    ///
    /// # Errors
    /// The device has no room or fails.
    pub fn product(product: Product, device: &Device, target: Target) -> Result<Self, Error> {
        Self::new(device, target, |rec| product.record(rec))
    }

    /// Dispatches that do nothing but wait for the one before: one thread that reads a line of four words and writes the
    /// current step.
    ///
    /// # Errors
    /// The device has no room or fails.
    pub fn empty(device: &Device) -> Result<Self, Error> {
        Self::new(device, device.target(), |rec| {
            let shape = Shape::from([1, 4]);
            let table = Slot {
                name: "table".into(),
                shape: shape.clone(),
                scalar: Scalar::U32,
                class: Class::Tables,
                public: true,
                within: None,
            };
            let inputs = vec![Wire { slot: rec.slot(table), shape }];
            let wires = Wires { inputs, ..Wires::default() };
            (0..EMPTY).for_each(|_| Advance.forward(&wires, rec));
            Now::default()
        })
    }

    /// A copy of `words` floats, through the kernel with the least else to do: a ReLU.
    ///
    /// # Errors
    /// The device has no room or fails.
    pub fn copy(words: usize, device: &Device) -> Result<Self, Error> {
        Self::new(device, device.target(), |rec| {
            let (inputs, outputs) = (vec![tensor(rec, "x", [words, 1])], vec![tensor(rec, "y", [words, 1])]);
            Activation::RELU.forward(&Wires { inputs, outputs, ..Wires::default() }, rec);
            Now { rows: words as u32, ..Now::default() }
        })
    }

    fn new(device: &Device, target: Target, record: impl FnOnce(&mut Recorder) -> Now) -> Result<Self, Error> {
        let mut rec = Recorder::new(target);
        rec.enter("chain");
        let now = record(&mut rec);
        let plan = Arc::new(Plan::of_recording("chain", rec)?);
        let mut chain = Self { executor: device.executor(&plan)? };
        let mut stream = Stream::new(7, Domain::Check, 1);
        for (id, slot) in plan.slots.iter().enumerate().filter(|(_, slot)| slot.class == Class::State) {
            let words: Vec<u32> = (0..slot.words().min(1 << 20)).map(|_| stream.random::<f32>().to_bits()).collect();
            for first in (0..slot.words()).step_by(words.len()) {
                let count = words.len().min(slot.words() - first);
                chain.executor.write(SlotId(id as u32), first, &words[..count])?;
            }
        }
        chain.executor.set_now(now)?;
        Ok(chain)
    }

    /// Dispatches of a step.
    pub fn dispatches(&self) -> usize {
        self.executor.plan().programs[0].dispatches.len()
    }

    /// The executor, for what is measured beside [`Chain::steps`].
    pub fn executor(&mut self) -> &mut dyn Executor {
        self.executor.as_mut()
    }

    /// Takes steps and waits until they are done.
    ///
    /// # Errors
    /// The device failed.
    pub fn steps(&mut self, count: usize) -> Result<(), Error> {
        self.executor.run(0, count)?;
        self.executor.now()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::WORKS;

    #[test]
    fn the_products_of_a_step_are_those_of_its_plan() {
        let texts: Vec<String> = Product::of_step(&WORKS[2]).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["nt 32x32x64", "tn 32x64x32", "nt 32x10x32", "nn 32x32x10", "tn 10x32x32"]);
        let device = Device::CPU;
        for product in Product::of_step(&WORKS[2]) {
            let chain = Chain::product(product, &device, device.target());
            let Ok(mut chain) = chain else { panic!("{product}: {chain:?}") };
            let dispatch = chain.executor().plan().programs[0].dispatches[0].clone();
            assert_eq!((chain.dispatches(), dispatch.flops as f64), (1, product.flops()), "{product}");
            assert!(chain.steps(2).is_ok());
        }
    }
}

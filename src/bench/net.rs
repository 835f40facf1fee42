//! Training steps of a network on random data, as the trainer takes them.

use super::host::thread_seconds;
use super::median;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Step;
use crate::nn::{self, Head, Network, Rule};
use crate::op::{Family, Target, Value};
use crate::random::{Domain, Stream};
use crate::run::{Compiled, DataShape, Purpose, Runner, TrainOptions, batches, state};
use rand::RngExt;
use std::time::Instant;

const SEED: u64 = 42;

/// Words of random data that are made; a larger set repeats them, cut into rows at other places.
const RANDOM_WORDS: usize = 1 << 20;

/// A network to measure: each hidden layer is `linear N` and what is `behind` it, the last one `linear`; softmax cross-entropy; SGD
/// with rate 0.1, momentum 0.9 and weight decay 1e-4, or Adam with rate 0.001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// As it is asked for.
    pub name: &'static str,
    /// Features, units of each hidden layer, classes.
    pub sizes: &'static [usize],
    /// Rows of a batch.
    pub batch: usize,
    /// The layers behind each hidden linear layer.
    pub behind: &'static [&'static str],
    /// Outputs of a hidden linear layer that the layers behind it make one unit of.
    pub pieces: usize,
    /// Whether it is trained by Adam, else by SGD.
    pub adam: bool,
    /// A network of images by its name, in place of hidden layers, and the sizes of a row.
    pub named: Option<(&'static str, &'static [usize])>,
    /// Rows of the data, of which whole batches are used.
    pub most_rows: usize,
}

/// The works, the same as of `benches/gpu_torch.py`.
pub const WORKS: [Work; 3] = [
    W1,
    Work { name: "w2", sizes: &[784, 2048, 2048, 10], batch: 512, ..W1 },
    Work { name: "w3", sizes: &[64, 32, 10], batch: 32, ..W1 },
];

/// Other networks of the sizes of `w1`, the same as of `benches/networks.py`.
pub const OTHERS: [Work; 4] = [
    Work { name: "gelu_adam", behind: &["batch_norm", "gelu", "dropout 0.5"], adam: true, ..W1 },
    Work { name: "tanh", behind: &["tanh"], ..W1 },
    Work { name: "relu_adam", behind: &["relu"], adam: true, ..W1 },
    Work { name: "maxout", behind: &["maxout 2", "dropout 0.5"], pieces: 2, ..W1 },
];

/// Networks of images: a small one, and the one of He et al. 2016 for CIFAR.
pub const OF_IMAGES: [Work; 2] = [
    Work {
        name: "w5",
        sizes: &[3072, 10],
        batch: 64,
        named: Some(("small_cnn", &[3, 32, 32])),
        most_rows: 10_000,
        ..W1
    },
    Work { name: "resnet20", sizes: &[3072, 10], named: Some(("resnet20", &[3, 32, 32])), most_rows: 10_000, ..W1 },
];

const W1: Work = Work {
    name: "w1",
    sizes: &[784, 256, 128, 10],
    batch: 128,
    behind: &["batch_norm", "relu", "dropout 0.5"],
    pieces: 1,
    adam: false,
    named: None,
    most_rows: 60_000,
};

impl Work {
    fn features(&self) -> usize {
        self.sizes[0]
    }

    fn classes(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// The layers in the notation of recipes.
    pub fn layers(&self) -> Vec<String> {
        if let Some((name, _)) = self.named {
            return vec![name.to_owned()];
        }
        let hidden = self.sizes[1..self.sizes.len() - 1].iter();
        let linear = |n: usize| format!("linear {n}");
        let layers = hidden.flat_map(|n| {
            let behind = self.behind.iter().map(|&layer| layer.to_owned());
            [linear(n * self.pieces)].into_iter().chain(behind).collect::<Vec<_>>()
        });
        layers.chain([linear(self.classes())]).collect()
    }

    fn rate(&self) -> f64 {
        if self.adam { 0.001 } else { 0.1 }
    }

    fn optimizer(&self) -> Result<nn::Settings, Error> {
        let (name, settings, weight_decay) = match self.adam {
            true => ("adam", vec![], 0.0),
            false => ("sgd", vec![("momentum", Value::Number(0.9))], 1e-4),
        };
        let rule = Rule::read(name, &settings).map_err(Error::Setting)?;
        Ok(nn::Settings { rule, weight_decay, ..nn::Settings::default() })
    }

    /// Sizes of a row of the data.
    fn row(&self) -> Vec<usize> {
        self.named.map_or_else(|| vec![self.features()], |(_, row)| row.to_vec())
    }

    /// Rows of the data, or half of them where a binding of the device holds no more; whole batches of them.
    pub fn rows(&self, target: &Target) -> usize {
        let mut rows = self.most_rows;
        while (rows * self.features() * 4) as u64 > target.max_binding && rows > self.batch {
            rows /= 2;
        }
        rows / self.batch * self.batch
    }
}

/// A work with its data and weights on a device.
#[derive(Debug)]
pub struct Net {
    runner: Runner,
    work: Work,
    program: usize,
    order: Vec<u32>,
    table: Vec<Step>,
    /// The line of the step table that is next.
    line: usize,
    /// Steps begun, counted to the end of the step table.
    begun: u64,
    /// Steps that are given to the device at once.
    most: usize,
    submitted: Vec<f64>,
}

impl Net {
    /// Compiles the network, makes data and weights from a fixed seed and takes no step yet. `most` bounds the steps that
    /// are given to the device at once.
    ///
    /// # Errors
    /// The device has no room or fails.
    pub fn new(work: Work, device: &Device, target: Target, most: Option<usize>) -> Result<Self, Error> {
        let network = Network::read(&work.layers(), Head::classes(work.classes()), None)?;
        let rows = work.rows(&target);
        let data = DataShape { bytes: false, rows, row: work.row() };
        let scale_loss = matches!(target.product, Family::Cooperative(_));
        let optimizer = nn::Settings { scale_loss, ..work.optimizer()? };
        let options = TrainOptions { seed: SEED, optimizer, lr: work.rate(), ..TrainOptions::default() };
        let compiled = Compiled::compile(&network, &data, work.batch, Purpose::Train(options), target)?;
        let program = compiled.train.ok_or_else(|| Error::Failed("the plan does not train".into()))?;
        let runner = Runner::new(device, compiled)?;
        // In the order of the file, as the peers go through theirs.
        let order: Vec<u32> = (0..rows as u32).collect();
        let most = most.unwrap_or(usize::MAX);
        let submitted = vec![];
        let mut net = Self { runner, work, program, order, table: vec![], line: 0, begun: 0, most, submitted };
        net.fill()?;
        Ok(net)
    }

    /// Writes random data in [0, 1), random classes and the initial weights.
    fn fill(&mut self) -> Result<(), Error> {
        let mut stream = Stream::new(SEED, Domain::Check, 0);
        let words = self.order.len() * self.work.features();
        let block: Vec<u32> = (0..RANDOM_WORDS.min(words)).map(|_| stream.random::<f32>().to_bits()).collect();
        let slot = self.runner.compiled().plan.slot("data");
        let slot = slot.ok_or_else(|| Error::Failed("the plan has no data".into()))?;
        for first in (0..words).step_by(block.len()) {
            let count = block.len().min(words - first);
            self.runner.executor().write(slot, first, &block[..count])?;
        }
        self.runner.write_floats("offset", &vec![0.0; self.work.features()])?;
        self.runner.write_floats("factor", &vec![1.0; self.work.features()])?;
        let classes = self.work.classes() as u32;
        let targets: Vec<u32> = self.order.iter().map(|_| stream.random_range(0..classes)).collect();
        self.runner.load_targets(&targets, None)?;
        state::initialize(&mut self.runner, SEED)?;
        Ok(())
    }

    /// The benchmark network that it trains.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The compiled network, with its plan.
    pub fn compiled(&self) -> &Compiled {
        self.runner.compiled()
    }

    /// Dispatches of a training step.
    pub fn dispatches(&self) -> usize {
        self.compiled().plan.programs[self.program].dispatches.len()
    }

    /// Takes training steps, on through the data again and again, and waits until they are done.
    ///
    /// # Errors
    /// The device fails, or a loss is not finite.
    pub fn steps(&mut self, count: usize) -> Result<(), Error> {
        let mut left = count;
        while left > 0 {
            self.begin()?;
            let chunk = left.min(self.table.len() - self.line).min(self.most);
            let (started, busy) = (Instant::now(), thread_seconds());
            self.runner.run(self.program, chunk)?;
            let busy = busy.zip(thread_seconds()).map(|(before, after)| after - before);
            self.submitted.push(busy.unwrap_or_else(|| started.elapsed().as_secs_f64()) / chunk as f64);
            self.line += chunk;
            left -= chunk;
        }
        self.wait()
    }

    /// Begins with the data again where they are at an end.
    fn begin(&mut self) -> Result<(), Error> {
        if self.line == self.table.len() {
            let rate = self.work.rate() as f32;
            self.table = batches::steps(self.order.len(), self.work.batch, false, |_| rate, self.begun);
            self.runner.begin(&self.order, &self.table, 0)?;
            self.begun += self.table.len() as u64;
            self.line = 0;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), Error> {
        if self.runner.executor().now()?.halted == 0 {
            return Ok(());
        }
        let name = self.work.name;
        Err(Error::Failed(format!("the loss of {name} is not finite on this device: see wgrad doctor")))
    }

    /// Seconds that giving a step to the device takes the host, the median over what was submitted since the last call:
    /// recording and submitting, without waiting; on Unix of the calling thread's processor time, so that what a software
    /// driver's own threads take from it does not count. On the CPU path, where that is the work itself, it says nothing.
    pub fn host_seconds(&mut self) -> f64 {
        median(&std::mem::take(&mut self.submitted))
    }

    /// The program of a step and its runner, with so many steps at most that can be run at once from here on.
    pub(super) fn at_work(&mut self, steps: usize) -> Result<(&mut Runner, usize, usize), Error> {
        // From the start of the data, so that there are as many as can be.
        self.line = self.table.len();
        self.begin()?;
        let steps = steps.min(self.table.len());
        self.line += steps;
        Ok((&mut self.runner, self.program, steps))
    }
}

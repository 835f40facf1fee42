//! Measures the layers: a plan of its own on the device of the training, with a copy of the weights and a fixed sample of the
//! training rows.

use super::layer::{Counted, LayerHealth, Spread, never};
use super::warning::DEAD;
use crate::data::Values;
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Step;
use crate::nn::{Network, Tensor};
use crate::op::{Class, Target};
use crate::run::{Compiled, DataShape, LookedAt, Purpose, Runner, Snapshot, TrainOptions, batches, state};
use crate::train::job::Job;

/// Most training rows that are looked at after an epoch. A unit that works on one row of 170 gives 0 for all of 512 with a
/// probability of 5 %; before it is called dead, more are looked at.
const MOST: usize = 512;

/// Fewest training rows that are looked at, where there are so many. Of fewer, many a unit that works gives 0 for all.
const FEWEST: usize = 256;

/// The same of large pictures. Each takes long, and its channels have many values.
const FEWEST_LARGE: usize = 64;

/// Pixels from which on a picture is large.
const LARGE: usize = 96 * 96;

/// One training row of so many is looked at between the two, so that it takes little of the time of an epoch.
const ONE_OF: usize = 32;

/// Most batches that they come in: each writes lines of its own.
const BATCHES: usize = 64;

/// Most rows of a batch.
const BATCH: usize = 256;

/// Fewest training rows, where there are so many, that units are looked at for before they are called dead: a unit that works on
/// one row of 1,400 gives 0 for all of 4,096 with a probability of 5 %.
const FEWEST_OF_DEAD: usize = 4096;

/// Of more training rows, one of so many: on a software driver a look at all of them takes as long as an epoch of training.
const ONE_OF_DEAD: usize = 8;

/// So many of the rows, evenly spread.
fn spread(rows: &[u32], count: usize) -> Vec<u32> {
    (0..count).map(|at| rows[at * rows.len() / count]).collect()
}

/// Training rows that units are looked at for before they are called dead.
fn rows_of_dead(train: &[u32]) -> Vec<u32> {
    spread(train, (train.len() / ONE_OF_DEAD).max(FEWEST_OF_DEAD).min(train.len()))
}

/// Rows that are looked at, no fewer than `fewest` if there are as many, and the largest batch that they come in.
fn sample(train: usize, batch: usize, fewest: usize) -> (usize, usize) {
    let batch = batch.clamp(1, BATCH);
    (train.min((train / ONE_OF).clamp(fewest, MOST)).min(BATCHES * batch), batch)
}

/// Fewest training rows that are looked at.
fn fewest(job: &Job) -> usize {
    let is_large = matches!(job.dataset.shape[..], [_, height, width] if height * width >= LARGE);
    if is_large && !job.settings.cache_features { FEWEST_LARGE } else { FEWEST }
}

/// Rows of the data set that a device takes in one piece. Of kept features it holds all, and here some.
fn room(job: &Job, target: Target) -> usize {
    if job.settings.cache_features {
        return usize::MAX;
    }
    let features: usize = job.dataset.shape.iter().product();
    let bytes = if matches!(job.dataset.values, Values::Bytes(_)) { features } else { 4 * features };
    usize::try_from(target.max_binding / bytes.max(1) as u64).unwrap_or(usize::MAX)
}

/// What the layers that are looked at begin with: some rows of the data set, or what the frozen layers made of them, where a
/// training keeps that.
fn values_of(job: &Job, training: &mut Runner, rows: &[u32]) -> Result<Values, Error> {
    let kept = training.features_of(rows)?.map(Values::Floats);
    Ok(kept.unwrap_or_else(|| job.dataset.values_of(rows)))
}

/// Writes that to the device.
fn load(runner: &mut Runner, job: &Job, values: &Values) -> Result<(), Error> {
    match values {
        Values::Floats(features) if job.settings.cache_features => runner.load_features(features)?,
        _ => {
            let (offset, factor) = job.normalize.1.on_device(&job.dataset.values);
            runner.load_data(values, (&offset, &factor))?;
        }
    }
    Ok(())
}

/// A network that is looked at.
#[derive(Debug)]
pub(in crate::train) struct Instrument {
    runner: Runner,
    values: Values,
    steps: Vec<Step>,
    order: Vec<u32>,
    of_rows: u64,
    /// Mean loss of the rows that were looked at last; NaN before.
    pub(in crate::train) loss: f64,
}

/// Words as the floats that they are.
fn floats(words: &[u32]) -> &[f32] {
    bytemuck::cast_slice(words)
}

fn norm<'a>(values: impl IntoIterator<Item = &'a [f32]>) -> f64 {
    values.into_iter().flatten().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

impl Instrument {
    /// Compiles the network as it is looked at, and loads a sample of the training rows: every so many of them.
    ///
    /// # Errors
    /// A tensor is too large for the device, or the device fails.
    pub(in crate::train) fn new(
        (job, network): (&Job, &Network),
        (device, target): (&Device, Target),
        training: &mut Runner,
    ) -> Result<Self, Error> {
        let train = &job.split.train;
        let (count, batch) = sample(train.len(), job.settings.batch, fewest(job));
        let count = count.min(room(job, target)).max(1);
        let rows = spread(train, count);
        let options = TrainOptions { augment: None, keep: job.kept(network)?, ..job.train_options()? };
        let data = DataShape { rows: count, ..job.data_shape()? };
        // Joined kernels hold what layers give in registers.
        let target = Target { fuse: false, ..target };
        let compiled = Compiled::compile(network, &data, batch, Purpose::Look(options), target)?;
        let steps = batches::steps(count, batch, compiled.needs_two_rows, |_| 0.0, 0);
        let mut runner = Runner::new(device, compiled)?;
        let values = values_of(job, training, &rows)?;
        load(&mut runner, job, &values)?;
        let words = job.target_words();
        let of_row = words.len() / job.dataset.rows();
        let targets: Vec<u32> =
            rows.iter().flat_map(|&row| words[row as usize * of_row..][..of_row].iter().copied()).collect();
        runner.load_targets(&targets, job.class_weights.as_deref())?;
        let order = (0..count as u32).collect();
        Ok(Self { runner, values, steps, order, of_rows: train.len() as u64, loss: f64::NAN })
    }

    /// Looks at the layers with the weights of a training. `before` has its weights before its last update, if that is known.
    /// Nothing where a loss is not finite, which ends the training, and of a single row that batch norm cannot take.
    ///
    /// # Errors
    /// The device fails.
    pub(in crate::train) fn measure(
        &mut self,
        training: &mut Runner,
        before: Option<&Snapshot>,
    ) -> Result<Vec<LayerHealth>, Error> {
        let [weights, state] = [training.snapshot(Class::Parameters)?, training.snapshot(Class::State)?];
        let tensors: Vec<Tensor> = self.runner.compiled().held().map(|(_, tensor)| tensor.clone()).collect();
        for Tensor { name, class, .. } in &tensors {
            let from = if *class == Class::Parameters { &weights } else { &state };
            let words = training.within(from, name).unwrap_or_else(|| panic!("the training has {name}"));
            self.runner.write_floats(name, floats(words))?;
        }
        self.look(before.map(|before| (&*training, [before, &weights])))
    }

    /// Looks at the layers with the random weights that a seed starts them with.
    ///
    /// # Errors
    /// The device fails.
    pub(in crate::train) fn measure_start(&mut self, seed: u64) -> Result<Vec<LayerHealth>, Error> {
        state::initialize(&mut self.runner, seed)?;
        self.look(None)
    }

    /// Looks at the layers with the weights that are there, and at what the update before did to those of a training.
    fn look(&mut self, update: Option<(&Runner, [&Snapshot; 2])>) -> Result<Vec<LayerHealth>, Error> {
        let Some(others) = self.steps.len().checked_sub(1) else { return Ok(vec![]) };
        let [look_back, look] = self.runner.compiled().look.unwrap_or_else(|| panic!("the plan looks at layers"));
        self.runner.begin(&self.order, &self.steps, 0)?;
        self.runner.run(look_back, 1)?;
        self.runner.run_all(&self.values, look, others)?;
        if self.runner.executor().now()?.halted != 0 {
            return Ok(vec![]);
        }
        let losses = self.runner.results(0, self.steps.len())?;
        let of_rows = losses.iter().zip(&self.steps).map(|((loss, _), step)| f64::from(*loss) * f64::from(step.rows));
        self.loss = of_rows.sum::<f64>() / self.steps.iter().map(|step| f64::from(step.rows)).sum::<f64>();
        let [counted, gradients] = [self.runner.snapshot(Class::Metrics)?, self.runner.snapshot(Class::Gradients)?];
        let layers = self.runner.compiled().looked_at.iter();
        Ok(layers.map(|layer| self.layer(layer, [&counted, &gradients], update)).collect())
    }

    /// Looks at many more training rows, with the weights that were looked at last, and says of these layers what share of the
    /// units gave 0 for each of them. It ends early where too few units are dead to be warned of, and leaves the layers as they
    /// are where a loss is not finite.
    ///
    /// # Errors
    /// The device fails.
    pub(in crate::train) fn over_many_rows(
        &mut self,
        job: &Job,
        training: &mut Runner,
        layers: &mut [&mut LayerHealth],
    ) -> Result<(), Error> {
        let batch = self.runner.compiled().batch;
        let mut positive: Vec<Vec<bool>> = layers.iter().map(|layer| vec![false; layer.outputs.units]).collect();
        let mut rows = 0;
        for part in rows_of_dead(&job.split.train).chunks(self.order.len()) {
            let steps = batches::steps(part.len(), batch, self.runner.compiled().needs_two_rows, |_| 0.0, 0);
            // A single row that is left over is none that batch norm can take.
            if steps.is_empty() {
                continue;
            }
            let values = values_of(job, training, part)?;
            load(&mut self.runner, job, &values)?;
            let order = self.order[..part.len()].to_vec();
            let Some(counted) = self.run(&values, &order, &steps)? else {
                return load(&mut self.runner, job, &self.values);
            };
            for (layer, positive) in layers.iter().zip(&mut positive) {
                let looked = self.runner.compiled().looked_at.iter().find(|looked| looked.path == layer.path);
                let new = looked.and_then(|looked| self.lines(looked, false, (&counted, &steps)));
                let new = new.unwrap_or_else(|| panic!("the plan looks at {}", layer.path)).positive;
                positive.iter_mut().zip(new).for_each(|(so_far, new)| *so_far |= new);
            }
            rows += steps.iter().map(|step| u64::from(step.rows)).sum::<u64>();
            if positive.iter().all(|positive| never(positive) < DEAD) {
                break;
            }
        }
        for (layer, positive) in layers.iter_mut().zip(&positive) {
            (layer.dead, layer.rows) = (Some(never(positive)), rows);
        }
        load(&mut self.runner, job, &self.values)
    }

    /// Looks at the outputs for rows that are there, and gives what was counted; nothing where a loss is not finite.
    fn run(&mut self, values: &Values, order: &[u32], steps: &[Step]) -> Result<Option<Snapshot>, Error> {
        let [_, look] = self.runner.compiled().look.unwrap_or_else(|| panic!("the plan looks at layers"));
        self.runner.begin(order, steps, 0)?;
        self.runner.run_all(values, look, steps.len())?;
        let halted = self.runner.executor().now()?.halted != 0;
        Ok(if halted { None } else { Some(self.runner.snapshot(Class::Metrics)?) })
    }

    /// What the lines of steps hold of a layer's outputs, or of the gradient by them.
    fn lines(&self, layer: &LookedAt, gradient: bool, (counted, steps): (&Snapshot, &[Step])) -> Option<Counted> {
        let [moments, counts] = layer.slots(gradient).map(|slot| self.runner.within(counted, &slot));
        Some(Counted::of(steps, (layer.units, layer.pixels), (floats(moments?), counts?)))
    }

    fn layer(
        &self,
        layer: &LookedAt,
        [counted, gradients]: [&Snapshot; 2],
        update: Option<(&Runner, [&Snapshot; 2])>,
    ) -> LayerHealth {
        let outputs = self.lines(layer, false, (counted, &self.steps));
        let outputs = outputs.unwrap_or_else(|| panic!("the plan looks at {}", layer.path));
        let back = self.lines(layer, true, (counted, &self.steps[..1])).map(|counted| counted.spread);
        let is_own = |tensor: &&Tensor| {
            let name = tensor.name.strip_prefix(layer.prefix());
            tensor.class == Class::Parameters && name.is_some_and(|name| !name.contains('.'))
        };
        let own: Vec<&Tensor> = self.runner.compiled().tensors.iter().filter(is_own).collect();
        let gradient = |tensor: &Tensor| self.runner.within(gradients, &format!("d.{}", tensor.name)).map(floats);
        let all = || own.iter().filter_map(|tensor| gradient(tensor));
        let weight = own.iter().find(|tensor| tensor.name.ends_with("weight") && tensor.shape.0.len() > 1);
        let spread: Spread = outputs.spread;
        let values = spread.values as f64 * spread.units as f64;
        LayerHealth {
            path: layer.path.clone(),
            rows: self.steps.iter().map(|step| u64::from(step.rows)).sum(),
            of_rows: self.of_rows,
            saturated: layer.has_ends.then(|| outputs.at_end as f64 / values),
            dead: (layer.kind() == "relu").then(|| never(&outputs.positive)),
            outputs: spread,
            gradients: back,
            weight_gradient_norm: (!own.is_empty()).then(|| norm(all())),
            update_to_weight: update.and_then(|update| ratio(&own, update)),
            one_sign: weight.and_then(|tensor| Some(one_sign(gradient(tensor)?, tensor.shape.width()))),
        }
    }
}

/// Norm of the change of tensors, as a share of their norm before.
fn ratio(tensors: &[&Tensor], (runner, snapshots): (&Runner, [&Snapshot; 2])) -> Option<f64> {
    let [mut change, mut size] = [0.0; 2];
    for tensor in tensors {
        let [before, after] = snapshots.map(|snapshot| runner.within(snapshot, &tensor.name));
        for (before, after) in floats(before?).iter().zip(floats(after?)) {
            change += (f64::from(*after) - f64::from(*before)).powi(2);
            size += f64::from(*before).powi(2);
        }
    }
    (size > 0.0).then(|| (change / size).sqrt())
}

/// Share of the rows of a matrix, of so many columns, whose numbers that are not 0 have one sign.
fn one_sign(gradient: &[f32], columns: usize) -> f64 {
    let of_one = |row: &&[f32]| row.iter().any(|&g| g > 0.0) != row.iter().any(|&g| g < 0.0);
    let rows = gradient.chunks(columns.max(1));
    let count = rows.len().max(1);
    rows.filter(of_one).count() as f64 / count as f64
}

#[cfg(test)]
mod tests;

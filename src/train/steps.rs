//! Training by hand: a program that owns its loop takes steps, measures and looks at tensors between them. No files, no
//! observer, no validation of its own.

use super::trainer::Trainer;
use crate::device::Device;
use crate::error::Error;
use crate::export::Progress;
use crate::judge::layers::{self, LayerStatistics};
use crate::kernel::Step;
use crate::metrics::{Assessment, Evaluation, apply_temperature};
use crate::names::nearest;
use crate::nn::{Network, Tensor};
use crate::op::Class;
use crate::run::batches::epoch_order;

impl Trainer {
    /// Takes `count` steps, on into the next epochs, and gives their mean loss over the rows trained on, each before the
    /// update of its step. The same steps as those of [`Trainer::run`], with the same bits.
    ///
    /// # Errors
    /// `count` is 0, or more steps than the run has left; a loss is not finite, and then the weights are those before
    /// the step; the device failed.
    pub fn train_steps(&mut self, count: u64) -> Result<f64, Error> {
        let (done, total) = (self.progress.step, self.total_steps());
        if self.over {
            return Err(Error::Over);
        }
        if count == 0 || count > total.saturating_sub(done) {
            let what = format!("cannot take {count} steps: the run has {total}, of which {done} are done");
            return Err(Error::Steps(format!("{what}; ask for fewer, or give it more epochs or steps")));
        }
        let (mut loss, mut rows, mut left) = (0.0, 0, count as usize);
        while left > 0 {
            let table = self.epoch_steps();
            let mut at = self.progress.step_in_epoch as usize;
            let end = table.len().min(at.saturating_add(left));
            let before = self.progress.clone();
            self.begin_epoch(&table)?;
            while at < end {
                let from = at;
                at = self.chunk(&table, from..end, None)?;
                left -= at - from;
            }
            loss += self.progress.loss_sum - before.loss_sum;
            rows += self.progress.rows - before.rows;
            if at == table.len() {
                self.next_epoch();
            }
        }
        Ok(loss / rows as f64)
    }

    /// How the network as it stands does on rows of the data set, by the rule for inference and the plain loss.
    ///
    /// # Errors
    /// There are no rows, more than the data set has, or one that it does not have; the device failed.
    pub fn evaluate(&mut self, rows: &[u32]) -> Result<Evaluation, Error> {
        let outputs = self.outputs(rows)?;
        Ok(self.job.evaluate(&outputs, rows))
    }

    /// The same in full.
    ///
    /// # Errors
    /// As [`Trainer::evaluate`].
    pub fn assess(&mut self, rows: &[u32]) -> Result<Assessment, Error> {
        let outputs = self.outputs(rows)?;
        Ok(self.job.assess(&outputs, rows))
    }

    /// The same with the loss of training, which class weights and label smoothing are part of.
    ///
    /// # Errors
    /// As [`Trainer::evaluate`].
    pub fn validate(&mut self, rows: &[u32]) -> Result<Evaluation, Error> {
        let outputs = self.outputs(rows)?;
        Ok(self.job.validate(&outputs, rows))
    }

    /// What every layer gives on rows of the data set, with the weights as they are. The layers run on `device`, which may be
    /// another than that of the training.
    ///
    /// # Errors
    /// There are no rows, or one that the data set does not have; the device failed.
    pub fn layer_statistics(&mut self, rows: &[u32], device: &Device) -> Result<Vec<LayerStatistics>, Error> {
        let data = &self.job.dataset;
        if let Some(row) = rows.iter().find(|&&row| row as usize >= data.rows()) {
            return Err(Error::Rows(format!("row {row} was asked for, and the data set has {}", data.rows())));
        }
        let inputs = self.job.inputs(rows);
        let (shape, runner) = (self.input_shape(), &mut self.runner);
        layers::of_weights(&self.network, |name| Ok(runner.read_floats(name)?), &inputs, &shape, device)
    }

    /// The outputs for rows, divided by the temperature once there is one.
    pub(super) fn outputs(&mut self, rows: &[u32]) -> Result<Vec<f32>, Error> {
        let there = self.job.dataset.rows();
        let outside = rows.iter().find(|&&row| row as usize >= there);
        let what = match outside {
            Some(row) => format!("row {row} was asked for, and the data set has {there}"),
            None if rows.is_empty() => "an evaluation needs at least one row".to_owned(),
            None if rows.len() > there => format!("{} rows were asked for, and the data set has {there}", rows.len()),
            None => {
                let program = self.compiled().evaluate;
                let mut outputs = self.runner.outputs(&self.job.dataset.values, program, rows)?;
                if let Some(temperature) = self.calibrated.as_ref().and_then(|found| found.temperature) {
                    apply_temperature(&self.job.problem, temperature, &mut outputs);
                }
                return Ok(outputs);
            }
        };
        Err(Error::Rows(what))
    }

    /// Values of a tensor of the network, named and in the order as in the model file: `0.weight`.
    ///
    /// # Errors
    /// There is no such tensor; the device failed.
    pub fn tensor(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        let tensor = self.known(name, |_| true)?;
        Ok(tensor.in_file(&self.runner.read_floats(name)?).into_owned())
    }

    /// The gradient of the last step's loss by a trainable tensor, as the update found it; zeros before the first step.
    ///
    /// # Errors
    /// There is no such tensor, or it is not trained; the device failed.
    pub fn gradient(&mut self, tensor: &str) -> Result<Vec<f32>, Error> {
        let of = self.known(tensor, |class| class == Class::Parameters)?;
        Ok(of.in_file(&self.runner.read_floats(&format!("d.{tensor}"))?).into_owned())
    }

    /// The layers in training.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Shape of one input.
    pub fn input_shape(&self) -> Vec<usize> {
        self.job.input_shape().unwrap_or_else(|_| self.job.dataset.shape.clone())
    }

    /// Makes the next step of the epoch the device's current one, if it has one left: a run that ended as its validation
    /// was not finite goes on with no more than that validation.
    pub(super) fn begin_epoch(&mut self, table: &[Step]) -> Result<(), Error> {
        let (settings, progress) = (&self.job.settings, &self.progress);
        if progress.step_in_epoch as usize == table.len() {
            return Ok(());
        }
        let order = epoch_order(&self.job.split.train, settings.shuffle, settings.seed, progress.epoch);
        if let Some(boxes) = self.job.boxes(&order, progress.epoch)? {
            self.runner.load_boxes(&boxes)?;
        }
        Ok(self.runner.begin(&order, table, progress.step_in_epoch as usize)?)
    }

    /// Takes note that an epoch is whole.
    pub(super) fn next_epoch(&mut self) {
        let Progress { step, epoch, scaling, .. } = self.progress;
        self.progress = Progress { step, epoch: epoch + 1, scaling, ..Progress::default() };
    }

    fn known(&self, name: &str, wanted: impl Fn(Class) -> bool) -> Result<Tensor, Error> {
        let tensors = self.compiled().tensors.iter().filter(|tensor| wanted(tensor.class));
        if let Some(tensor) = tensors.clone().find(|tensor| tensor.name == name) {
            return Ok(tensor.clone());
        }
        let names: Vec<&str> = tensors.map(|tensor| tensor.name.as_str()).collect();
        Err(Error::NoTensor { name: name.to_owned(), meant: nearest(name, &names) })
    }
}

//! Training on one batch alone: a network, a loss and an update that work bring its loss near 0, since nothing but the batch
//! must be learnt. What cannot do that has a fault, or is too small or too slow to learn.

use super::job::Job;
use super::schedule::Schedule;
use super::trainer::Trainer;
use crate::data::{Split, Targets, Values};
use crate::error::Error;
use crate::nn::LayerText;

/// The share of a constant guess's loss that counts as near 0. A regression then explains 99 % of the squares of the batch; of
/// ten classes the right one has a probability of 0.977 in the geometric mean.
const NEAR: f64 = 0.01;

/// Most rows of the batch where the run's own is larger by default.
const MOST_ROWS: usize = 64;

/// What training on one batch came to.
#[derive(Clone, Debug, PartialEq)]
pub struct OneBatch {
    /// Rows of the batch.
    pub rows: usize,
    /// What the loss must come down to: a hundredth of the loss of a constant guess.
    pub near: f64,
    /// The loss of a constant guess on the batch (see [`Job::constant_guess`]).
    pub guess: f64,
    /// For each step the loss before its update, and the share of right answers, where answers are right or wrong.
    pub steps: Vec<(f32, Option<f64>)>,
    /// Whether the loss came down, and every answer was right, in the last of these steps.
    pub reached: bool,
    /// Rows that another row equals in all features but not in what is to be learnt, so that no network can learn both.
    pub contradicted: usize,
}

impl Job {
    /// The job of training on the first batch of the run alone, for `steps` steps at a constant rate, with regularisation off. Says
    /// what was turned off. A batch is of at most `rows` rows, else of at most 64.
    pub fn on_one_batch(mut self, rows: Option<usize>, steps: u64) -> (Self, Vec<&'static str>) {
        let s = &mut self.settings;
        let mut off = vec![];
        let mut turn = |was_on: bool, what: &'static str| off.extend(was_on.then_some(what));
        turn(s.weight_decay > 0.0, "weight decay");
        turn(s.label_smoothing > 0.0, "label smoothing");
        (s.weight_decay, s.label_smoothing) = (0.0, 0.0);
        let brightened = s.brightness > 0.0 || s.contrast > 0.0;
        turn(s.flip.is_some() || s.crop.is_some() || s.scale.is_some() || brightened, "augmentation");
        (s.flip, s.crop, s.scale, s.brightness, s.contrast) = (None, None, None, 0.0, 0.0);
        let before = s.layers.clone();
        s.layers = before.iter().map(|text| plain(text)).collect();
        let dropped = |text: &String| text.contains("dropout");
        turn(before.iter().zip(&s.layers).any(|(before, after)| before != after && dropped(before)), "dropout");
        let limited = before.iter().any(|text| text.contains("max_norm="));
        turn(s.max_norm.take().is_some() || limited, "max-norm");
        let batch = rows.unwrap_or(s.batch.min(MOST_ROWS)).min(self.split.train.len());
        let first = self.first_rows(batch);
        let s = &mut self.settings;
        // The same rows as often as the order has room for them: so many steps run without the host.
        let times = (self.dataset.rows() / batch).max(1);
        self.split = Split { train: first.repeat(times), ..Split::default() };
        (s.batch, s.shuffle, s.schedule) = (batch, false, Schedule::default());
        (s.steps, s.epochs, s.early_stopping) = (Some(steps), None, None);
        (self, off)
    }

    /// Rows that another one of these equals in all features but not in its target.
    fn contradicted(&self, rows: &[u32]) -> usize {
        let (width, targets) = (self.dataset.features(), &self.dataset.targets);
        let alike = |a: usize, b: usize| match &self.dataset.values {
            Values::Bytes(v) => v[a * width..][..width] == v[b * width..][..width],
            Values::Floats(v) => v[a * width..][..width] == v[b * width..][..width],
        };
        let differ = |a: usize, b: usize| match targets {
            Targets::Classes { labels, .. } => labels[a] != labels[b],
            Targets::Labels { values, names } => {
                values[a * names.len()..][..names.len()] != values[b * names.len()..][..names.len()]
            }
            Targets::Numbers { values, names } => {
                values[a * names.len()..][..names.len()] != values[b * names.len()..][..names.len()]
            }
        };
        let of = |&&a: &&u32| rows.iter().any(|&b| alike(a as usize, b as usize) && differ(a as usize, b as usize));
        rows.iter().filter(of).count()
    }
}

/// A layer without what keeps it from fitting its rows: dropout drops nothing, and no norm is limited.
fn plain(text: &str) -> String {
    fn change(layer: &mut LayerText) {
        if layer.kind == "dropout" {
            layer.values = vec!["0".into()];
            layer.keys.retain(|(key, _)| key != "rule");
        }
        layer.keys.retain(|(key, _)| key != "max_norm");
        layer.body.iter_mut().for_each(change);
    }
    text.parse().map_or_else(
        |_| text.to_owned(),
        |mut layer: LayerText| {
            change(&mut layer);
            layer.to_string()
        },
    )
}

impl Trainer {
    /// Trains on until the loss of a step is near 0 and all its answers are right, or to the end of the run. The job is one
    /// of [`Job::on_one_batch`], so that all steps have the same rows.
    ///
    /// # Errors
    /// As [`Trainer::train_steps`].
    pub fn overfit(&mut self) -> Result<OneBatch, Error> {
        let (total, rows) = (self.total_steps(), self.job.settings.batch);
        let batch = self.job.split.train[..rows].to_vec();
        let guess = self.job.constant_guess(&batch);
        let (near, contradicted, answers) = (NEAR * guess, self.job.contradicted(&batch), self.answers());
        let mut all = OneBatch { rows, near, guess, steps: vec![], reached: false, contradicted };
        while self.progress.step < total && !all.reached {
            let table = self.epoch_steps();
            let mut at = self.progress.step_in_epoch as usize;
            let end = table.len().min(at + (total - self.progress.step) as usize);
            self.begin_epoch(&table)?;
            while at < end && !all.reached {
                let from = at;
                at = self.chunk(&table, from..end, None)?;
                for (loss, correct) in self.runner.results(from, at)? {
                    let share = answers.map(|answers| f64::from(correct) / (rows as u64 * answers) as f64);
                    all.steps.push((loss, share));
                    all.reached = f64::from(loss) <= near && share.is_none_or(|share| share == 1.0);
                    if all.reached {
                        break;
                    }
                }
            }
            if at == table.len() {
                self.next_epoch();
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn layers_lose_what_keeps_them_from_fitting() {
        for (layer, want) in [
            ("dropout", "dropout 0"),
            ("dropout 0.5 rule=weight_scaling per_channel=true", "dropout 0 per_channel=true"),
            ("linear 8 lr=0.1 max_norm=3", "linear 8 lr=0.1"),
            ("residual(linear 4; dropout 0.2; linear 4 max_norm=2)", "residual(linear 4; dropout 0; linear 4)"),
            ("batch_norm eps=1e-5", "batch_norm eps=1e-5"),
            ("resnet20", "resnet20"),
        ] {
            assert_eq!(plain(layer), want);
        }
    }
}

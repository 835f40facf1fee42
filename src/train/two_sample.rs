//! Whether two parts of the data have one distribution: the two-sample test by a classifier (Lopez-Paz & Oquab 2017, "Revisiting
//! classifier two-sample tests"). A small network learns to tell rows of one part from rows of the other. If it is right on new
//! rows more often than chance, the inputs of the parts differ. As many rows are taken of either part, so that chance is one half.
//! Each row is judged by a network that was trained on the other folds.

use super::job::Job;
use super::prepare::job as job_of;
use super::settings::{HeldOut, Recipe};
use super::trainer::Trainer;
use crate::data::{Dataset, Encoded, Split, Targets, Values};
use crate::device::Device;
use crate::error::Error;
use crate::metrics::{Importance, Tally, holm, importance};
use crate::random::{Domain, Stream};
use crate::run::Predictor;
use rand::seq::SliceRandom;
use std::f64::consts::FRAC_1_SQRT_2;

/// Fewest rows of a part with which a network is trained.
const FEWEST: usize = 20;

/// Most rows that are taken of a part: with so many the interval of the accuracy is 3 points wide.
const MOST: usize = 2000;

/// Parts that the rows are shared out to; a network is trained without each of them.
const FOLDS: usize = 5;

/// Rows in a batch.
const BATCH: usize = 32;

/// Updates of a network: at least so many, and so many passes over its rows.
const STEPS: (usize, usize) = (300, 5);

/// Permutations of a column.
const REPEATS: u32 = 5;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The accuracy up to which parts count as alike. One normal column whose mean differs by half a deviation gives as much.
const ALIKE: f64 = 0.6;

/// What the test says of two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Rows of the two parts can be told apart: the interval of the accuracy lies above one half.
    Differ,
    /// Rows cannot be told apart, and by the interval an accuracy above 60 % is ruled out.
    Alike,
    /// Rows cannot be told apart, but they are too few to rule a difference out.
    TooFewRows,
}

/// How well rows of two parts are told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoSample {
    /// The rows that are taken of each part.
    pub rows: usize,
    /// The answers to which part a row is from; none where there are too few rows to train on.
    pub answers: Option<Tally>,
    /// The columns of a table that give the difference away, the largest drop first: those whose drop of the accuracy is above 0
    /// at a level of 5 % by Holm's correction for all columns. None where the parts do not differ.
    pub columns: Vec<Importance>,
}

impl TwoSample {
    /// The accuracy of guesses.
    pub const CHANCE: f64 = 0.5;

    /// The layers of the network.
    pub const LAYERS: [&str; 3] = ["linear 32", "relu", "linear"];

    /// The share of rows whose part is told rightly.
    pub fn accuracy(&self) -> Option<f64> {
        self.answers.map(|answers| 1.0 - answers.error())
    }

    /// The 95 % interval of the accuracy by Wilson's formula: its lower and upper end.
    pub fn interval(&self) -> Option<[f64; 2]> {
        let [low, high] = self.answers?.interval();
        Some([1.0 - high, 1.0 - low])
    }

    /// What may be said of the two parts.
    pub fn verdict(&self) -> Verdict {
        match self.interval() {
            Some([low, _]) if low > Self::CHANCE => Verdict::Differ,
            // An accuracy below chance is chance, and says no more of how alike the parts are.
            Some([low, high]) if high.max(Self::CHANCE + (high - low) / 2.0) <= ALIKE => Verdict::Alike,
            _ => Verdict::TooFewRows,
        }
    }
}

/// Tells rows of two parts from one another by their inputs; the targets have no part in it. The rows are chosen by the seed of the
/// run, as is all else. The network is trained on the CPU.
///
/// # Errors
/// The network cannot be trained on such rows.
pub fn two_sample(job: &Job, parts: [&[u32]; 2]) -> Result<TwoSample, Error> {
    let rows = parts.map(<[u32]>::len).into_iter().fold(MOST, usize::min);
    if rows < FEWEST {
        return Ok(TwoSample { rows, answers: None, columns: vec![] });
    }
    let seed = job.settings.seed;
    let chosen = [0, 1].map(|part| {
        let mut chosen = parts[part].to_vec();
        chosen.shuffle(&mut Stream::new(seed, Domain::TwoSample, part as u32));
        chosen.truncate(rows);
        chosen
    });
    let encoded = told_apart(job, &chosen.concat(), rows);
    let mut folds = (0..FOLDS).map(|fold| Fold::train(job, &encoded, rows, fold)).collect::<Result<Vec<_>, _>>()?;
    let right: usize = folds.iter().map(|fold| fold.right).sum();
    let answers = Some(Tally { wrong: 2 * rows - right, of: 2 * rows });
    let found = TwoSample { rows, answers, columns: vec![] };
    if found.verdict() != Verdict::Differ {
        return Ok(found);
    }
    Ok(TwoSample { columns: columns(&mut folds, seed)?, ..found })
}

/// Rows with the part as the class to be learnt: so many of the first part, and then as many of the second.
fn told_apart(job: &Job, chosen: &[u32], rows: usize) -> Encoded {
    let labels = (0..chosen.len()).map(|row| u32::from(row >= rows)).collect();
    let dataset = Dataset {
        name: job.dataset.name.clone(),
        values: job.dataset.values_of(chosen),
        shape: job.dataset.shape.clone(),
        largest: job.dataset.largest,
        targets: Targets::Classes { labels, names: vec!["first".into(), "second".into()] },
        columns: job.dataset.columns.clone(),
        encoding: job.dataset.encoding.clone(),
        target: None,
        dialect: None,
        test: None,
        framing: job.dataset.framing,
        pool: None,
    };
    Encoded { dataset, normalize: job.normalize.1.clone(), constant: vec![], notes: vec![] }
}

/// A network that was trained on the other folds, and the rows of its own.
struct Fold {
    trainer: Trainer,
    rows: Vec<u32>,
    right: usize,
}

impl Fold {
    fn train(job: &Job, encoded: &Encoded, rows: usize, fold: usize) -> Result<Self, Error> {
        let (own, train): (Vec<u32>, Vec<u32>) =
            (0..2 * rows as u32).partition(|row| *row as usize % rows % FOLDS == fold);
        let batch = BATCH.min(train.len());
        let recipe = Recipe {
            layers: Some(TwoSample::LAYERS.map(str::to_owned).to_vec()),
            normalize: Some(job.normalize.0),
            optimizer: Some("adamw".into()),
            lr: Some(0.01),
            weight_decay: Some(0.1),
            batch: Some(batch),
            steps: Some(STEPS.0.max(STEPS.1 * train.len() / batch) as u64),
            validation: Some(HeldOut::Share(0.0)),
            seed: Some(job.settings.seed),
            // Nobody reads it.
            health: Some(0),
            ..Recipe::default()
        };
        let split = Split { train, test: own.clone(), ..Split::default() };
        let mut trainer = Trainer::new(job_of(recipe, encoded.clone(), split)?.0, &Device::CPU)?;
        trainer.fit(&mut ())?;
        let (right, _) = trainer.evaluate(&own)?.counted().unwrap_or_default();
        Ok(Self { trainer, rows: own, right })
    }

    /// How much each column of a table matters to the network on the rows of its fold.
    fn importance(&mut self, seed: u64) -> Result<Vec<Importance>, Error> {
        let mut predictor = Predictor::for_inputs(&self.trainer.model()?, false, None, &Device::CPU)?;
        let job = self.trainer.job();
        let places = job.dataset.encoding.places();
        let Values::Floats(values) = job.dataset.values_of(&self.rows) else { return Ok(vec![]) };
        let asked = (&job.problem, &job.scale, &job.dataset.targets, &*self.rows);
        let outputs = |values| Ok::<_, Error>(predictor.outputs(&Values::Floats(values))?);
        importance(asked, (&values, &places), (REPEATS, seed), outputs)
    }
}

/// The columns that give the difference away: the importance over the rows of all folds.
fn columns(folds: &mut [Fold], seed: u64) -> Result<Vec<Importance>, Error> {
    let all: usize = folds.iter().map(|fold| fold.rows.len()).sum();
    let mut sums: Vec<(Importance, f64)> = vec![];
    for fold in folds {
        let share = fold.rows.len() as f64 / all as f64;
        let mut found = fold.importance(seed)?;
        found.sort_by_key(|one| one.column);
        if sums.is_empty() {
            let none = |one: &Importance| Importance { drops: vec![0.0; one.drops.len()], mean: 0.0, ..one.clone() };
            sums = found.iter().map(|one| (none(one), 0.0)).collect();
        }
        for ((sum, variance), one) in sums.iter_mut().zip(found) {
            sum.mean += share * one.mean;
            sum.drops.iter_mut().zip(one.drops).for_each(|(sum, drop)| *sum += share * drop);
            // Of a mean over the rows of the fold, which are not those of another one.
            *variance += (share * (one.interval[1] - one.mean) / Z).powi(2);
        }
    }
    let p = |(one, variance): &(Importance, f64)| match variance.sqrt() {
        _ if one.mean <= 0.0 => 1.0,
        deviation => libm::erfc(one.mean / deviation * FRAC_1_SQRT_2),
    };
    let corrected = holm(&sums.iter().map(p).collect::<Vec<_>>());
    let told = sums.into_iter().zip(corrected).filter(|(_, p)| *p < 0.05).map(|((one, variance), _)| {
        let half = Z * variance.sqrt();
        Importance { interval: [one.mean - half, one.mean + half], ..one }
    });
    let mut told: Vec<Importance> = told.collect();
    told.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(told)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::from_floats;
    use crate::train::prepare_data;
    use rand_distr::{Distribution, StandardNormal};

    /// Rows of four normal columns. From row 150 on, the second one is larger by a shift.
    fn made(seed: u64, shift: f32) -> Job {
        let mut stream = Stream::new(seed, Domain::Check, 0);
        let mut values: Vec<f32> = (0..4 * 300).map(|_| StandardNormal.sample(&mut stream)).collect();
        values[4 * 150..].iter_mut().skip(1).step_by(4).for_each(|value| *value += shift);
        let data = from_floats(&values, &[4], Targets::of_labels(&[0, 1].repeat(150))).unwrap();
        let recipe =
            Recipe { validation: Some(0.0.into()), test: Some(0.0.into()), seed: Some(seed), ..Recipe::default() };
        prepare_data(&recipe, data).unwrap().0
    }

    fn told(seed: u64, shift: f32) -> TwoSample {
        let (first, second): (Vec<u32>, Vec<u32>) = ((0..150).collect(), (150..300).collect());
        two_sample(&made(seed, shift), [&first, &second]).unwrap()
    }

    /// The chance of a wrong claim is 2.5 % a seed, and that of two among ten 2.5 %; the seeds are fixed.
    #[test]
    fn parts_of_one_distribution_are_not_told_apart() {
        let wrong = (0..10).filter(|&seed| told(seed, 0.0).verdict() == Verdict::Differ).count();
        assert!(wrong <= 1, "{wrong} of 10");
    }

    /// The best rule on two normal columns a distance of 1.5 deviations apart is right on 77 % of rows.
    #[test]
    fn a_shifted_column_is_named_alone() {
        for seed in 0..5 {
            let found = told(seed, 1.5);
            let [low, high] = found.interval().unwrap();
            assert!(low < 0.773 && 0.773 < high + 0.06 && found.verdict() == Verdict::Differ, "{found:?}");
            assert_eq!(found.columns.iter().map(|one| one.column).collect::<Vec<_>>(), [1], "{found:?}");
        }
    }

    #[test]
    fn few_rows_make_no_claim() {
        let (job, rows): (Job, Vec<u32>) = (made(1, 0.0), (0..300).collect());
        let fewer = two_sample(&job, [&rows[..19], &rows[150..]]).unwrap();
        assert_eq!((fewer.rows, fewer.answers, fewer.verdict()), (19, None, Verdict::TooFewRows));
        let few = two_sample(&job, [&rows[..25], &rows[150..]]).unwrap();
        assert_eq!((few.rows, few.verdict()), (25, Verdict::TooFewRows), "{few:?}");
    }
}

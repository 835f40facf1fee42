//! What an answer that is the same for every row costs: a network that does no better has learnt nothing of its inputs.

use crate::data::Targets;
use crate::train::job::Job;

/// Most training rows that the loss is a mean over.
const MOST: usize = 4096;

/// The loss of the shares of the classes or labels, or of the mean of the numbers, on training rows.
pub(in crate::train) fn constant_loss(job: &Job) -> f64 {
    let train = &job.split.train;
    let rows: Vec<u32> = train.iter().step_by(train.len().div_ceil(MOST).max(1)).copied().collect();
    let n = rows.len() as f64;
    let each = || rows.iter().map(|&row| row as usize);
    let outputs = match &job.dataset.targets {
        Targets::Classes { labels, names } => {
            // Half a row more of each class: a share of 0 has no logarithm.
            let mut shares = vec![0.5 / (n + 0.5 * names.len() as f64); names.len()];
            each().for_each(|row| shares[labels[row] as usize] += 1.0 / (n + 0.5 * names.len() as f64));
            job.problem.outputs_of(&shares)
        }
        Targets::Labels { values, names } => {
            let share = |j: usize| each().filter(|row| values[row * names.len() + j] > 0.5).count() as f64;
            let shares: Vec<f64> = (0..names.len()).map(|j| (share(j) + 0.5) / (n + 1.0)).collect();
            job.problem.outputs_of(&shares)
        }
        Targets::Numbers { values, names } => {
            let mean = |j: usize| each().map(|row| values[row * names.len() + j]).sum::<f64>() / n;
            (0..names.len()).map(|j| job.scale.scaled(j, mean(j))).collect()
        }
    };
    job.evaluate(&outputs.repeat(rows.len()), &rows).loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Recipe, prepare};

    /// The entropy of ten classes of nearly equal shares is nearly ln 10.
    #[test]
    fn classes_cost_the_entropy_of_their_shares() {
        let (job, _) = prepare(&Recipe::default(), None).unwrap_or_else(|error| panic!("{error}"));
        let loss = constant_loss(&job);
        assert!((loss - 10_f64.ln()).abs() < 2e-3 && loss < 10_f64.ln(), "{loss}");
    }
}

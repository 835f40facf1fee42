//! What an answer that is the same for every row costs: a network that does no better has learnt nothing of its inputs.

use crate::data::Targets;
use crate::metrics::mean_loss;
use crate::train::job::Job;

/// Most training rows that the loss is a mean over.
const MOST: usize = 4096;

/// The loss of training for the shares of the classes or labels, or for the mean of the numbers, on training rows. A class counts
/// as much as it weighs in the loss.
pub(in crate::train) fn constant_loss(job: &Job) -> f64 {
    let train = &job.split.train;
    let rows: Vec<u32> = train.iter().step_by(train.len().div_ceil(MOST).max(1)).copied().collect();
    let n = rows.len() as f64;
    let each = || rows.iter().map(|&row| row as usize);
    let outputs = match &job.dataset.targets {
        Targets::Classes { labels, names } => {
            // Half a row more of each class: a share of 0 has no logarithm.
            let mut rows = vec![0.5; names.len()];
            each().for_each(|row| rows[labels[row] as usize] += 1.0);
            let weights = job.class_weights.iter().flatten();
            rows.iter_mut().zip(weights).for_each(|(rows, &weight)| *rows *= f64::from(weight));
            let all: f64 = rows.iter().sum();
            job.problem.outputs_of(&rows.iter().map(|rows| rows / all).collect::<Vec<_>>())
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
    let answers = (&*outputs.repeat(rows.len()), &job.dataset.targets, &*rows);
    mean_loss(&job.problem, &job.scale, answers, &job.weighing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::from_floats;
    use crate::train::{Recipe, prepare, prepare_data};

    /// The entropy of ten classes of nearly equal shares is nearly ln 10.
    #[test]
    fn classes_cost_the_entropy_of_their_shares() {
        let (job, _) = prepare(&Recipe::default(), None).unwrap_or_else(|error| panic!("{error}"));
        let loss = constant_loss(&job);
        assert!((loss - 10_f64.ln()).abs() < 2e-3 && loss < 10_f64.ln(), "{loss}");
    }

    /// Of 95 rows and 5 that count as much, any answer but an even one costs more than ln 2. The unweighted loss of the shares
    /// is 0.2.
    #[test]
    fn classes_cost_as_much_as_they_weigh_in_training() {
        let labels: Vec<u32> = (0..100).map(|row| u32::from(row % 20 == 0)).collect();
        let data =
            from_floats(&[0.5; 100], &[1], Targets::of_labels(&labels)).unwrap_or_else(|error| panic!("{error}"));
        let layers = Some(vec!["linear".to_owned()]);
        let of = |weights: Option<&str>| {
            let class_weights = weights.map(|text| text.parse().unwrap_or_else(|error| panic!("{error}")));
            let recipe = Recipe { layers: layers.clone(), class_weights, ..Recipe::default() };
            let (job, _) = prepare_data(&recipe, data.clone()).unwrap_or_else(|error| panic!("{error}"));
            constant_loss(&job)
        };
        let [even, weighed] = [None, Some("balanced")].map(of);
        assert!((0.15..0.3).contains(&even), "{even}");
        // Half a row more of the rare class is some of its weight.
        assert!((weighed - 2_f64.ln()).abs() < 0.02, "{weighed}");
    }
}

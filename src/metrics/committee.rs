//! How several models do, each alone and all together, and what their errors have in common.
//!
//! The error ε of a model on a row is its answer less the target: of classes the probabilities of all classes less 1 for the
//! right one and 0 for the others, of labels the probabilities less 0 or 1, of a regression the numbers in the data's units. A
//! squared error is summed over classes (Brier 1950), and is the mean over labels or over numbers. With v = E\[ε²\], the mean over
//! the models, and c = E\[ε_i ε_j\], the mean over pairs of different models, the mean of the answers of k models has the squared
//! error v/k + (k − 1)c/k (Goodfellow, Bengio & Courville 2016, "Deep learning", equation 7.51). Over the same rows this is no
//! estimate but an identity.

use super::evaluation::{Evaluation, Score, evaluate};
use crate::data::Targets;
use crate::nn::{Answer, Problem, TargetScale};

/// How a model did on rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Loss and right answers.
    pub evaluation: Evaluation,
    /// The mean over rows of its squared error.
    pub squared_error: f64,
}

impl Judgement {
    /// Compares outputs `[rows, outputs]` with the targets of these rows.
    ///
    /// # Panics
    /// The targets are of another kind than the problem: a fault of ours.
    pub fn of(problem: &Problem, scale: &TargetScale, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Self {
        let errors = errors(problem, scale, outputs, targets, rows);
        let evaluation = evaluate(problem, scale, outputs, targets, rows);
        Self { evaluation, squared_error: product(&errors, &errors) / divisor(problem, rows) }
    }

    /// The share of wrong answers; of a regression the mean squared error.
    pub fn error(&self) -> f64 {
        match self.evaluation.score {
            Score::Numbers { mse, .. } => mse,
            _ => 1.0 - self.evaluation.accuracy().unwrap_or(f64::NAN),
        }
    }
}

/// Models that answer together.
#[derive(Clone, Debug, PartialEq)]
pub struct Committee {
    /// How each model does alone.
    pub members: Vec<Judgement>,
    /// How their common answer does.
    pub together: Judgement,
    /// How many models average, one that counts several times being several: k.
    pub count: u64,
    /// The mean squared error of a model: v.
    pub variance: f64,
    /// The mean product of the errors of two different models: c. None of one model.
    pub covariance: Option<f64>,
}

impl Committee {
    /// Judges the outputs of `each` model and those of all `together`, all `[rows, outputs]`. Model i counts `counts[i]` times.
    ///
    /// # Panics
    /// The targets are of another kind than the problem, or there is no model: a fault of ours.
    pub fn of(
        (problem, scale): (&Problem, &TargetScale),
        (each, counts): (&[Vec<f32>], &[u32]),
        together: &[f32],
        (targets, rows): (&Targets, &[u32]),
    ) -> Self {
        let all: Vec<Vec<f64>> = each.iter().map(|outputs| errors(problem, scale, outputs, targets, rows)).collect();
        let judge = |outputs: &[f32]| Judgement::of(problem, scale, outputs, targets, rows);
        let members: Vec<Judgement> = each.iter().map(|outputs| judge(outputs)).collect();
        let count: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let k = count as f64;
        let own: f64 = members.iter().zip(counts).map(|(of, &n)| f64::from(n) * of.squared_error).sum();
        // The square of the sum of all errors has every pair in it.
        let mut sum = vec![0.0; all[0].len()];
        for (errors, &n) in all.iter().zip(counts) {
            sum.iter_mut().zip(errors).for_each(|(sum, error)| *sum += f64::from(n) * error);
        }
        let pairs = product(&sum, &sum) / divisor(problem, rows);
        let covariance = (count > 1).then(|| (pairs - own) / (k * (k - 1.0)));
        Self { members, together: judge(together), count, variance: own / k, covariance }
    }

    /// The squared error that the mean of the models' answers has: v/k + (k − 1)c/k.
    pub fn predicted(&self) -> f64 {
        let k = self.count as f64;
        self.variance / k + (k - 1.0) / k * self.covariance.unwrap_or(0.0)
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// By what a sum of squares is divided: rows, and where a squared error is a mean over outputs, also those.
fn divisor(problem: &Problem, rows: &[u32]) -> f64 {
    let outputs = match problem.answer {
        Answer::Class | Answer::Binary => 1,
        Answer::Labels | Answer::Numbers => problem.names.len(),
    };
    (rows.len() * outputs) as f64
}

/// The errors of all rows, one behind the other.
fn errors(problem: &Problem, scale: &TargetScale, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Vec<f64> {
    let width = problem.head().outputs;
    let each = outputs.chunks(width).zip(rows.iter().map(|&row| row as usize));
    each.flat_map(|(outputs, row)| {
        let mut errors = match targets {
            Targets::Numbers { .. } => outputs.iter().enumerate().map(|(j, &z)| scale.original(j, z)).collect(),
            _ => problem.probabilities(outputs),
        };
        match targets {
            Targets::Classes { labels, .. } => errors[labels[row] as usize] -= 1.0,
            Targets::Labels { values, .. } => {
                errors.iter_mut().zip(&values[row * width..]).for_each(|(error, &target)| *error -= f64::from(target));
            }
            Targets::Numbers { values, .. } => {
                errors.iter_mut().zip(&values[row * width..]).for_each(|(error, &target)| *error -= target);
            }
        }
        errors
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;

    fn numbers(values: Vec<f64>) -> (Problem, Targets) {
        let names = vec!["y".to_owned()];
        let problem = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: names.clone() };
        (problem, Targets::Numbers { values, names })
    }

    /// By hand, three models on two rows with the targets 0: errors (1, 1), (2, 0) and (0, −2). Squared errors 1, 2, 2, so
    /// v = 5/3; products 1, −1, 0, so c = 0; their mean (1, −1/3) has the squared error 5/9 = v/3. Row 1 is left out.
    #[test]
    fn variance_and_covariance_are_those_by_hand() {
        let (problem, targets) = numbers(vec![0.0, 99.0, 0.0]);
        let each = [vec![1.0, 1.0], vec![2.0, 0.0], vec![0.0, -2.0]];
        let scale = TargetScale::none(1);
        let judged = |counts: &[u32], together: &[f32]| {
            Committee::of((&problem, &scale), (&each, counts), together, (&targets, &[0, 2]))
        };
        let of = judged(&[1, 1, 1], &[1.0, -1.0 / 3.0]);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-7;
        assert_eq!(of.members.iter().map(|member| member.squared_error).collect::<Vec<_>>(), [1.0, 2.0, 2.0]);
        assert!(near(of.variance, 5.0 / 3.0) && of.covariance.is_some_and(|c| near(c, 0.0)), "{of:?}");
        assert!(near(of.predicted(), 5.0 / 9.0) && near(of.together.squared_error, 5.0 / 9.0), "{of:?}");
        // The first counts twice: errors (1, 1), (1, 1), (2, 0), (0, −2), mean (1, 0).
        let of = judged(&[2, 1, 1], &[1.0, 0.0]);
        assert_eq!((of.count, of.variance, of.covariance), (4, 1.5, Some((1.0 + 2.0 - 2.0 + 0.0) / 6.0)));
        assert_eq!((of.predicted(), of.together.squared_error), (0.5, 0.5));
        let one = Committee::of((&problem, &scale), (&each[1..2], &[1]), &each[1], (&targets, &[0, 2]));
        assert_eq!((one.variance, one.covariance, one.predicted()), (2.0, None, 2.0));
    }

    /// Probabilities ¾ and ¼ for the classes, by one output or by two: the first is right once and wrong once.
    #[test]
    fn squared_errors_of_classes_are_summed_and_those_of_labels_are_means() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let third = (1f32 / 3.0).ln();
        let classes = Targets::Classes { labels: vec![0, 1], names: names.clone() };
        let scale = TargetScale::none(2);
        let class = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names: names.clone() };
        let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, names: names.clone() };
        let wanted = f64::midpoint(2.0 / 16.0, 2.0 * 9.0 / 16.0);
        for (problem, outputs) in [(&class, &[0.0, third, 0.0, third][..]), (&binary, &[third, third])] {
            let of = Judgement::of(problem, &scale, outputs, &classes, &[0, 1]);
            assert!((of.squared_error - wanted).abs() < 1e-7 && (of.error() - 0.5).abs() < 1e-12, "{of:?}");
        }
        let labels = Problem { answer: Answer::Labels, loss: Loss::BINARY_CROSS_ENTROPY, names: names.clone() };
        let targets = Targets::Labels { values: vec![1.0, 0.0], names };
        let of = Judgement::of(&labels, &scale, &[third, third], &targets, &[0]);
        assert!((of.squared_error - f64::midpoint(9.0, 1.0) / 16.0).abs() < 1e-7, "{of:?}");
    }
}

//! Means of answers: of several models, of several views of one input, and of several of dropout's masks.

use crate::export::Average;
use crate::nn::Problem;

/// How several answers are averaged.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// What the mean is taken of.
    pub average: Average,
    /// How often each of them counts.
    pub counts: Vec<u32>,
}

impl Mean {
    /// Of the probabilities, or the numbers, of so many that count alike.
    pub fn of_alike(count: usize) -> Self {
        Self { average: Average::Probabilities, counts: vec![1; count] }
    }

    /// The outputs `[inputs, outputs]` of inputs with several views each, `[inputs, views, outputs]`: those whose probabilities,
    /// or numbers, are the means of the views'.
    pub fn of_views(problem: &Problem, outputs: &[f32], views: usize) -> Vec<f32> {
        if views < 2 {
            return outputs.to_vec();
        }
        let (width, mean) = (problem.head().outputs, Self::of_alike(views));
        let of_input = |views: &[f32]| mean.outputs(problem, &views.chunks(width).collect::<Vec<_>>());
        outputs.chunks(width * views).flat_map(of_input).collect()
    }

    /// The outputs that stand for the mean of several, each `[rows, outputs]`; of one alone its own. Means of probabilities are
    /// taken by their logarithms, so that none becomes 0 or 1 by rounding.
    ///
    /// # Panics
    /// There is not one count for each.
    pub fn outputs(&self, problem: &Problem, each: &[&[f32]]) -> Vec<f32> {
        assert_eq!(each.len(), self.counts.len(), "one count for each");
        if let [one] = each {
            return one.to_vec();
        }
        let (width, link) = (problem.head().outputs, problem.loss.kind().link);
        let counted = || each.iter().zip(self.counts.iter().map(|&count| f64::from(count)));
        let k: f64 = counted().map(|(_, count)| count).sum();
        let all = 0..each[0].len();
        match link.name {
            "softmax" if self.average == Average::Probabilities => {
                let norm = |row: &[f32]| log_sum(row.iter().map(|&z| f64::from(z)));
                let norms: Vec<Vec<f64>> = each.iter().map(|of| of.chunks(width).map(norm).collect()).collect();
                all.map(|at| {
                    let logs = counted().zip(&norms);
                    let logs = logs.map(|((of, count), norm)| count.ln() + f64::from(of[at]) - norm[at / width]);
                    (log_sum(logs) - k.ln()) as f32
                })
                .collect()
            }
            "sigmoid" if self.average == Average::Probabilities => all
                .map(|at| {
                    let log = |sign: f64| {
                        log_sum(counted().map(|(of, count)| count.ln() - softplus(-sign * f64::from(of[at]))))
                    };
                    (log(1.0) - log(-1.0)) as f32
                })
                .collect(),
            _ => {
                all.map(|at| (counted().map(|(of, count)| count * f64::from(of[at])).sum::<f64>() / k) as f32).collect()
            }
        }
    }
}

/// log(1 + exp(x)), for any x.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// log Σ exp(x), for any finite x; NaN if one is NaN.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    most + values.map(|x| (x - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Answer, Loss};

    fn class(names: usize) -> Problem {
        Problem {
            answer: Answer::Class,
            loss: Loss::CROSS_ENTROPY,
            names: (0..names).map(|name| name.to_string()).collect(),
        }
    }

    fn mean(average: Average, counts: &[u32]) -> Mean {
        Mean { average, counts: counts.to_vec() }
    }

    /// Two members with the logits 10, 0 and 0, 1: the mean of e¹⁰/(e¹⁰ + 1) and 1/(1 + e), or the softmax of 5, ½. The first
    /// three times: a quarter of 3 e¹⁰/(e¹⁰ + 1) + 1/(1 + e).
    #[test]
    fn means_are_those_by_hand() {
        let each = [&[10.0, 0.0][..], &[0.0, 1.0]];
        let first = |mean: Mean| class(2).probabilities(&mean.outputs(&class(2), &each))[0];
        assert!((first(mean(Average::Probabilities, &[1, 1])) - 0.634_448).abs() < 1e-6);
        assert!((first(mean(Average::Logits, &[1, 1])) - 0.989_013).abs() < 1e-6);
        assert!((first(mean(Average::Probabilities, &[3, 1])) - 0.817_201).abs() < 1e-6);
        // One output says how likely the second class is: the same two members.
        let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, ..class(2) };
        let found = mean(Average::Probabilities, &[1, 1]).outputs(&binary, &[&[-10.0], &[1.0]]);
        assert!((binary.probabilities(&found)[0] - 0.634_448).abs() < 1e-6);
        let found = mean(Average::Logits, &[1, 1]).outputs(&binary, &[&[-10.0], &[1.0]]);
        assert!((binary.probabilities(&found)[0] - 0.989_013).abs() < 1e-6);
    }

    /// Certain answers of all members stay finite: float64 knows no number next to 1 for them.
    #[test]
    fn certain_members_give_finite_outputs() {
        let both = mean(Average::Probabilities, &[1, 1]);
        let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, ..class(2) };
        let found = both.outputs(&binary, &[&[90.0], &[90.0]]);
        assert!((found[0] - 90.0).abs() < 1e-4, "{found:?}");
        let found = both.outputs(&class(2), &[&[900.0, -900.0], &[900.0, -900.0]]);
        assert!((found[0] - found[1] - 1800.0).abs() < 1e-3, "{found:?}");
        let found = both.outputs(&class(2), &[&[f32::NAN, 0.0], &[0.0, 0.0]]);
        assert!(found[0].is_nan());
    }

    /// Two views of an input, and two of another: certain answers stay finite, and ½ and ¼ have the mean ⅜.
    #[test]
    fn views_of_certain_answers_give_finite_outputs() {
        let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, ..class(2) };
        let found = Mean::of_views(&binary, &[40.0, 42.0, 0.0, -(3f32.ln())], 2);
        // By hand: of the views 1 − p is e⁻⁴⁰ and e⁻⁴², but for parts in 10¹⁷.
        let wanted = 40.0 - ((1.0 + (-2f64).exp()) / 2.0).ln();
        assert!((f64::from(found[0]) - wanted).abs() < 1e-5, "{found:?} {wanted}");
        assert!((binary.probabilities(&found[1..])[1] - 0.375).abs() < 1e-6 && found.len() == 2, "{found:?}");
        let found = Mean::of_views(&class(2), &[0.0, 800.0, 0.0, 800.0], 2);
        assert!(found.iter().all(|z| z.is_finite()) && (found[1] - found[0] - 800.0).abs() < 1e-3, "{found:?}");
        assert_eq!(Mean::of_views(&binary, &[0.1, 0.7], 1), [0.1, 0.7]);
        let squares = Problem { loss: Loss::MSE, ..binary };
        assert_eq!(Mean::of_views(&squares, &[1.0, 2.0, 4.0, 8.0], 2), [1.5, 6.0]);
    }

    /// With the sum over a row anew for each of its outputs, it would take 5 · 10⁹ exponentials: minutes.
    #[test]
    fn many_classes_take_a_time_in_proportion() {
        let classes = 50_000;
        let outputs: Vec<f32> = (0..classes).map(|class| (class % 7) as f32).collect();
        let started = std::time::Instant::now();
        let problem = class(classes);
        let found = mean(Average::Probabilities, &[1, 1]).outputs(&problem, &[&outputs, &outputs]);
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert!((problem.probabilities(&found)[6] - problem.probabilities(&outputs)[6]).abs() < 1e-9);
    }
}

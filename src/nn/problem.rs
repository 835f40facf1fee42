//! What is to be learnt, and what a network's outputs say of it.

use super::{Head, Loss};
use serde::{Deserialize, Serialize};

/// What the outputs of a row say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One of several classes, an output for each.
    #[default]
    Class,
    /// One of two classes, by one output.
    Binary,
    /// Yes or no for each of several labels.
    Labels,
    /// Numbers.
    Numbers,
}

impl Answer {
    /// Whether the loss is one for such answers.
    pub fn is_judged_by(self, loss: Loss) -> bool {
        match self {
            Self::Class => loss == Loss::CrossEntropy,
            Self::Binary => loss != Loss::CrossEntropy,
            Self::Labels => loss == Loss::BinaryCrossEntropy,
            Self::Numbers => loss == Loss::Mse,
        }
    }
}

/// The question that training data put, and the loss that judges answers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is answered.
    pub answer: Answer,
    /// How far off an answer is.
    pub loss: Loss,
    /// Names of the classes, the labels or the numbers.
    pub names: Vec<String>,
}

impl Problem {
    /// What stands behind the layers.
    pub fn head(&self) -> Head {
        Head { loss: self.loss, outputs: if self.answer == Answer::Binary { 1 } else { self.names.len() } }
    }

    /// Probability of each class or label from the outputs of one row; the numbers of a regression as they are.
    pub fn probabilities(&self, outputs: &[f32]) -> Vec<f64> {
        let yes = |z: f32| if self.loss == Loss::BinaryCrossEntropy { sigmoid(f64::from(z)) } else { f64::from(z) };
        match self.answer {
            Answer::Class => softmax(outputs),
            Answer::Binary => vec![1.0 - yes(outputs[0]), yes(outputs[0])],
            Answer::Labels => outputs.iter().map(|&z| yes(z)).collect(),
            Answer::Numbers => outputs.iter().map(|&z| f64::from(z)).collect(),
        }
    }

    /// Outputs that mean these probabilities: the way back from [`Problem::probabilities`].
    pub fn outputs_of(&self, probabilities: &[f64]) -> Vec<f32> {
        let yes = |p: f64| if self.loss == Loss::BinaryCrossEntropy { (p / (1.0 - p)).ln() } else { p };
        let outputs: Vec<f64> = match self.answer {
            Answer::Class => probabilities.iter().map(|p| p.ln()).collect(),
            Answer::Binary => vec![yes(probabilities[1])],
            Answer::Labels => probabilities.iter().map(|&p| yes(p)).collect(),
            Answer::Numbers => probabilities.to_vec(),
        };
        outputs.into_iter().map(|z| z as f32).collect()
    }

    /// The class that the outputs of a row name: the first of the largest.
    pub fn class(&self, outputs: &[f32]) -> usize {
        match self.answer {
            Answer::Binary => usize::from(self.is_yes(outputs[0])),
            _ => largest(outputs),
        }
    }

    /// Whether an output says yes.
    pub fn is_yes(&self, output: f32) -> bool {
        output > if self.loss == Loss::BinaryCrossEntropy { 0.0 } else { 0.5 }
    }

    /// The loss of a row whose right class is known.
    pub fn loss_of_class(&self, outputs: &[f32], class: usize) -> f64 {
        match self.answer {
            Answer::Class => -log_softmax(outputs, class),
            _ => self.loss_of_numbers(outputs, &[class as f32]),
        }
    }

    /// The loss of a row whose right numbers, 0 or 1 for labels, are known.
    pub fn loss_of_numbers(&self, outputs: &[f32], targets: &[f32]) -> f64 {
        let loss = |(&z, &t): (&f32, &f32)| {
            let (z, t) = (f64::from(z), f64::from(t));
            match self.loss {
                Loss::Mse => (z - t).powi(2),
                _ if z.is_nan() => z,
                _ => {
                    // Of certain answers, whose logits are infinite, a right one costs nothing.
                    let off = if z > 0.0 { 1.0 - t } else { t };
                    let far = if off == 0.0 { 0.0 } else { z.abs() * off };
                    far + (-z.abs()).exp().ln_1p()
                }
            }
        };
        outputs.iter().zip(targets).map(loss).sum::<f64>() / outputs.len() as f64
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn largest(outputs: &[f32]) -> usize {
    (0..outputs.len()).fold(0, |best, j| if outputs[j] > outputs[best] { j } else { best })
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let best = f64::from(logits[largest(logits)]);
    let exponentials: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - best).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|e| e / sum).collect()
}

fn log_softmax(logits: &[f32], class: usize) -> f64 {
    let best = f64::from(logits[largest(logits)]);
    let z = |j: usize| f64::from(logits[j]) - best;
    z(class) - (0..logits.len()).map(|j| z(j).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(answer: Answer, loss: Loss, names: usize) -> Problem {
        Problem { answer, loss, names: (0..names).map(|i| i.to_string()).collect() }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn classes_are_judged_by_softmax() {
        let p = problem(Answer::Class, Loss::CrossEntropy, 3);
        let outputs = [1.0, 3.0, 3.0];
        assert_eq!((p.head().outputs, p.class(&outputs)), (3, 1));
        let all = p.probabilities(&outputs);
        assert!(near(all.iter().sum(), 1.0) && near(p.loss_of_class(&outputs, 0), -all[0].ln()));
        assert!(p.loss_of_class(&[1.0, f32::NAN, 0.0], 0).is_nan());
        assert!(near(p.loss_of_class(&[5e3, -5e3, 0.0], 1), 1e4));
    }

    #[test]
    fn one_output_says_yes_or_no() {
        let p = problem(Answer::Binary, Loss::BinaryCrossEntropy, 2);
        assert_eq!((p.head().outputs, p.class(&[0.1]), p.class(&[-0.1])), (1, 1, 0));
        let [no, yes] = p.probabilities(&[2.0])[..] else { panic!("two classes") };
        assert!(near(no + yes, 1.0) && near(p.loss_of_class(&[2.0], 1), -yes.ln()));
        assert!(near(p.loss_of_class(&[2.0], 0), -no.ln()) && near(p.loss_of_class(&[-1e4], 1), 1e4));
        let certain = [f32::INFINITY, f32::NEG_INFINITY].map(|z| [0, 1].map(|class| p.loss_of_class(&[z], class)));
        assert_eq!(certain, [[f64::INFINITY, 0.0], [0.0, f64::INFINITY]]);
        let squares = problem(Answer::Binary, Loss::Mse, 2);
        assert_eq!((squares.class(&[0.4]), squares.class(&[0.6])), (0, 1));
        assert!(near(squares.loss_of_class(&[0.25], 1), 0.5625));
    }

    #[test]
    fn labels_and_numbers_are_means_over_outputs() {
        let p = problem(Answer::Labels, Loss::BinaryCrossEntropy, 2);
        assert!(near(p.loss_of_numbers(&[0.0, 0.0], &[1.0, 0.0]), 2f64.ln()));
        let p = problem(Answer::Numbers, Loss::Mse, 2);
        assert!(near(p.loss_of_numbers(&[1.0, 2.0], &[0.0, 0.0]), 2.5));
        assert_eq!(p.probabilities(&[1.5, -2.0]), [1.5, -2.0]);
    }

    #[test]
    fn outputs_and_probabilities_are_two_ways_of_one_thing() {
        let same = |p: Problem, outputs: &[f32]| {
            let probabilities = p.probabilities(outputs);
            let again = p.probabilities(&p.outputs_of(&probabilities));
            probabilities.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        assert!(same(problem(Answer::Class, Loss::CrossEntropy, 3), &[1.0, -2.0, 0.5]));
        assert!(same(problem(Answer::Binary, Loss::BinaryCrossEntropy, 2), &[1.7]));
        assert!(same(problem(Answer::Binary, Loss::Mse, 2), &[0.3]));
        assert!(same(problem(Answer::Labels, Loss::BinaryCrossEntropy, 2), &[1.7, -3.0]));
        assert!(same(problem(Answer::Numbers, Loss::Mse, 2), &[1.7, -3.0]));
    }
}

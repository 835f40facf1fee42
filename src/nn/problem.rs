//! What is to be learnt, and how outputs of a network are read as answers.

use super::{Head, Loss};
use crate::op::{Answer, Right, Weighing, largest};

/// The question that training data put, and the loss that judges answers to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The kind of answer that is wanted.
    pub answer: Answer,
    /// How far off an answer is.
    pub loss: Loss,
    /// Names of the classes, the labels or the numbers.
    pub names: Vec<String>,
}

impl Problem {
    /// The loss, and the number of outputs that it needs of the last layer.
    pub fn head(&self) -> Head {
        Head { loss: self.loss, outputs: if self.answer == Answer::Binary { 1 } else { self.names.len() } }
    }

    /// Probability of each class or label from the outputs of one row; the numbers of a regression as they are.
    pub fn probabilities(&self, outputs: &[f32]) -> Vec<f64> {
        let applied = (self.loss.kind().link.apply)(outputs);
        if self.answer == Answer::Binary { vec![1.0 - applied[0], applied[0]] } else { applied }
    }

    /// Outputs that mean these probabilities: the way back from [`Problem::probabilities`].
    pub fn outputs_of(&self, probabilities: &[f64]) -> Vec<f32> {
        let own = if self.answer == Answer::Binary { &probabilities[1..] } else { probabilities };
        (self.loss.kind().link.invert)(own)
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
        output > self.loss.kind().link.yes_above
    }

    /// The loss of a row whose right class is known.
    pub fn loss_of_class(&self, outputs: &[f32], class: usize, weighing: &Weighing) -> f64 {
        match self.answer {
            Answer::Class => self.loss.of_row(outputs, Right::Class(class), weighing),
            _ => self.loss.of_row(outputs, Right::Numbers(&[class as f32]), weighing),
        }
    }

    /// The loss of a row whose right numbers, 0 or 1 for labels, are known.
    pub fn loss_of_numbers(&self, outputs: &[f32], targets: &[f32], weighing: &Weighing) -> f64 {
        self.loss.of_row(outputs, Right::Numbers(targets), weighing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Weighing = Weighing { label_smoothing: 0.0, class_weights: vec![] };

    fn problem(answer: Answer, loss: Loss, names: usize) -> Problem {
        Problem { answer, loss, names: (0..names).map(|i| i.to_string()).collect() }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn classes_are_judged_by_softmax() {
        let p = problem(Answer::Class, Loss::CROSS_ENTROPY, 3);
        let outputs = [1.0, 3.0, 3.0];
        assert_eq!((p.head().outputs, p.class(&outputs)), (3, 1));
        let all = p.probabilities(&outputs);
        assert!(near(all.iter().sum(), 1.0) && near(p.loss_of_class(&outputs, 0, &PLAIN), -all[0].ln()));
        assert!(p.loss_of_class(&[1.0, f32::NAN, 0.0], 0, &PLAIN).is_nan());
        assert!(near(p.loss_of_class(&[5e3, -5e3, 0.0], 1, &PLAIN), 1e4));
    }

    #[test]
    fn one_output_says_yes_or_no() {
        let p = problem(Answer::Binary, Loss::BINARY_CROSS_ENTROPY, 2);
        assert_eq!((p.head().outputs, p.class(&[0.1]), p.class(&[-0.1])), (1, 1, 0));
        let [no, yes] = p.probabilities(&[2.0])[..] else { panic!("two classes") };
        assert!(near(no + yes, 1.0) && near(p.loss_of_class(&[2.0], 1, &PLAIN), -yes.ln()));
        assert!(near(p.loss_of_class(&[2.0], 0, &PLAIN), -no.ln()) && near(p.loss_of_class(&[-1e4], 1, &PLAIN), 1e4));
        let certain =
            [f32::INFINITY, f32::NEG_INFINITY].map(|z| [0, 1].map(|class| p.loss_of_class(&[z], class, &PLAIN)));
        assert_eq!(certain, [[f64::INFINITY, 0.0], [0.0, f64::INFINITY]]);
        let squares = problem(Answer::Binary, Loss::MSE, 2);
        assert_eq!((squares.class(&[0.4]), squares.class(&[0.6])), (0, 1));
        assert!(near(squares.loss_of_class(&[0.25], 1, &PLAIN), 0.5625));
    }

    #[test]
    fn labels_and_numbers_are_means_over_outputs() {
        let p = problem(Answer::Labels, Loss::BINARY_CROSS_ENTROPY, 2);
        assert!(near(p.loss_of_numbers(&[0.0, 0.0], &[1.0, 0.0], &PLAIN), 2f64.ln()));
        let p = problem(Answer::Numbers, Loss::MSE, 2);
        assert!(near(p.loss_of_numbers(&[1.0, 2.0], &[0.0, 0.0], &PLAIN), 2.5));
        assert_eq!(p.probabilities(&[1.5, -2.0]), [1.5, -2.0]);
    }

    #[test]
    fn outputs_and_probabilities_are_two_ways_of_one_thing() {
        let same = |p: Problem, outputs: &[f32]| {
            let probabilities = p.probabilities(outputs);
            let again = p.probabilities(&p.outputs_of(&probabilities));
            probabilities.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        assert!(same(problem(Answer::Class, Loss::CROSS_ENTROPY, 3), &[1.0, -2.0, 0.5]));
        assert!(same(problem(Answer::Binary, Loss::BINARY_CROSS_ENTROPY, 2), &[1.7]));
        assert!(same(problem(Answer::Binary, Loss::MSE, 2), &[0.3]));
        assert!(same(problem(Answer::Labels, Loss::BINARY_CROSS_ENTROPY, 2), &[1.7, -3.0]));
        assert!(same(problem(Answer::Numbers, Loss::MSE, 2), &[1.7, -3.0]));
    }
}

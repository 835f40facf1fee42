//! Which problem a data set and a network pose: what is answered, and by which loss.

use crate::data::Targets;
use crate::error::Error;
use crate::nn::{Answer, Loss, Problem};

/// The problem of these targets for a network of these layers. The loss that is wanted, or else the one that target and
/// last layer imply: `mse` for numbers, `binary_cross_entropy` for labels, and for two classes that one output tells
/// apart (`linear 1`, or a last `sigmoid`); `cross_entropy` for all other classes.
///
/// # Errors
/// The loss that is wanted does not fit the targets.
pub fn question(targets: &Targets, layers: &[String], wanted: Option<Loss>) -> Result<Problem, Error> {
    let refused = |what: String| Err(Error::Setting(what));
    let names = targets.names().to_vec();
    let count = names.len();
    let (answer, loss) = match (targets, wanted) {
        (Targets::Numbers { .. }, None | Some(Loss::Mse)) => (Answer::Numbers, Loss::Mse),
        (Targets::Numbers { .. }, Some(loss)) => {
            return refused(format!(
                "{loss} judges classes, but the target is a number: use mse, or --task classification"
            ));
        }
        (Targets::Labels { .. }, None | Some(Loss::BinaryCrossEntropy)) => (Answer::Labels, Loss::BinaryCrossEntropy),
        (Targets::Labels { .. }, Some(loss)) => {
            return refused(format!("{loss} does not judge several labels of a row: use binary_cross_entropy"));
        }
        (Targets::Classes { .. }, Some(Loss::CrossEntropy)) => (Answer::Class, Loss::CrossEntropy),
        (Targets::Classes { .. }, Some(Loss::Mse)) if count == 2 && !ends_in(layers, "sigmoid") => {
            return refused(
                "mse on two classes takes an output between 0 and 1: let the layers end in a sigmoid".into(),
            );
        }
        (Targets::Classes { .. }, Some(loss)) if count == 2 => (Answer::Binary, loss),
        (Targets::Classes { .. }, Some(loss)) => {
            return refused(format!(
                "{loss} has one output for two classes, but there are {count}: use cross_entropy, or a target column of 0 \
                 and 1 for each class"
            ));
        }
        (Targets::Classes { .. }, None) if count == 2 && has_one_output(layers) => {
            (Answer::Binary, Loss::BinaryCrossEntropy)
        }
        (Targets::Classes { .. }, None) => (Answer::Class, Loss::CrossEntropy),
    };
    Ok(Problem { answer, loss, names })
}

/// Whether layers end in one output, or in the sigmoid of one.
fn has_one_output(layers: &[String]) -> bool {
    ends_in(layers, "sigmoid") || ends_in(layers, "linear 1")
}

/// Whether the last layer begins with these words.
fn ends_in(layers: &[String], words: &str) -> bool {
    let mut last = layers.last().map_or("", String::as_str).split_whitespace();
    words.split(' ').all(|word| last.next() == Some(word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn classes(count: u32) -> Targets {
        let names = (0..count).map(|i| i.to_string()).collect();
        Targets::Classes { labels: (0..count).collect(), names }
    }

    fn posed(targets: &Targets, last: &str, wanted: Option<Loss>) -> Result<(Answer, Loss), String> {
        let layers = ["linear 4", "relu", last].map(str::to_owned);
        question(targets, &layers, wanted).map(|p| (p.answer, p.loss)).map_err(|e| e.to_string())
    }

    #[test]
    fn target_and_last_layer_imply_the_loss() {
        let numbers = Targets::Numbers { values: vec![1.5], names: vec!["y".into()] };
        let labels = Targets::Labels { values: vec![1.0, 0.0], names: vec!["a".into(), "b".into()] };
        assert_eq!(posed(&numbers, "linear", None), Ok((Answer::Numbers, Loss::Mse)));
        assert_eq!(posed(&labels, "linear", None), Ok((Answer::Labels, Loss::BinaryCrossEntropy)));
        assert_eq!(posed(&classes(2), "linear", None), Ok((Answer::Class, Loss::CrossEntropy)));
        assert_eq!(posed(&classes(2), "linear 1", None), Ok((Answer::Binary, Loss::BinaryCrossEntropy)));
        assert_eq!(posed(&classes(2), "sigmoid", None), Ok((Answer::Binary, Loss::BinaryCrossEntropy)));
        assert_eq!(posed(&classes(3), "linear 1", None), Ok((Answer::Class, Loss::CrossEntropy)));
        assert_eq!(posed(&classes(2), "linear 12", None), Ok((Answer::Class, Loss::CrossEntropy)));
        assert_eq!(posed(&classes(2), "sigmoid", Some(Loss::Mse)), Ok((Answer::Binary, Loss::Mse)));
        assert_eq!(posed(&classes(2), "linear", Some(Loss::CrossEntropy)), Ok((Answer::Class, Loss::CrossEntropy)));
    }

    #[test]
    fn a_loss_that_does_not_fit_is_refused() {
        let numbers = Targets::Numbers { values: vec![1.5], names: vec!["y".into()] };
        assert!(posed(&classes(10), "linear 1", Some(Loss::BinaryCrossEntropy)).unwrap_err().contains("there are 10"));
        assert!(posed(&classes(3), "linear", Some(Loss::Mse)).unwrap_err().contains("there are 3"));
        assert!(posed(&classes(2), "linear", Some(Loss::Mse)).unwrap_err().contains("end in a sigmoid"));
        assert!(posed(&numbers, "linear", Some(Loss::CrossEntropy)).unwrap_err().contains("is a number"));
    }
}

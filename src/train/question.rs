//! Which problem a data set and a network pose: what is answered, and by which loss.

use crate::data::Targets;
use crate::error::Error;
use crate::nn::{Answer, Loss, Problem};
use crate::ops::losses;

/// The problem of these targets for a network of these layers. The loss that is wanted, or else the default of the answer
/// that target and last layer imply: numbers; labels; for two classes that one output tells apart (`linear 1`, or a last
/// `sigmoid`) a yes or no; a class for all others.
///
/// # Errors
/// The loss that is wanted does not fit the targets.
pub fn question(targets: &Targets, layers: &[String], wanted: Option<Loss>) -> Result<Problem, Error> {
    let names = targets.names().to_vec();
    let possible: &[Answer] = match targets {
        Targets::Numbers { .. } => &[Answer::Numbers],
        Targets::Labels { .. } => &[Answer::Labels],
        Targets::Classes { .. } if names.len() != 2 => &[Answer::Class],
        Targets::Classes { .. } if has_one_output(layers) => &[Answer::Binary, Answer::Class],
        Targets::Classes { .. } => &[Answer::Class, Answer::Binary],
    };
    let Some(loss) = wanted else {
        return Ok(Problem { answer: possible[0], loss: Loss::default_for(possible[0]), names });
    };
    let Some(&answer) = possible.iter().find(|&&answer| loss.judges(answer)) else {
        return Err(Error::Setting(refusal(loss, targets, possible)));
    };
    let is_probability = loss.kind().link.gives_probabilities || ends_in(layers, "sigmoid");
    if answer == Answer::Binary && !is_probability {
        let what = "on two classes takes an output between 0 and 1: let the layers end in a sigmoid";
        return Err(Error::Setting(format!("{loss} {what}")));
    }
    Ok(Problem { answer, loss, names })
}

/// Why a loss does not fit the targets, and which losses do.
fn refusal(loss: Loss, targets: &Targets, possible: &[Answer]) -> String {
    let fitting: Vec<&str> = losses()
        .filter(|kind| possible.iter().any(|answer| kind.answers.contains(answer)))
        .map(|kind| kind.name)
        .collect();
    let fitting = fitting.join(" or ");
    match targets {
        Targets::Numbers { .. } => {
            format!("{loss} judges classes, but the target is a number: use {fitting}, or `task = classification`")
        }
        Targets::Labels { .. } => format!("{loss} does not judge several labels of a row: use {fitting}"),
        Targets::Classes { .. } if loss.judges(Answer::Binary) => format!(
            "{loss} has one output for two classes, but there are {}: use {fitting}, or a target column of 0 and 1 for \
             each class",
            targets.names().len()
        ),
        Targets::Classes { .. } => format!(
            "{loss} judges numbers, but the target has {} classes: use {fitting}, or `task = regression`",
            targets.names().len()
        ),
    }
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
        assert_eq!(posed(&numbers, "linear", None), Ok((Answer::Numbers, Loss::MSE)));
        assert_eq!(posed(&labels, "linear", None), Ok((Answer::Labels, Loss::BINARY_CROSS_ENTROPY)));
        assert_eq!(posed(&classes(2), "linear", None), Ok((Answer::Class, Loss::CROSS_ENTROPY)));
        assert_eq!(posed(&classes(2), "linear 1", None), Ok((Answer::Binary, Loss::BINARY_CROSS_ENTROPY)));
        assert_eq!(posed(&classes(2), "sigmoid", None), Ok((Answer::Binary, Loss::BINARY_CROSS_ENTROPY)));
        assert_eq!(posed(&classes(3), "linear 1", None), Ok((Answer::Class, Loss::CROSS_ENTROPY)));
        assert_eq!(posed(&classes(2), "linear 12", None), Ok((Answer::Class, Loss::CROSS_ENTROPY)));
        assert_eq!(posed(&classes(2), "sigmoid", Some(Loss::MSE)), Ok((Answer::Binary, Loss::MSE)));
        assert_eq!(posed(&classes(2), "linear", Some(Loss::CROSS_ENTROPY)), Ok((Answer::Class, Loss::CROSS_ENTROPY)));
    }

    #[test]
    fn a_loss_that_does_not_fit_is_refused() {
        let numbers = Targets::Numbers { values: vec![1.5], names: vec!["y".into()] };
        assert!(
            posed(&classes(10), "linear 1", Some(Loss::BINARY_CROSS_ENTROPY)).unwrap_err().contains("there are 10")
        );
        assert!(posed(&classes(3), "linear", Some(Loss::MSE)).unwrap_err().contains("there are 3"));
        assert!(posed(&classes(2), "linear", Some(Loss::MSE)).unwrap_err().contains("end in a sigmoid"));
        let refused = posed(&numbers, "linear", Some(Loss::CROSS_ENTROPY)).unwrap_err();
        assert!(refused.contains("is a number: use huber or mse"), "{refused}");
        let huber = "huber".parse().unwrap();
        assert_eq!(posed(&numbers, "linear", Some(huber)), Ok((Answer::Numbers, huber)));
        assert!(posed(&classes(2), "sigmoid", Some(huber)).unwrap_err().contains("has 2 classes: use"));
    }
}

//! What a result says, against scikit-learn and NumPy (`tests/metrics/generate.py`) and by hand.
#![allow(clippy::unwrap_used, reason = "a test")]

use serde_json::Value;
use std::path::Path;
use wgrad::data::Targets;
use wgrad::metrics::{Assessment, Metrics, Score, Weakness, assess};
use wgrad::nn::{Answer, Problem, TargetScale};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn problem(answer: &str, loss: &str, names: usize) -> Problem {
    let answer: Answer = serde_json::from_value(answer.into()).unwrap();
    Problem { answer, loss: loss.parse().unwrap(), names: (0..names).map(|i| i.to_string()).collect() }
}

/// Assesses a case that lies in the rows 1, 3, 5 … of a larger set.
fn assessed(case: &Value) -> Assessment {
    let width = case["width"].as_u64().unwrap() as usize;
    let outputs: Vec<f32> = numbers(&case["outputs"]).into_iter().map(|z| z as f32).collect();
    let given = numbers(&case["targets"]);
    let count = outputs.len() / width;
    let rows: Vec<u32> = (0..count as u32).map(|row| 2 * row + 1).collect();
    let names = if case["answer"] == "binary" { 2 } else { width };
    let problem = problem(case["answer"].as_str().unwrap(), case["loss"].as_str().unwrap(), names);
    let apart = |values: Vec<f64>| -> Vec<f64> {
        values.chunks(values.len() / count).flat_map(|row| [vec![0.0; row.len()], row.to_vec()].concat()).collect()
    };
    let (values, names) = (apart(given), problem.names.clone());
    let targets = match problem.answer {
        Answer::Class | Answer::Binary => {
            Targets::Classes { labels: values.iter().map(|&class| class as u32).collect(), names }
        }
        Answer::Labels => Targets::Labels { values: values.iter().map(|&v| v as f32).collect(), names },
        Answer::Numbers => Targets::Numbers { values: values.iter().map(|&v| v as _).collect(), names },
    };
    assess(&problem, &TargetScale::none(width), &outputs, &targets, &rows)
}

/// All measures of a case, named as scikit-learn's are.
fn measured(result: &Assessment) -> Vec<(&'static str, Vec<f64>)> {
    let log_loss = ("log_loss", vec![result.evaluation.loss]);
    match (&result.metrics, &result.evaluation.score) {
        (Metrics::Numbers(m), Score::Numbers { mse, r2, .. }) => vec![
            ("mse", vec![*mse]),
            ("rmse", vec![m.rmse]),
            ("mae", vec![m.mae]),
            ("r2", vec![*r2]),
            ("baseline_rmse", vec![m.baseline[0]]),
            ("baseline_mae", vec![m.baseline[1]]),
        ],
        (Metrics::Classes(m), _) => {
            let mut all = vec![
                log_loss,
                ("accuracy", vec![result.evaluation.accuracy().unwrap()]),
                ("precision", m.by_class.iter().map(|class| class.precision).collect()),
                ("recall", m.by_class.iter().map(|class| class.recall).collect()),
                ("f1", m.by_class.iter().map(|class| class.f1).collect()),
                ("rows", m.by_class.iter().map(|class| class.rows as f64).collect()),
                ("roc_auc", vec![m.roc_auc.unwrap()]),
                ("average_precision", vec![m.average_precision.unwrap()]),
                ("baseline", vec![m.baseline]),
            ];
            all.extend(m.calibration.as_ref().map(|of| ("ece", vec![of.error])));
            all.extend(m.balanced_accuracy.map(|accuracy| ("balanced_accuracy", vec![accuracy])));
            all
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn measures_are_those_of_scikit_learn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/scores.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 13);
    for case in &cases {
        let (name, expected) = (&case["name"], case["expected"].as_object().unwrap());
        let found = measured(&assessed(case));
        let mut left: Vec<&String> = expected.keys().collect();
        for (measure, got) in found {
            let Some(want) = expected.get(measure) else {
                assert_eq!(measure, "log_loss", "{name}");
                continue;
            };
            left.retain(|key| *key != measure);
            let want = if want.is_array() { numbers(want) } else { vec![want.as_f64().unwrap()] };
            assert_eq!(got.len(), want.len(), "{name}: {measure}");
            for (got, want) in got.iter().zip(&want) {
                assert!((got - want).abs() <= 1e-12 * want.abs().max(1.0), "{name}: {measure} {got} {want}");
            }
        }
        assert!(left.is_empty(), "{name}: nothing is measured for {left:?}");
    }
}

/// Classes of which each row is given one with certainty.
fn said(classes: usize, truth: &[u32], said: &[u32]) -> Assessment {
    let problem = problem("class", "cross_entropy", classes);
    let outputs: Vec<f32> =
        said.iter().flat_map(|&class| (0..classes).map(move |j| f32::from(j == class as usize))).collect();
    let targets = Targets::Classes { labels: truth.to_vec(), names: problem.names.clone() };
    let rows: Vec<u32> = (0..truth.len() as u32).collect();
    assess(&problem, &TargetScale::none(classes), &outputs, &targets, &rows)
}

#[test]
fn a_model_that_does_not_look_at_its_inputs_is_found() {
    let of = |parts: &[(usize, u32)]| -> Vec<u32> { parts.iter().flat_map(|&(n, class)| vec![class; n]).collect() };
    let truth = of(&[(80, 0), (20, 1)]);
    let found = |given: &[(usize, u32)]| said(2, &truth, &of(given)).weakness();
    assert_eq!(found(&[(100, 0)]), Some(Weakness::OneClass(0)));
    assert_eq!(found(&[(100, 1)]), Some(Weakness::OneClass(1)));
    // All of the rare class at the price of as many others: no better than the largest class, but told apart.
    assert_eq!(found(&[(60, 0), (40, 1)]), Some(Weakness::BelowLargest(0)));
    // A recall of 1/2 of both is that of a guess, and 2 of 20 found for 2 of 80 is no more than chance.
    assert_eq!(found(&[(40, 0), (40, 1), (10, 0), (10, 1)]), Some(Weakness::NoBetterThanLargest(0)));
    assert_eq!(found(&[(78, 0), (4, 1), (18, 0)]), Some(Weakness::NoBetterThanLargest(0)));
    assert_eq!(found(&[(90, 0), (10, 1)]), None);
    // Rows of one class say nothing of the others.
    assert_eq!(said(2, &[1, 1], &[1, 1]).weakness(), None);
    let one = said(2, &[1, 1], &[1, 0]);
    let Metrics::Classes(metrics) = &one.metrics else { panic!("{one:?}") };
    assert_eq!((metrics.roc_auc, metrics.balanced_accuracy, metrics.baseline), (None, Some(0.5), 1.0));
}

/// A matrix of all pairs of classes would have ten thousand million cells.
#[test]
fn many_classes_take_no_more_than_their_outputs() {
    let classes = 100_000;
    let truth: Vec<u32> = (0..50).map(|row| row * 1999).collect();
    let mut given = truth.clone();
    given[7] = 5;
    let started = std::time::Instant::now();
    let result = said(classes, &truth, &given);
    let Metrics::Classes(metrics) = &result.metrics else { panic!("{result:?}") };
    assert_eq!((metrics.by_class.len(), metrics.confused.len()), (classes, 50));
    assert_eq!((metrics.balanced_accuracy, result.weakness()), (Some(0.98), None));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// With all probabilities of a row anew for each label, it would take 10⁹ exponentials.
#[test]
fn many_labels_take_a_time_in_proportion() {
    let (labels, rows) = (10_000, 10);
    let problem = problem("labels", "binary_cross_entropy", labels);
    let outputs: Vec<f32> = (0..labels * rows).map(|at| (at % 11) as f32 - 5.0).collect();
    let values: Vec<f32> = (0..labels * rows).map(|at| f32::from(u8::from(at % 3 == 0))).collect();
    let targets = Targets::Labels { values, names: problem.names.clone() };
    let numbers: Vec<u32> = (0..rows as u32).collect();
    let started = std::time::Instant::now();
    let result = assess(&problem, &TargetScale::none(labels), &outputs, &targets, &numbers);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    assert!(matches!(&result.metrics, Metrics::Classes(metrics) if metrics.by_class.len() == labels));
}

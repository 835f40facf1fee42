//! What a result says: the lines, tables and JSON fields of `eval`, and of `train` at its end.
//!
//! JSON fields, beside `n` and `loss`:
//!
//! | field | of | meaning |
//! | --- | --- | --- |
//! | `accuracy`, `interval` | classes, labels | share of right answers, and its 95 % interval (Wilson) |
//! | `baseline` | classes | `class`, the largest of the rows, and `accuracy`, its share: a model that says nothing else |
//! | | labels | `accuracy`: every label gets its more common answer |
//! | | numbers | `rmse` and `mae` of the mean of the targets |
//! | `classes` | classes, labels | names, in the order of all lists by class |
//! | `balanced_accuracy` | classes | mean recall over the classes that the rows have |
//! | `precision`, `recall`, `f1` | classes, labels | a number for each class; 0 where nothing can be divided by |
//! | `roc_auc`, `average_precision` | classes, labels | of two classes the second's; else the mean over each class against the rest, of those that some rows are of and some are not; null if there are none |
//! | `confusion` | classes | `confusion[true][predicted]`, null of more than 1,000 classes |
//! | `ece`, `reliability` | classes, labels | expected calibration error, and `from`, `to`, `rows`, `confidence` and `accuracy` of each of 15 bins of the confidence; null where outputs stand for no probabilities |
//! | `mse`, `rmse`, `mae`, `r2` | numbers | in the units of the data |
//! | `rmse_interval` | numbers | 95 % interval of `rmse`, as `Score::Numbers` says; null of a single row |
//!
//! All are scikit-learn's of the same names, with `zero_division=0`; of several numbers R² is `variance_weighted`.

mod reliability;

pub(super) use reliability::table as reliability;

use super::say::say;
use super::show;
use crate::metrics::{Assessment, ByClass, ClassMetrics, Confused, Metrics, Score, Weakness};
use crate::nn::Loss;
use serde_json::{Value, json};

/// Most classes for which whole tables are shown.
const SHOWN: usize = 20;

/// Rows of a table that is not whole.
const FEW: usize = 10;

/// Most classes for which the confusion is a matrix.
const MATRIX: usize = 1000;

/// The names of the answers, and the loss behind them.
pub(super) struct Naming<'a> {
    pub(super) names: &'a [String],
    pub(super) loss: Loss,
}

/// Accuracy with its interval, or R² and errors, then what they are to be compared with. `of` names the part, as in
/// `test `.
pub(super) fn summary(of: &str, result: &Assessment, naming: &Naming<'_>) {
    let evaluation = &result.evaluation;
    match (&result.metrics, &evaluation.score) {
        (Metrics::Numbers(numbers), &Score::Numbers { mse, r2, rmse_interval }) => {
            let [rmse, mae, mse] = [numbers.rmse, numbers.mae, mse].map(show::number);
            let interval = rmse_interval.map_or_else(String::new, |interval| {
                let [low, high] = interval.map(show::number);
                format!(" (95 % interval {low} to {high})")
            });
            say!(
                "{of}R² {r2:.4}, root mean squared error {rmse}{interval}, mean absolute error {mae}, mean squared error \
                 {mse} ({} rows)",
                show::thousands(evaluation.n as u64)
            );
            let [rmse, mae] = numbers.baseline.map(show::number);
            say!("  the mean alone: root mean squared error {rmse}, mean absolute error {mae}");
        }
        (Metrics::Classes(metrics), score) => {
            let Some(((correct, n), [low, high])) = evaluation.counted().zip(evaluation.interval()) else { return };
            let [accuracy, low, high] = [correct as f64 / n as f64, low, high].map(|share| share * 100.0);
            let labels = if matches!(score, Score::Labels { .. }) { " labels" } else { "" };
            let loss = format!("{} {:.4}", loss_name(naming.loss), evaluation.loss);
            say!(
                "{of}accuracy {accuracy:.2} % ({correct} of {n}{labels}; 95 % interval {low:.2} to {high:.2}), {loss}"
            );
            let baseline = metrics.baseline * 100.0;
            match metrics.largest.zip(metrics.balanced_accuracy) {
                Some((largest, balanced)) => say!(
                    "  the largest class alone, {:?}: {baseline:.2} %; balanced accuracy {:.2} %",
                    naming.names[largest],
                    balanced * 100.0
                ),
                None => say!("  the more common answer to each label alone: {baseline:.2} %"),
            }
            ranks(metrics, naming.names);
            reliability::line(metrics);
        }
        _ => {}
    }
}

fn loss_name(loss: Loss) -> &'static str {
    if loss.kind().link.gives_probabilities { "log loss" } else { "loss" }
}

fn ranks(metrics: &ClassMetrics, names: &[String]) {
    let Some((area, precision)) = metrics.roc_auc.zip(metrics.average_precision) else { return };
    let of = match names {
        [_, second] if metrics.largest.is_some() => format!("of {second:?}"),
        _ if metrics.largest.is_some() => "means over the classes, each against the rest".to_owned(),
        _ => "means over the labels".to_owned(),
    };
    say!("  ROC AUC {area:.4}, average precision {precision:.4} ({of})");
}

/// Tables: how each class is found, and which are taken for which.
pub(super) fn tables(result: &Assessment, names: &[String]) {
    let Metrics::Classes(metrics) = &result.metrics else { return };
    by_class(metrics, names);
    if metrics.largest.is_some() {
        say!("");
        confusion(metrics, names);
    }
}

fn by_class(metrics: &ClassMetrics, names: &[String]) {
    let what = if metrics.largest.is_some() { "class" } else { "label" };
    let mut order: Vec<usize> = (0..names.len()).collect();
    if names.len() > SHOWN {
        say!("the {FEW} of {} classes that are found worst (all are in --json)", show::thousands(names.len() as u64));
        order.retain(|&class| metrics.by_class[class].rows > 0);
        order.sort_by(|&a, &b| metrics.by_class[a].f1.total_cmp(&metrics.by_class[b].f1));
        order.truncate(FEW);
    }
    let row = |&class: &usize| {
        let of = metrics.by_class[class];
        let [precision, recall, f1] = [of.precision, of.recall, of.f1].map(|share| format!("{share:.4}"));
        vec![names[class].clone(), precision, recall, f1, of.rows.to_string()]
    };
    show::table(&[what, "precision", "recall", "F1", "rows"], &order.iter().map(row).collect::<Vec<_>>());
}

/// The confusion matrix, or the commonest confusions where it would be too wide.
fn confusion(metrics: &ClassMetrics, names: &[String]) {
    if names.len() <= SHOWN {
        say!("confusion (rows: true class, columns: predicted)");
        let header: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
        let cell = |n: &usize| if *n == 0 { ".".into() } else { n.to_string() };
        let matrix = metrics.confusion();
        let row =
            |(class, row): (&String, &Vec<usize>)| std::iter::once(class.clone()).chain(row.iter().map(cell)).collect();
        show::table(&header, &names.iter().zip(&matrix).map(row).collect::<Vec<_>>());
        return;
    }
    let mut wrong: Vec<_> = metrics.confused.iter().filter(|pair| pair.truth != pair.said).collect();
    wrong.sort_by_key(|pair| std::cmp::Reverse(pair.rows));
    say!("the commonest confusions");
    let name = |class: u32| names[class as usize].clone();
    let row = |pair: &&Confused| vec![name(pair.truth), name(pair.said), pair.rows.to_string()];
    show::table(&["true", "predicted", "rows"], &wrong.iter().take(FEW).map(row).collect::<Vec<_>>());
}

/// The share of the largest class against that of an even one, from which on weights of classes may help.
const UNEVEN: f64 = 1.5;

/// Says that a model is no better than one that does not look at the inputs, and what to do. `weighted` says that it was
/// trained with class weights.
pub(super) fn warn(result: &Assessment, names: &[String], weighted: bool) {
    let Some(weakness) = result.weakness() else { return };
    let longer = "train longer, with another --lr, or with other columns";
    let Metrics::Classes(metrics) = &result.metrics else {
        say!("The model is no better than the mean of the targets: {longer}.");
        return;
    };
    let there = metrics.by_class.iter().filter(|class| class.rows > 0).count();
    let step = if metrics.baseline * there as f64 > UNEVEN && !weighted {
        "train with --class-weights balanced, so that small classes count as much as large ones"
    } else {
        longer
    };
    match weakness {
        Weakness::OneClass(class) => {
            say!("The model gives every row the class {:?} and finds no other: {step}.", names[class]);
        }
        Weakness::NoBetterThanLargest(class) => {
            say!("The model is no better than if it gave every row the class {:?}: {step}.", names[class]);
        }
        Weakness::BelowLargest(class) => say!(
            "The accuracy is no better than if every row got the class {:?}, but the model tells the classes apart: judge \
             it by its balanced accuracy.",
            names[class]
        ),
        Weakness::NoBetterThanCommon | Weakness::NoBetterThanMean => {
            say!("The model is no better than if each label got its more common answer: {longer}.");
        }
    }
}

/// The fields of a result.
pub(super) fn object(result: &Assessment, names: &[String]) -> Value {
    let evaluation = &result.evaluation;
    let mut object = json!({ "n": evaluation.n, "loss": evaluation.loss });
    match (&result.metrics, &evaluation.score) {
        (Metrics::Numbers(numbers), Score::Numbers { mse, r2, rmse_interval }) => {
            let [rmse, mae] = numbers.baseline;
            for (field, value) in [("mse", *mse), ("rmse", numbers.rmse), ("mae", numbers.mae), ("r2", *r2)] {
                object[field] = json!(value);
            }
            object["rmse_interval"] = json!(rmse_interval);
            object["baseline"] = json!({ "rmse": rmse, "mae": mae });
        }
        (Metrics::Classes(metrics), _) => {
            object["accuracy"] = json!(evaluation.accuracy());
            object["interval"] = json!(evaluation.interval());
            object["baseline"] = json!({ "accuracy": metrics.baseline });
            object["classes"] = json!(names);
            let all = |of: fn(&ByClass) -> f64| json!(metrics.by_class.iter().map(of).collect::<Vec<_>>());
            object["precision"] = all(|class| class.precision);
            object["recall"] = all(|class| class.recall);
            object["f1"] = all(|class| class.f1);
            object["roc_auc"] = json!(metrics.roc_auc);
            object["average_precision"] = json!(metrics.average_precision);
            reliability::add_to(&mut object, metrics);
            if let Some(largest) = metrics.largest {
                object["baseline"]["class"] = json!(names[largest]);
                object["balanced_accuracy"] = json!(metrics.balanced_accuracy);
                object["confusion"] = json!((names.len() <= MATRIX).then(|| metrics.confusion()));
            }
        }
        _ => {}
    }
    object
}

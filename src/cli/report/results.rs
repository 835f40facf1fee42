//! How the best model does on the test part: the measures, each class, and what is taken for what.

use super::super::runs::Tested;
use super::super::show;
use super::html;
use crate::metrics::{ClassMetrics, Confused, Metrics, NumberMetrics, Score};
use std::fmt::Write;

/// Most classes for which whole tables are shown.
const SHOWN: usize = 25;

/// Rows of a table that is not whole.
const FEW: usize = 15;

/// The result on the test part as cards, and the tables below.
pub(super) fn html(tested: &Tested) -> String {
    let evaluation = &tested.result.evaluation;
    let names = &tested.job.problem.names;
    let mut cards = vec![];
    let mut tables = String::new();
    match &tested.result.metrics {
        Metrics::Numbers(numbers) => cards.extend(of_numbers(numbers, &evaluation.score)),
        Metrics::Classes(metrics) => {
            if let Some(((correct, of), [low, high])) = evaluation.counted().zip(evaluation.interval()) {
                let about = format!("{correct} of {of} right; 95 % interval {} to {}", percent(low), percent(high));
                cards.push(("accuracy", percent(correct as f64 / of as f64), about));
            }
            cards.extend(of_classes(metrics, names));
            let confusion = metrics.largest.map_or_else(String::new, |_| confusion(metrics, names));
            let each = by_class(metrics, names);
            tables +=
                &format!("<div class=\"side\">\n<div>{each}</div>\n<div class=\"rest\">{confusion}</div>\n</div>\n");
        }
    }
    let scaled = if tested.job.scale.is_none() { "" } else { ", of numbers brought to mean 0 and deviation 1" };
    cards.push(("loss", format!("{:.4}", evaluation.loss), format!("{}{scaled}", tested.job.problem.loss)));
    cards.push(("rows", show::thousands(evaluation.n as u64), format!("test part of {}", tested.job.sources()[2])));
    let card = |(name, value, about): &(&str, String, String)| {
        let [name, value, about] = [name, value.as_str(), about.as_str()].map(html::text);
        format!("<div class=\"card\"><span>{name}</span><b>{value}</b><small>{about}</small></div>\n")
    };
    format!("<div class=\"cards\">\n{}</div>\n{tables}", cards.iter().map(card).collect::<String>())
}

fn percent(share: f64) -> String {
    format!("{:.2}\u{a0}%", 100.0 * share)
}

/// Name, value and what is said of it.
type Card = (&'static str, String, String);

fn of_numbers(numbers: &NumberMetrics, score: &Score) -> Vec<Card> {
    let &Score::Numbers { mse, r2, rmse_interval } = score else { return vec![] };
    let [rmse, mae] = numbers.baseline.map(show::number);
    let interval = rmse_interval.map_or_else(String::new, |interval| {
        let [low, high] = interval.map(show::number);
        format!("95 % interval {low} to {high}; ")
    });
    vec![
        ("R²", format!("{r2:.4}"), "1 is perfect, 0 is the mean alone".into()),
        (
            "root mean squared error",
            show::number(numbers.rmse),
            format!("{interval}the mean alone: {rmse}; mean squared error {}, in units squared", show::number(mse)),
        ),
        ("mean absolute error", show::number(numbers.mae), format!("the mean alone: {mae}")),
    ]
}

fn of_classes(metrics: &ClassMetrics, names: &[String]) -> Vec<Card> {
    let mut cards = vec![];
    if let Some((balanced, largest)) = metrics.balanced_accuracy.zip(metrics.largest) {
        let about = format!("the largest class alone, {:?}: accuracy {}", names[largest], percent(metrics.baseline));
        cards.push(("balanced accuracy", percent(balanced), about));
    }
    if let Some((area, precision)) = metrics.roc_auc.zip(metrics.average_precision) {
        cards.push(("ROC AUC", format!("{area:.4}"), format!("average precision {precision:.4}")));
    }
    cards
}

fn by_class(metrics: &ClassMetrics, names: &[String]) -> String {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let mut title = "each class".to_owned();
    if names.len() > SHOWN {
        title = format!("the {FEW} of {} classes that are found worst", names.len());
        order.retain(|&class| metrics.by_class[class].rows > 0);
        order.sort_by(|&a, &b| metrics.by_class[a].f1.total_cmp(&metrics.by_class[b].f1));
        order.truncate(FEW);
    }
    let row = |&class: &usize| {
        let of = metrics.by_class[class];
        let [precision, recall, f1] = [of.precision, of.recall, of.f1].map(|share| format!("{share:.4}"));
        vec![names[class].clone(), precision, recall, f1, of.rows.to_string()]
    };
    let rows: Vec<Vec<String>> = order.iter().map(row).collect();
    format!("<h3>{title}</h3>\n{}", html::table(&["class", "precision", "recall", "F1", "rows"], &rows))
}

/// The confusion matrix in colours and numbers, or the commonest confusions where it would be too wide.
fn confusion(metrics: &ClassMetrics, names: &[String]) -> String {
    if names.len() > SHOWN {
        let mut wrong: Vec<&Confused> = metrics.confused.iter().filter(|pair| pair.truth != pair.said).collect();
        wrong.sort_by_key(|pair| std::cmp::Reverse(pair.rows));
        let name = |class: u32| names[class as usize].clone();
        let row = |pair: &&Confused| vec![name(pair.truth), name(pair.said), pair.rows.to_string()];
        let rows: Vec<Vec<String>> = wrong.iter().take(FEW).map(row).collect();
        let table = html::table(&["true", "predicted", "rows"], &rows);
        return format!("<h3>the commonest confusions</h3>\n{table}");
    }
    let head: String = names.iter().map(|name| format!("<th>{}</th>", html::text(name))).collect();
    let mut body = String::new();
    for (truth, (counts, name)) in metrics.confusion().iter().zip(names).enumerate() {
        let all = counts.iter().sum::<usize>().max(1);
        let cell = |(said, &count): (usize, &usize)| {
            let share = count as f64 / all as f64;
            // The square root tells small shares apart, which matter most.
            let (class, strength) = (if said == truth { "right" } else { "wrong" }, 0.8 * share.sqrt());
            let shown = if count == 0 { "·".to_owned() } else { count.to_string() };
            format!("<td class=\"{class}\" style=\"--of:{strength:.2}\" title=\"{}\">{shown}</td>", percent(share))
        };
        let cells: String = counts.iter().enumerate().map(cell).collect();
        let _ = writeln!(body, "<tr><th>{}</th>{cells}</tr>", html::text(name));
    }
    format!(
        "<h3>confusion</h3>\n<p>Rows are the true classes, columns the predicted ones; the colour is the share of the row.</p>\n\
         <div class=\"wide\"><table class=\"confusion\">\n<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
}

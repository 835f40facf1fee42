#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::classes::MISSING;
use crate::data::fixture::opened;
use crate::data::opened::{Content, Opened};
use crate::data::{Dataset, Targets, Values};
use std::path::PathBuf;

const NONE: f32 = f32::NAN;

fn texts(fields: &[&str]) -> Cells {
    let mut texts: Vec<String> = vec![];
    let number = |&field: &&str| match texts.iter().position(|text| text == field) {
        _ if field.is_empty() => MISSING,
        Some(at) => at as u32,
        None => {
            texts.push(field.to_owned());
            texts.len() as u32 - 1
        }
    };
    Cells::Texts { rows: fields.iter().map(number).collect(), texts }
}

fn table(columns: &[(&str, Cells)]) -> Opened {
    let rows = match &columns[0].1 {
        Cells::Numbers(values) => values.len(),
        Cells::Texts { rows, .. } => rows.len(),
    };
    let columns = columns.iter().map(|(name, cells)| ((*name).to_owned(), cells.clone())).collect();
    let content = Content::Table { path: PathBuf::from("made.csv"), columns };
    let targets = Targets::Numbers { values: vec![0.0; rows], names: vec!["y".to_owned()] };
    Opened { content, ..opened(targets) }
}

fn encode(columns: &[(&str, Cells)], train: &[u32]) -> (Dataset, Vec<f32>, Vec<String>) {
    let (dataset, notes) = table(columns).encode(train).unwrap();
    let Values::Floats(values) = dataset.values.clone() else { panic!("{dataset:?}") };
    (dataset, values, notes)
}

fn refusal(cells: Cells, train: &[u32]) -> String {
    table(&[("x", cells)]).encode(train).unwrap_err().to_string()
}

#[test]
fn whole_columns_of_numbers_pass_as_they_are() {
    let (dataset, values, notes) = encode(
        &[("a", Cells::Numbers(vec![1.0, 2.0, 6.0, 9.0])), ("b", Cells::Numbers(vec![0.5, 0.25, 0.0, -1.0]))],
        &[0, 1, 2],
    );
    assert_eq!(values, [1.0, 0.5, 2.0, 0.25, 6.0, 0.0, 9.0, -1.0]);
    assert_eq!((dataset.columns, dataset.shape, notes), (vec!["a".to_owned(), "b".to_owned()], vec![2], vec![]));
    assert_eq!(dataset.encoding.columns[0].kind, Kind::Number { mean: 3.0 });
}

#[test]
fn missing_numbers_become_the_mean_of_the_training_rows() {
    let column = ("age", Cells::Numbers(vec![1.0, NONE, 4.0, 100.0, NONE]));
    let (dataset, values, notes) = encode(&[column], &[0, 1, 2]);
    assert_eq!(values, [1.0, 0.0, 2.5, 1.0, 4.0, 0.0, 100.0, 0.0, 2.5, 1.0]);
    assert_eq!(dataset.columns, ["age", "age is missing"]);
    assert_eq!(dataset.encoding.columns[0].kind, Kind::Imputed { mean: 2.5 });
    let told = "missing numbers become the mean of the training rows, and a feature says where: age (2 rows)";
    assert_eq!(notes, [told]);
}

#[test]
fn numbers_that_only_held_out_rows_lack_get_no_feature() {
    let (dataset, values, notes) = encode(&[("h", Cells::Numbers(vec![1.0, 3.0, NONE]))], &[0, 1]);
    assert_eq!((values, dataset.columns), (vec![1.0, 3.0, 2.0], vec!["h".to_owned()]));
    assert_eq!(notes, ["missing numbers become the mean of the training rows, which lack none: h (1 row)"]);
}

#[test]
fn texts_become_a_feature_for_each_value_of_the_training_rows() {
    let columns = [("t", texts(&["b", "", "a", "b", "c"])), ("u", texts(&["x", "x", "x", "", "x"]))];
    let (dataset, values, notes) = encode(&columns, &[0, 1, 2]);
    assert_eq!(dataset.columns, ["t=a", "t=b", "t=(missing)", "u=x"]);
    let rows =
        [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    assert_eq!(values, rows.concat());
    let told = [
        "texts become a feature of 0 or 1 for each value: t (2 values), u (1 value)",
        "missing texts are a value of their own: t (1 row)",
        "texts that no training row has become zeros: t (1 row), u (1 row)",
    ];
    assert_eq!(notes, told);
}

#[test]
fn rows_that_are_held_out_change_nothing() {
    let train = [1, 2, 4];
    let fit = |held_out: (f32, &str)| {
        let (number, text) = held_out;
        let numbers = Cells::Numbers(vec![number, 1.0, NONE, number, 2.0, number]);
        let whole = Cells::Numbers(vec![number, 1.0, 2.0, number, 2.0, number]);
        let columns = [("a", numbers), ("b", whole), ("t", texts(&[text, "v", "u", text, "v", text]))];
        let (dataset, values, _) = encode(&columns, &train);
        let width = dataset.features();
        let rows = train.map(|row| values[row as usize * width..][..width].to_vec());
        (dataset.encoding, dataset.columns, rows)
    };
    let first = fit((0.0, "u"));
    for other in [(1e30, "w"), (NONE, ""), (-7.0, "a")] {
        assert_eq!(fit(other), first, "{other:?}");
    }
}

#[test]
fn a_column_without_a_value_to_train_on_is_refused() {
    for (cells, train) in [
        (Cells::Numbers(vec![NONE; 3]), vec![0, 1, 2]),
        (Cells::Numbers(vec![NONE, NONE, 3.0]), vec![0, 1]),
        (texts(&["", "", "a"]), vec![0, 1]),
    ] {
        let message = refusal(cells, &train);
        assert!(message.contains("made.csv: the column \"x\" has no value") && message.contains("--ignore \"x\""));
    }
}

#[test]
fn texts_that_hardly_repeat_are_refused() {
    let column = |values: usize, rows: usize| {
        let fields: Vec<String> = (0..rows).map(|row| format!("v{:03}", row % values)).collect();
        texts(&fields.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let all = |rows: u32| (0..rows).collect::<Vec<u32>>();
    let message = refusal(column(101, 1000), &all(1000));
    assert!(message.contains("\"x\" holds 101 different texts in 1000 rows") && message.contains("--ignore \"x\""));
    assert!(refusal(column(21, 41), &all(41)).contains("21 different texts in 41 rows"));
    for (values, rows) in [(100, 1000), (21, 42), (20, 20)] {
        let (dataset, ..) = encode(&[("x", column(values, rows as usize))], &all(rows));
        assert_eq!(dataset.features(), values);
    }
    // Only the rows to train on count.
    encode(&[("x", column(101, 1000))], &(0..1000).filter(|row| row % 101 < 30).collect::<Vec<u32>>());
}

#[test]
fn means_are_exact_where_32_bits_would_not_be() {
    let rows = 1 << 20;
    let (dataset, ..) = encode(&[("a", Cells::Numbers(vec![0.1; rows]))], &(0..rows as u32).collect::<Vec<_>>());
    assert_eq!(dataset.encoding.columns[0].kind, Kind::Number { mean: 0.1 });
    let (dataset, ..) = encode(&[("a", Cells::Numbers(vec![3e38, 3e38, 3e38]))], &[0, 1, 2]);
    assert_eq!(dataset.encoding.columns[0].kind, Kind::Number { mean: 3e38 });
}

fn example() -> Encoding {
    let columns =
        [("a", Cells::Numbers(vec![0.1, 0.3])), ("b", Cells::Numbers(vec![0.1, NONE])), ("t", texts(&["u", ""]))];
    encode(&columns, &[0, 1]).0.encoding
}

#[test]
fn an_encoding_goes_through_json_as_a_short_list() {
    let json = serde_json::to_string(&example()).unwrap();
    let columns = [
        r#"{"name":"a","kind":"number","mean":0.2}"#,
        r#"{"name":"b","kind":"imputed","mean":0.1}"#,
        r#"{"name":"t","kind":"text","values":["u"],"missing":true}"#,
    ];
    assert_eq!(json, format!("[{}]", columns.join(",")));
    assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), example());
    assert_eq!(serde_json::to_string(&Encoding::default()).unwrap(), "[]");
    for broken in [r#"[{"name":"a"}]"#, r#"[{"name":"a","kind":"number"}]"#, r#"[{"name":"a","kind":"word","mean":1}]"#]
    {
        assert!(serde_json::from_str::<Encoding>(broken).is_err(), "{broken}");
    }
}

#[test]
fn an_encoding_of_a_file_is_checked() {
    let whole = example();
    assert!(whole.fits(5) && !whole.fits(4) && !whole.fits(6));
    assert_eq!((whole.width(), whole.features().len(), whole.is_empty()), (5, 5, false));
    assert!(Encoding::default().is_empty() && Encoding::default().fits(0));
    let text = |values: &[&str]| Kind::Text { values: values.iter().map(|&v| v.to_owned()).collect(), missing: true };
    for (at, kind) in [
        (0, Kind::Number { mean: f32::INFINITY }),
        (1, Kind::Imputed { mean: NONE }),
        (2, text(&[])),
        (2, text(&["v", "u"])),
        (2, text(&["u", "u"])),
    ] {
        let mut broken = whole.clone();
        broken.columns[at].kind = kind;
        assert!(!broken.fits(broken.width()), "{broken:?}");
    }
    let mut twice = whole;
    twice.columns[1].name = "a".to_owned();
    assert!(!twice.fits(5));
}

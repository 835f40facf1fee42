#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::classes::MISSING;
use crate::data::fixture::opened;
use crate::data::opened::{Content, Encoded, Opened};
use crate::data::{Dataset, Normalize, Targets, Values};
use std::collections::BTreeMap;
use std::path::PathBuf;

const NONE: f64 = f64::NAN;

fn number(mean: f64) -> Kind {
    Kind::Number { mean, notation: Notation::default() }
}

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
        Cells::Numbers { values, .. } => values.len(),
        Cells::Dates { seconds, .. } => seconds.len(),
        Cells::Texts { rows, .. } => rows.len(),
    };
    let raw =
        |(name, cells): &(&str, Cells)| RawColumn { name: (*name).to_owned(), cells: cells.clone(), asked: false };
    let columns = columns.iter().map(raw).collect();
    let content = Content::Table { path: PathBuf::from("made.csv"), columns, missing: vec![] };
    let targets = Targets::Numbers { values: vec![0.0; rows], names: vec!["y".to_owned()] };
    Opened { content, ..opened(targets) }
}

fn encode(columns: &[(&str, Cells)], train: &[u32]) -> (Dataset, Vec<f32>, Vec<String>) {
    let Encoded { dataset, notes, .. } = table(columns).encode(train, Normalize::None).unwrap();
    let Values::Floats(values) = dataset.values.clone() else { panic!("{dataset:?}") };
    (dataset, values, notes)
}

fn refusal(cells: Cells, train: &[u32]) -> String {
    table(&[("x", cells)]).encode(train, Normalize::None).unwrap_err().to_string()
}

#[test]
fn whole_columns_of_numbers_pass_as_they_are() {
    let (dataset, values, notes) = encode(
        &[("a", Cells::numbers(vec![1.0, 2.0, 6.0, 9.0])), ("b", Cells::numbers(vec![0.5, 0.25, 0.0, -1.0]))],
        &[0, 1, 2],
    );
    assert_eq!(values, [1.0, 0.5, 2.0, 0.25, 6.0, 0.0, 9.0, -1.0]);
    assert_eq!((dataset.columns, dataset.shape, notes), (vec!["a".to_owned(), "b".to_owned()], vec![2], vec![]));
    assert_eq!(dataset.encoding.columns[0].kind, number(3.0));
}

#[test]
fn missing_numbers_become_the_mean_of_the_training_rows() {
    let column = ("age", Cells::numbers(vec![1.0, NONE, 4.0, 100.0, NONE]));
    let (dataset, values, notes) = encode(&[column], &[0, 1, 2]);
    assert_eq!(values, [1.0, 0.0, 2.5, 1.0, 4.0, 0.0, 100.0, 0.0, 2.5, 1.0]);
    assert_eq!(dataset.columns, ["age", "age is missing"]);
    assert_eq!(dataset.encoding.columns[0].kind, Kind::Imputed { mean: 2.5, notation: Notation::default() });
    let told = "missing numbers become the mean of the training rows, and a feature says where: age (2 rows)";
    assert_eq!(notes, [told]);
}

#[test]
fn numbers_that_only_held_out_rows_lack_get_no_feature() {
    let (dataset, values, notes) = encode(&[("h", Cells::numbers(vec![1.0, 3.0, NONE]))], &[0, 1]);
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
        "texts that no training row has become zeros: t (1 row, first \"c\"), u (1 row)",
    ];
    assert_eq!(notes, told);
}

#[test]
fn rows_that_are_held_out_change_nothing() {
    let train = [1, 2, 4];
    let fit = |held_out: (f64, &str)| {
        let (number, text) = held_out;
        let numbers = Cells::numbers(vec![number, 1.0, NONE, number, 2.0, number]);
        let whole = Cells::numbers(vec![number, 1.0, 2.0, number, 2.0, number]);
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

/// What is said of the columns that are left out, beside one of 0, 0.5, 1 and so on that is kept.
fn left(name: &str, cells: Cells, train: &[u32]) -> String {
    let rows = match &cells {
        Cells::Numbers { values, .. } => values.len(),
        Cells::Dates { seconds, .. } => seconds.len(),
        Cells::Texts { rows, .. } => rows.len(),
    };
    let halves = Cells::numbers((0..rows).map(|row| row as f64 / 2.0).collect());
    let (dataset, _, notes) = encode(&[(name, cells), ("kept", halves)], train);
    let is_left = |note: &&String| note.starts_with("left out, for they name rows or hold free text or nothing: ");
    let note = notes.iter().find(is_left).cloned().unwrap_or_default();
    assert_eq!(dataset.columns == ["kept"], !note.is_empty(), "{notes:?}");
    note
}

#[test]
fn a_column_without_a_value_to_train_on_is_left_out() {
    for (cells, train) in [
        (Cells::numbers(vec![NONE; 3]), vec![0, 1, 2]),
        (Cells::numbers(vec![NONE, NONE, 3.0]), vec![0, 1]),
        (texts(&["", "", "a"]), vec![0, 1]),
    ] {
        assert!(left("x", cells.clone(), &train).contains("x (no value in the rows to train on)"));
        let message = refusal(cells, &train);
        assert!(message.contains("made.csv: no column is left to learn from") && message.contains("x (no value"));
    }
}

#[test]
fn texts_that_hardly_repeat_are_left_out_unless_they_are_asked_for() {
    let column = |values: usize, rows: usize| {
        let fields: Vec<String> = (0..rows).map(|row| format!("v{:03}", row % values)).collect();
        texts(&fields.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let all = |rows: u32| (0..rows).collect::<Vec<u32>>();
    assert!(left("x", column(101, 1000), &all(1000)).contains("x (101 different texts in 1000 rows)"));
    assert!(left("x", column(21, 41), &all(41)).contains("x (21 different texts in 41 rows)"));
    assert!(refusal(column(21, 41), &all(41)).contains("21 different texts in 41 rows"));
    for (values, rows) in [(100, 1000), (21, 42), (20, 20)] {
        let (dataset, ..) = encode(&[("x", column(values, rows as usize))], &all(rows));
        assert_eq!(dataset.features(), values);
    }
    // Only the rows to train on count.
    encode(&[("x", column(101, 1000))], &(0..1000).filter(|row| row % 101 < 30).collect::<Vec<u32>>());
    let asked = RawColumn { name: "x".to_owned(), cells: column(300, 300), asked: true };
    let content = Content::Table { path: PathBuf::from("made.csv"), columns: vec![asked], missing: vec![] };
    let opened = Opened { content, ..table(&[("x", column(300, 300))]) };
    assert_eq!(opened.encode(&all(300), Normalize::None).unwrap().dataset.features(), 300);
}

#[test]
fn columns_that_count_rows_are_left_out_unless_nothing_else_is_there() {
    let count = || Cells::numbers((1..=40).map(f64::from).collect());
    let train: Vec<u32> = (0..30).collect();
    assert!(left("row_id", count(), &train).contains("row_id (another whole number in each row)"));
    assert!(left("first", count(), &train).contains("first (another whole number in each row)"));
    assert_eq!(encode(&[("row_id", count())], &train).0.columns, ["row_id"]);
}

#[test]
fn dates_become_a_number_and_the_parts_that_vary() {
    let day = 86_400.0;
    // Three days from Thursday, 1970-01-01 on, at noon, and a missing one.
    let dates = |format: &str| Cells::Dates {
        seconds: vec![0.5 * day, 1.5 * day, 2.5 * day, NONE],
        format: format.to_owned(),
        ambiguous: false,
        words: BTreeMap::from([("never".to_owned(), 1)]),
    };
    let (dataset, values, notes) = encode(&[("d", dates("%Y-%m-%d"))], &[0, 1, 2, 3]);
    assert_eq!(dataset.columns, ["d", "d weekday", "d is missing"]);
    let rows = [[0.5, 4.0, 0.0], [1.5, 5.0, 0.0], [2.5, 6.0, 0.0], [1.5, 5.0, 1.0]];
    assert_eq!(values, rows.concat());
    assert!(notes.contains(
        &"dates become a number of days, and month, weekday and hour where they vary: d (%Y-%m-%d)".to_owned()
    ));
    let (dataset, values, _) = encode(&[("d", dates("%H:%M"))], &[0, 1]);
    assert_eq!((dataset.columns, values), (vec!["d".to_owned()], vec![12.0, 36.0, 60.0, 24.0]));
}

#[test]
fn numbers_that_float32_cannot_tell_apart_are_normalised_before_they_are_rounded() {
    let clock = |second: u32| 1_700_000_000_000.0 + f64::from(second) * 1000.0;
    let opened = || table(&[("ms", Cells::numbers((0..60).map(clock).collect())), ("t", texts(&["a"; 60]))]);
    let train: Vec<u32> = (0..60).collect();
    let encoded = opened().encode(&train, Normalize::Standardize).unwrap();
    let Values::Floats(values) = &encoded.dataset.values else { panic!("{encoded:?}") };
    // Of 0 to 59: mean 29.5, deviation sqrt((60^2 - 1) / 12).
    for (second, row) in values.chunks(2).enumerate() {
        let expected = (second as f64 - 29.5) / (3599.0f64 / 12.0).sqrt();
        assert!((f64::from(row[0]) - expected).abs() < 1e-6 && row[1] == 1.0, "{second}: {row:?}");
    }
    assert!(!encoded.notes.iter().any(|note| note.contains("float32")), "{:?}", encoded.notes);
    let plain = opened().encode(&train, Normalize::None).unwrap();
    let told = "the values of ms vary by less than float32 can tell apart at their size; normalize = standardize would \
                keep it";
    assert!(plain.notes.iter().any(|note| note == told), "{:?}", plain.notes);
}

#[test]
fn indicators_stay_0_and_1_under_standardize() {
    let numbers = Cells::numbers(vec![1.0, NONE, 3.0, 2.0]);
    let opened = table(&[("a", numbers), ("t", texts(&["u", "v", "v", "v"]))]);
    let encoded = opened.encode(&[0, 1, 2, 3], Normalize::Standardize).unwrap();
    let Values::Floats(values) = &encoded.dataset.values else { panic!("{encoded:?}") };
    assert_eq!(encoded.normalize.offset, [2.0, 0.0, 0.0, 0.0]);
    assert_eq!(encoded.normalize.factor, [1.0 / 0.5f64.sqrt(), 1.0, 1.0, 1.0]);
    let root = 2f32.sqrt();
    let rows = [[-root, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [root, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]];
    assert_eq!(*values, rows.concat());
}

fn example() -> Encoding {
    let columns =
        [("a", Cells::numbers(vec![0.1, 0.4])), ("b", Cells::numbers(vec![0.1, NONE])), ("t", texts(&["u", ""]))];
    encode(&columns, &[0, 1]).0.encoding
}

#[test]
fn an_encoding_goes_through_json_as_a_short_list() {
    let json = serde_json::to_string(&example()).unwrap();
    let columns = [
        r#"{"name":"a","kind":"number","mean":0.25}"#,
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
    let text = |values: &[&str]| Kind::Text {
        values: values.iter().map(|&v| v.to_owned()).collect(),
        missing: true,
        missing_words: vec![],
    };
    for (at, kind) in [
        (0, number(f64::INFINITY)),
        (1, Kind::Imputed { mean: NONE, notation: Notation::default() }),
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

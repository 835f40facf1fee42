#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::{labelled, write};
use crate::data::{Fractions, Normalize, Options, Values, open, split};
use crate::random::philox;

/// What the audit of a table finds, with 20 % of its rows to test on and 20 % to validate on.
fn audited(text: &str, target: &str) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "table.csv", text.as_bytes());
    let opened = open(path.to_str().unwrap(), &Options { target: Some(target), ..Options::default() }, None).unwrap();
    let split = split(&opened, Fractions { validation: 0.2, test: 0.2 }, 1).unwrap();
    let dataset = opened.encode(&split.train, Normalize::None).unwrap().dataset;
    audit(&dataset, &split)
}

/// Numbers without a pattern, from 0 to below `most`.
fn noise(row: usize, column: usize, most: usize) -> usize {
    philox([row as u32, column as u32, 0, 9], [1, 2])[0] as usize % most
}

/// A table of three columns of noise and one more, with a class of noise.
fn table(rows: usize, more: impl Fn(usize, &str) -> String) -> String {
    let mut text = "a,b,c,more,y\n".to_owned();
    for row in 0..rows {
        let [a, b, c] = [0, 1, 2].map(|column| noise(row, column, 100_000));
        let y = ["no", "yes"][noise(row, 9, 2)];
        text += &format!("{a},{b},{c},{},{y}\n", more(row, y));
    }
    text
}

#[test]
fn nothing_is_found_in_data_as_they_should_be() {
    assert_eq!(audited(&table(300, |row, _| noise(row, 4, 5).to_string()), "y"), []);
    assert_eq!(audited(&table(300, |row, _| format!("k{}", noise(row, 4, 9))), "y"), []);
    let digits = open("digits", &Options::default(), None).unwrap();
    let split = split(&digits, Fractions { validation: 0.1, test: 0.2 }, 1).unwrap();
    let dataset = digits.encode(&split.train, Normalize::None).unwrap().dataset;
    assert_eq!(audit(&dataset, &split), []);
}

#[test]
fn rows_in_two_parts_are_counted() {
    let whole = table(100, |row, _| noise(row, 4, 5).to_string());
    let (header, rows) = whole.split_once('\n').unwrap();
    let twice = audited(&format!("{header}\n{rows}{rows}"), "y");
    let Some(&Finding::Copies { part: Part::Validation, other: Part::Train, count, of, example }) = twice.first()
    else {
        panic!("{twice:?}")
    };
    assert!(of == 40 && count > 10 && count < 40, "{twice:?}");
    assert_eq!(example.0.abs_diff(example.1), 100);
    assert_eq!(twice.len(), 3, "{twice:?}");
    let message = twice[0].to_string();
    assert!(message.starts_with(&format!("{count} of 40 validation rows stand in the training part too")), "{message}");
    // One row in both parts is found too.
    let mut dataset = labelled((0..50).map(|row| row % 2).collect());
    let parts = Split { train: (0..40).collect(), validation: vec![], test: (40..50).collect(), ..Split::default() };
    assert_eq!(audit(&dataset, &parts), []);
    let Values::Floats(values) = &mut dataset.values else { panic!("floats") };
    values[44] = values[6];
    let found = audit(&dataset, &Split { first: [0, 40], ..parts });
    let copies = Finding::Copies { part: Part::Test, other: Part::Train, count: 1, of: 10, example: (5, 7) };
    assert_eq!(found, [copies]);
}

#[test]
fn equal_rows_of_coarse_columns_are_no_copies() {
    let mut text = "a,b,y\n".to_owned();
    (0..400).for_each(|row| text += &format!("{},{},{}\n", noise(row, 0, 3), noise(row, 1, 3), noise(row, 2, 2)));
    assert_eq!(audited(&text, "y"), []);
}

#[test]
fn a_column_that_is_the_target_is_named() {
    let alone = |text: &str| match &audited(text, "y")[..] {
        [Finding::Alone { column, figure }] => (column.clone(), *figure),
        other => panic!("{other:?}"),
    };
    // A number of which a part says it, a text that is another name of it, and numbers that are missing for one class.
    let number = |row: usize, y: &str| format!("{}", noise(row, 4, 1000) + if y == "yes" { 5000 } else { 0 });
    let (column, figure) = alone(&table(300, number));
    let Figure::Right { share, largest, rows } = figure else { panic!("{figure:?}") };
    assert!(column == "more" && share == 1.0 && rows == 120 && largest > 0.4 && largest < 0.7, "{figure:?}");
    assert_eq!(alone(&table(300, |_, y| format!("was {y}"))).0, "more");
    let only_yes = |row: usize, y: &str| if y == "yes" { noise(row, 4, 1000).to_string() } else { String::new() };
    assert_eq!(alone(&table(300, only_yes)).0, "more");
    let message = audited(&table(300, number), "y")[0].to_string();
    assert!(message.contains("right in 100.0 % of 120 rows") && message.contains("`ignore = \"more\"`"), "{message}");
    // A column that is right in nine rows of ten is none.
    let nearly = |row: usize, y: &str| format!("{}", if row.is_multiple_of(10) { 1 } else { usize::from(y == "yes") });
    assert_eq!(audited(&table(300, nearly), "y"), []);
}

#[test]
fn a_column_that_orders_the_rows_as_a_number_does_is_named() {
    let text = |exact: bool| {
        let mut text = "a,b,euro,y\n".to_owned();
        for row in 0..200 {
            let y = noise(row, 5, 90_000) as f64 / 7.0;
            let euro = if exact { y * 1.95583 } else { y + noise(row, 6, 9000) as f64 };
            text += &format!("{},{},{euro},{y}\n", noise(row, 0, 1000), noise(row, 1, 1000));
        }
        text
    };
    let found = audited(&text(true), "y");
    assert!(
        matches!(&found[..], [Finding::Alone { column, figure: Figure::Rank(rho) }] if column == "euro" && *rho > 0.999)
    );
    assert_eq!(audited(&text(false), "y"), []);
}

#[test]
fn classes_without_rows_and_many_features_are_named() {
    let dataset = labelled(vec![0, 1, 2, 0, 1, 2]);
    let parts = Split { train: vec![0, 1, 3, 4], validation: vec![2], ..Split::default() };
    let found = audit(&dataset, &parts);
    let names = |classes: &[&str]| classes.iter().map(|&class| class.to_owned()).collect();
    let missing = |part, classes: &[&str]| Finding::NoRows { part, classes: names(classes) };
    assert_eq!(found, [missing(Part::Train, &["2"]), missing(Part::Validation, &["0", "1"])]);
    assert!(found[0].to_string().starts_with("no training row has the class \"2\""), "{}", found[0]);
    let wide = |features: usize| {
        let header: Vec<String> = (0..features).map(|column| format!("c{column}")).collect();
        let mut text = format!("{},y\n", header.join(","));
        for row in 0..20 {
            let fields: Vec<String> = (0..features).map(|column| noise(row, column, 1000).to_string()).collect();
            text += &format!("{},{}\n", fields.join(","), row % 2);
        }
        audited(&text, "y")
    };
    assert_eq!(wide(60), []);
    assert_eq!(wide(61), [Finding::ManyFeatures { features: 61, rows: 12 }]);
}

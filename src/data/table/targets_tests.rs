#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::write;
use crate::data::{Opened, table};

/// Opens a table of a feature `x` and the given target columns, some of which may be named.
fn opened(header: &str, rows: &[&str], target: Option<&str>, task: Option<Task>) -> Result<Opened, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = rows.iter().enumerate().map(|(row, fields)| format!("{row},{fields}\n")).collect();
    let path = write(dir.path(), "points.csv", format!("x,{header}\n{rows}").as_bytes());
    let raw = table::open(&path, &Options { target, task, ..Options::default() })?;
    Ok(Opened::of_table("points".to_owned(), raw))
}

fn one(rows: &[&str], task: Option<Task>) -> Result<Opened, DataError> {
    opened("y", rows, None, task)
}

fn two(rows: &[&str], task: Option<Task>) -> Result<Opened, DataError> {
    opened("y,z", rows, Some("y,z"), task)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn numbers_as_classes_sort_by_value() {
    let targets = one(&["10", "9", "10"], None).unwrap().targets;
    assert_eq!(targets, Targets::Classes { labels: vec![1, 0, 1], names: names(&["9", "10"]) });
}

#[test]
fn one_column_is_regression_where_its_numbers_have_fractions_or_are_many() {
    let inferred = |rows: &[String]| {
        let opened = one(&rows.iter().map(String::as_str).collect::<Vec<_>>(), None).unwrap();
        (opened.targets.task(), opened.notes.get(1).cloned())
    };
    let whole = |different: usize, rows: usize| (0..rows).map(|row| (row % different).to_string()).collect::<Vec<_>>();
    let (task, why) = inferred(&names(&["1", "2.5", "1"]));
    assert_eq!(task, Task::Regression);
    assert_eq!(
        why.as_deref(),
        Some("task regression: the values of \"y\" are numbers with fractions (the setting task decides)")
    );
    for rows in [21, 10_000] {
        let (task, why) = inferred(&whole(21, rows));
        assert_eq!(task, Task::Regression);
        let told = format!("the values of \"y\" are 21 different whole numbers in {rows} rows");
        assert!(why.unwrap().contains(&told));
    }
    for classes in [whole(20, 20), whole(20, 60), names(&["1.0", "2.00", "1"]), names(&["1.5", "2.5", "a"])] {
        assert_eq!(inferred(&classes), (Task::Classification, None), "{classes:?}");
    }
    // As different texts they would be 40.
    let twice: Vec<String> =
        (0..40).map(|row| if row < 20 { row.to_string() } else { format!("{}.0", row - 20) }).collect();
    assert_eq!(inferred(&twice), (Task::Classification, None));
}

#[test]
fn a_given_task_wins_and_is_not_told() {
    let opened = one(&["1.5", "2.5"], Some(Task::Classification)).unwrap();
    assert_eq!(opened.targets, Targets::Classes { labels: vec![0, 1], names: names(&["1.5", "2.5"]) });
    assert_eq!(opened.notes.len(), 1);
    let opened = one(&["1", "0"], Some(Task::Regression)).unwrap();
    assert_eq!(opened.targets, Targets::Numbers { values: vec![1.0, 0.0], names: names(&["y"]) });
    assert_eq!(opened.notes.len(), 1);
}

#[test]
fn among_texts_only_an_empty_field_is_missing() {
    let targets = one(&["None", "Mild", "NA", "null"], None).unwrap().targets;
    assert_eq!(targets.names(), names(&["Mild", "NA", "None", "null"]));
    let message = one(&["None", "Mild", ""], None).unwrap_err().to_string();
    assert!(message.contains("line 4, column \"y\": the field is empty"), "{message}");
}

#[test]
fn numbers_are_kept_as_float64() {
    let targets = one(&["100000000.7453", "99999999.9936"], None).unwrap().targets;
    assert_eq!(targets, Targets::Numbers { values: vec![100_000_000.745_3, 99_999_999.993_6], names: names(&["y"]) });
}

#[test]
fn several_columns_are_labels_or_numbers() {
    let labels = two(&["0,true", "1,FALSE", "yes,1.0", "No,0"], None).unwrap();
    let values = vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    assert_eq!(labels.targets, Targets::Labels { values, names: names(&["y", "z"]) });
    assert_eq!(labels.target.as_deref(), Some("y,z"));
    let told = labels.notes[1].clone();
    assert!(told.starts_with("task classification: \"y\", \"z\" hold nothing but 0 and 1"), "{told}");
    let numbers = two(&["0,1", "1,2"], None).unwrap();
    assert_eq!(numbers.targets, Targets::Numbers { values: vec![0.0, 1.0, 1.0, 2.0], names: names(&["y", "z"]) });
    assert!(numbers.notes[1].clone().starts_with("task regression: \"y\", \"z\""));
    let given = two(&["0,1", "1,0"], Some(Task::Regression)).unwrap();
    assert_eq!((given.targets.task(), given.notes.len()), (Task::Regression, 1));
    // The columns may stand anywhere and in any order.
    let turned = opened("y,w,z", &["0.5,7,1", "1,8,2"], Some(" z , y "), None).unwrap();
    assert_eq!(turned.targets, Targets::Numbers { values: vec![1.0, 0.5, 2.0, 1.0], names: names(&["z", "y"]) });
}

#[test]
fn bad_targets_are_named_by_line_and_column() {
    let message = two(&["0,1", "1,2", "3,0"], Some(Task::Classification)).unwrap_err().to_string();
    assert!(message.contains("points.csv, line 3, column \"z\": there is \"2\""), "{message}");
    let message = two(&["0,1", "1,red"], None).unwrap_err().to_string();
    assert!(message.contains("line 3, column \"z\": there is \"red\""), "{message}");
    let message = one(&["0.5", "1", "red", "1e39"], Some(Task::Regression)).unwrap_err().to_string();
    assert!(message.contains("line 4, column \"y\": there is \"red\""), "{message}");
    for number in ["1e39", "-inf"] {
        let message = one(&["0.5", "1", number], None).unwrap_err().to_string();
        assert!(message.contains(&format!("line 4, column \"y\": {number:?} is not a finite")), "{message}");
    }
    let message = one(&["1", "1"], Some(Task::Regression)).unwrap_err().to_string();
    assert!(message.contains("the target \"y\" is 1 in every row"), "{message}");
    let message = opened("y,z", &["1,2", "2,2"], Some("y,z"), None).unwrap_err().to_string();
    assert!(message.contains("the target \"z\" is 2 in every row"), "{message}");
    for (task, field) in [(None, "n/a"), (Some(Task::Regression), "NaN"), (Some(Task::Classification), "?")] {
        let error = one(&["0.5", "1", field], task).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("line 4, column \"y\": {field:?} stands for a missing value")), "{message}");
        assert!(message.contains("name another column than \"y\" in the setting target"), "{message}");
        assert!(matches!(two(&["0,1", "1,"], task), Err(DataError::EmptyField { line: 3, .. })));
    }
}

#[test]
fn target_columns_are_found_by_name() {
    let find = |target| opened("y,\"y,z\",z", &["0.5,1,1", "2,2,0"], Some(target), None);
    // A column that has the whole text as its name wins.
    assert_eq!(find("y,z").unwrap().targets.names(), names(&["1", "2"]));
    assert_eq!(find("z,y").unwrap().targets.names(), names(&["z", "y"]));
    let message = find("z,yy").unwrap_err().to_string();
    assert!(message.contains("no target column \"yy\"; the nearest column name is \"y\""), "{message}");
    assert!(matches!(find("z,"), Err(DataError::UnknownTarget { target, .. }) if target.is_empty()));
    assert!(matches!(find("z,y,z"), Err(DataError::TargetTwice { column, .. }) if column == "z"));
    let message = opened("y,z", &["1,1", "2,0"], Some("x,y,z"), None).unwrap_err().to_string();
    assert!(message.contains("(\"x\", \"y\", \"z\")") && message.contains("no column is left"), "{message}");
}

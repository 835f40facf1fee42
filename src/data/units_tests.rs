#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::write;
use crate::data::{Options, open};

fn opened(text: &str) -> Opened {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "table.csv", text.as_bytes());
    let group = text.lines().next().unwrap().split(',').find(|name| *name == "who");
    open(path.to_str().unwrap(), &Options { target: Some("y"), group, ..Options::default() }, None).unwrap()
}

/// A table of groups of sizes, with a column `x` and classes that go by `class(group, row)`.
fn grouped(sizes: &[usize], class: impl Fn(usize, usize) -> usize) -> Opened {
    let mut text = "x,who,y\n".to_owned();
    let mut row = 0;
    for (group, &size) in sizes.iter().enumerate() {
        for _ in 0..size {
            text += &format!("{row}.5,g{group},{}\n", ["a", "b"][class(group, row)]);
            row += 1;
        }
    }
    opened(&text)
}

fn by_group() -> By {
    By::Group("who".to_owned())
}

fn split_by(mut opened: Opened, by: By, test: f64, validation: f64, seed: u64) -> Result<(Split, Units), DataError> {
    let (mut units, _) = opened.take_units(by)?;
    let split = units.split(&opened, Fractions { validation, test }, seed)?;
    Ok((split, units))
}

#[test]
fn no_group_is_torn_apart_and_the_shares_are_near() {
    let sizes: Vec<usize> = (0..60).map(|group| 1 + group * 7 % 9).collect();
    let total: usize = sizes.iter().sum();
    for seed in 0..5 {
        let (split, units) = split_by(grouped(&sizes, |_, row| row % 2), by_group(), 0.2, 0.1, seed).unwrap();
        for unit in &units.rows {
            let homes = [&split.train, &split.validation, &split.test].map(|part| part.contains(&unit[0]));
            assert_eq!(homes.iter().filter(|home| **home).count(), 1);
            for part in [&split.train, &split.validation, &split.test] {
                assert!(unit.iter().all(|row| part.contains(row) == part.contains(&unit[0])));
            }
        }
        let mut all = [&split.train[..], &split.validation, &split.test].concat();
        assert!([&split.train, &split.validation, &split.test].iter().all(|part| part.is_sorted()));
        all.sort_unstable();
        assert_eq!(all, (0..total as u32).collect::<Vec<u32>>());
        for (part, share) in [(&split.test, 0.2), (&split.validation, 0.1)] {
            let wanted = share * total as f64;
            assert!((part.len() as f64 - wanted).abs() <= 5.0, "seed {seed}: {} of {wanted}", part.len());
        }
    }
    let seeds =
        [1, 1, 2].map(|seed| split_by(grouped(&sizes, |_, row| row % 2), by_group(), 0.2, 0.1, seed).unwrap().0);
    assert!(seeds[0] == seeds[1] && seeds[0] != seeds[2]);
}

#[test]
fn groups_share_out_the_classes() {
    // Forty groups of one class each, of which eight are of the rare one.
    let data = grouped(&[5; 40], |group, _| usize::from(group % 5 == 0));
    let (labels, _) = data.targets.classes().unwrap();
    let labels = labels.to_vec();
    for seed in 0..5 {
        let (split, _) = split_by(data.clone(), by_group(), 0.25, 0.25, seed).unwrap();
        for part in [&split.test, &split.validation] {
            let rare = part.iter().filter(|&&row| labels[row as usize] == 1).count();
            assert_eq!((part.len(), rare), (50, 10), "seed {seed}");
        }
    }
}

#[test]
fn a_large_group_is_trained_on_and_some_group_is_held_out() {
    let (split, _) = split_by(grouped(&[90, 3, 7], |_, row| row % 2), by_group(), 0.01, 0.0, 1).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (97, 3));
    let (split, _) = split_by(grouped(&[50, 50], |_, row| row % 2), by_group(), 0.2, 0.0, 1).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (50, 50));
    let error = split_by(grouped(&[50, 50], |_, row| row % 2), by_group(), 0.2, 0.1, 1).unwrap_err();
    assert!(matches!(error, DataError::FewUnits { found: 2, .. }), "{error}");
}

#[test]
fn a_row_without_a_group_is_one() {
    let mut data = opened("x,who,y\n1,p,a\n2,,b\n3,p,a\n4,,b\n");
    let (units, note) = data.take_units(by_group()).unwrap();
    assert_eq!(units.rows, [vec![0, 2], vec![1], vec![3]]);
    assert!(note.contains("2 rows have no group") && note.contains("left out of the features"), "{note}");
    // Numbers are groups too.
    let (units, _) = opened("x,who,y\n1,7,a\n2,8,b\n3,7.0,a\n").take_units(by_group()).unwrap();
    assert_eq!(units.rows, [vec![0, 2], vec![1]]);
    // So are numbers among texts, and words that stand for a missing number elsewhere.
    let (units, note) = opened("x,who,y\n1,7,a\n2,7A,b\n3,7.0,a\n4,NA,b\n5,NA,a\n").take_units(by_group()).unwrap();
    assert_eq!(units.rows, [vec![0, 2], vec![1], vec![3, 4]]);
    assert!(note.contains("\"NA\" is taken for the name of a group"), "{note}");
    let numbers = opened("x,whom,y\n1,7,a\n2,8,b\n").take_units(By::Group("whom".to_owned()));
    assert!(matches!(numbers, Err(DataError::GroupsNotTexts { .. })), "{numbers:?}");
}

#[test]
fn the_latest_rows_are_held_out() {
    let mut text = "x,when,y\n".to_owned();
    // Rows in no order; three rows a time.
    (0..60).for_each(|row| text += &format!("{row},{},{}\n", row * 7 % 20, ["a", "b"][row % 2]));
    let (split, _) = split_by(opened(&text), By::Time("when".to_owned()), 0.2, 0.1, 1).unwrap();
    let time = |row: &u32| row * 7 % 20;
    let sorted = |part: &[u32]| {
        let mut times: Vec<u32> = part.iter().map(time).collect();
        times.sort_unstable();
        times.dedup();
        times
    };
    assert_eq!(sorted(&split.test), [16, 17, 18, 19]);
    assert_eq!(sorted(&split.validation), [14, 15]);
    assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (42, 6, 12));
}

#[test]
fn a_column_that_cannot_split_is_refused() {
    let refusal = |text: &str, by: By| opened(text).take_units(by).unwrap_err().to_string();
    let named = |column: &str| By::Time(column.to_owned());
    let message = refusal("x,when,y\n1,2,a\n2,?,b\n", named("when"));
    assert!(message.contains("row 2") && message.contains("\"when\""), "{message}");
    let message = refusal("x,when,y\n1,2,a\n2,3,b\n", named("wen"));
    assert!(message.contains("\"wen\"") && message.contains("\"when\""), "{message}");
    assert!(refusal("when,y\n1,a\n2,b\n", named("when")).contains("no column is left"));
    let digits = open("digits", &Options::default(), None).unwrap().take_units(by_group()).unwrap_err();
    assert!(digits.to_string().contains("only tables have columns"), "{digits}");
}

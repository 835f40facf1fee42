//! Columns as people have them: each file of `tests/cases` is trained on at once, and what was made of it is said.

use super::place::Place;
use std::path::Path;

/// A copy of a file of `tests/cases`.
fn case(place: &Place, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    place.write(name, std::fs::read(path).unwrap());
}

/// Trains on a case for one epoch, and holds that the first lines say all of `told`.
fn says(name: &str, more: &str, told: &[&str]) -> Place {
    let place = Place::new();
    case(&place, name);
    let out =
        place.done(&format!("train {name} {more} --device cpu --epochs 1 --layers 'linear 4, relu, linear' --out run"));
    told.iter().for_each(|told| assert!(out.contains(told), "no {told:?} in {out}"));
    place
}

/// The field of the last object that a training with default settings prints, of its test part.
fn tested(name: &str, more: &str, field: &str) -> f64 {
    let place = Place::new();
    case(&place, name);
    let objects = place.json(&format!("train {name} {more} --device cpu --out run"));
    objects.last().unwrap()["test"][field].as_f64().unwrap()
}

#[test]
fn a_clock_in_milliseconds_is_a_feature() {
    let mean = (0..3).map(|seed| tested("ts_ms.csv", &format!("--seed {seed}"), "accuracy")).sum::<f64>() / 3.0;
    assert!(mean >= 0.95, "{mean}");
    says("ts_ms.csv", "--normalize none", &["the values of ts vary by less than float32 can tell apart"]);
}

#[test]
fn targets_keep_their_digits() {
    let r2 = tested("target_big.csv", "--layers linear --lr 0.1 --epochs 60", "r2");
    assert!(r2 >= 0.999, "{r2}");
    let place =
        says("target_big.csv", "", &["target v, the last column", "task regression: the values of \"v\" are numbers"]);
    let answers = place.json("predict run/model.safetensors target_big.csv --device cpu");
    let predicted = answers[0]["prediction"].as_f64().or_else(|| answers[0]["prediction"][0].as_f64()).unwrap();
    assert!((predicted - 1e8).abs() < 10.0 && predicted.fract() != 0.0, "{predicted}");
    says("target_big.csv", "--normalize-target none", &["the targets v vary by less than float32 can tell apart"]);
}

#[test]
fn a_target_that_does_not_vary_is_refused() {
    let place = Place::new();
    case(&place, "yconst.csv");
    place.refused(
        "train yconst.csv --device cpu --out run",
        &["yconst.csv", "\"y\" is 3.5 in every row", "setting target"],
    );
}

#[test]
fn classes_are_numbers_or_texts() {
    says("labels_mixed.csv", "", &["2 classes", "target y, the last column"]);
    let accuracy = tested("labels_mixed.csv", "", "accuracy");
    assert!(accuracy >= 1.0 - 1.01 / 24.0, "{accuracy}");
    let place = says("labels_none.csv", "", &["2 classes"]);
    let answers = place.json("predict run/model.safetensors labels_none.csv --device cpu");
    assert!(answers.iter().all(|answer| answer["class"] == "None" || answer["class"] == "Mild"));
    // Equal numbers are one class for `eval` too.
    let place = says("labels_mixed.csv", "", &[]);
    place.write("new.csv", "a,b,y\n0.1,0.2,01\n0.3,-2,0e0\n1,1,+1\n");
    assert_eq!(place.json("eval run/model.safetensors new.csv --device cpu")[0]["n"], 3);
}

#[test]
fn words_among_numbers_count_as_missing() {
    says("mix10.csv", "", &["words among numbers count as missing: t (6 rows: \"unknown\")"]);
    says("naall.csv", "", &["words among numbers count as missing: t ("]);
    let place = says("mix10.csv", "--missing unknown", &["t (6 rows: \"unknown\")"]);
    // The model knows the words.
    place.write("new.csv", "a,t\n0.5,unknown\n0.5,NA\n0.5,\n");
    place.done("predict run/model.safetensors new.csv --device cpu");
    place.write("new.csv", "a,t\n0.5,absent\n");
    place.refused("predict run/model.safetensors new.csv --device cpu", &["line 2", "\"t\"", "\"absent\""]);
}

#[test]
fn amounts_shares_and_dates_are_numbers() {
    let place = says("money.csv", "", &["rows of 2,", "numbers are read with: t (thousands separators)"]);
    place.write("new.csv", "a,t\n0.5,\"1,000,000.25\"\n0.5,7\n");
    place.done("predict run/model.safetensors new.csv --device cpu");
    let place = says("pct.csv", "", &["rows of 2,", "numbers are read with: t (%)"]);
    place.write("new.csv", "a,t\n0.5,$5\n");
    place.refused("predict run/model.safetensors new.csv --device cpu", &["line 2", "\"t\"", "\"$5\""]);
    let told = "dates become a number of days, and month, weekday and hour where they vary: t (%Y-%m-%d)";
    let place = says("dates.csv", "", &["rows of 3,", told]);
    place.write("new.csv", "a,t\n0.5,2031-07-09T12:00Z\n0.5,\n");
    place.done("predict run/model.safetensors new.csv --device cpu");
    place.write("new.csv", "a,t\n0.5,09/07/2031\n");
    place.refused(
        "predict run/model.safetensors new.csv --device cpu",
        &["line 2", "\"t\"", "\"09/07/2031\"", "%Y-%m-%d"],
    );
}

#[test]
fn a_raw_table_is_trained_on_at_once() {
    let left = "left out, for they name rows or hold free text or nothing: PassengerId (another whole number in each row), Name (";
    says("titanic.csv", "--target Survived", &[left, "Ticket (", "Cabin (", "target Survived"]);
    let accuracy = tested("titanic.csv", "--target Survived", "accuracy");
    assert!(accuracy >= 0.75, "{accuracy}");
    // Without a target it is the last column, which has empty fields; how to go on is said.
    let place = Place::new();
    case(&place, "titanic.csv");
    let names = ["\"Embarked\"", "the field is empty", "in the setting target"];
    place.refused("train titanic.csv --device cpu --out run", &names);
}

#[test]
fn lists_of_columns_decide_and_all_faults_are_told() {
    let more = "--target Survived --categorical Pclass,Cabin --numeric PassengerId --ignore Ticket";
    let place = says("titanic.csv", more, &["left out, for they name rows or hold free text or nothing: Name ("]);
    let recipe = place.text("run/recipe.toml");
    for list in ["categorical = [\"Pclass\", \"Cabin\"]", "numeric = [\"PassengerId\"]", "ignore = [\"Ticket\"]"] {
        assert!(recipe.contains(list), "{recipe}");
    }
    let faults = "--target Survived --ignore Nam --categorical Sxe,Sex --numeric Sex --out run2";
    let names = [
        "\"Nam\", which the setting ignore names",
        "\"Sxe\", which the setting categorical names",
        "both name the column \"Sex\"",
    ];
    let before = place.run(&format!("train titanic.csv --device cpu {faults}"));
    names.iter().for_each(|name| assert!(before.err.contains(name), "no {name:?} in {}", before.err));
    assert_eq!((before.code, before.err.lines().count()), (Some(2), 1));
}

#[test]
fn whole_numbers_of_many_values_are_regression() {
    let place = Place::new();
    let rows = |classes: usize| (0..300).map(|i| format!("{},{}\n", i as f64 / 7.0, i % classes)).collect::<String>();
    for (classes, told) in [
        (21, "task regression: the values of \"count\" are 21 different whole numbers in 300 rows"),
        (20, "20 classes"),
    ] {
        place.write("rows.csv", format!("x,count\n{}", rows(classes)));
        let line = format!("train rows.csv --device cpu --epochs 1 --layers linear --out run-{classes}");
        let out = place.done(&line);
        assert!(out.contains(told), "{out}");
    }
}

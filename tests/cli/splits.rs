//! Rows that are held out: by files of their own, by groups, by times; and what the audit says of data before training.

use super::place::{Place, idx_folder, rows, table};

const TRAIN: &str = "--device cpu --batch 16 --steps 20 --layers 'linear 8, relu, linear' --seed 1";

/// The line that says how many rows each part has.
fn split_line(out: &str) -> &str {
    out.lines().find(|line| line.starts_with("split")).unwrap_or_else(|| panic!("no split in {out}"))
}

#[test]
fn files_validate_and_test() {
    let place = Place::new();
    place.write("train.csv", table(200));
    // The same columns in another order, among others.
    let lines = rows(260).split_off(200).into_iter().map(|[x, y, label]| format!("{label},note,{y},{x}\n"));
    place.write("test.csv", std::iter::once("label,more,y,x\n".to_owned()).chain(lines).collect::<String>());
    place.write("validation.csv", table(30));
    let out = place.done(&format!("train train.csv {TRAIN} --test test.csv --validation validation.csv --out run"));
    assert!(split_line(&out).contains("200 to train, 30 to validate, 60 to test"), "{out}");
    assert!(place.text("run/recipe.toml").contains("test = \"../test.csv\""), "{}", place.text("run/recipe.toml"));
    // The result is that of the file.
    let last =
        place.json(&format!("train train.csv {TRAIN} --test test.csv --validation 0 --out other")).pop().unwrap();
    let judged = place.json("eval other/model.safetensors test.csv --device cpu").pop().unwrap();
    assert_eq!(last["test"]["n"], 60, "{last}");
    assert_eq!(last["test"]["accuracy"], judged["accuracy"], "{last} {judged}");
    // A run is gone on with by its own recipe.
    place.done("train --resume run --steps 25");
    place.write("new.csv", "x,y,label\n1,2,over\n3,4,level\n");
    place.refused(&format!("train train.csv {TRAIN} --test new.csv --out no"), &["new.csv", "\"level\"", "\"over\""]);
    place.write("narrow.csv", "x,label\n1,over\n");
    place.refused(&format!("train train.csv {TRAIN} --test narrow.csv --out no"), &["narrow.csv", "\"y\""]);
    place.refused(&format!("train train.csv {TRAIN} --test nosuch.csv --out no"), &["nosuch.csv"]);
    place.refused(&format!("train train.csv {TRAIN} --test 1.5 --out no"), &["test", "less than 1"]);
}

#[test]
fn images_are_tested_on_images() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    idx_folder(&place, "own", false);
    for kind in ["images-idx3", "labels-idx1"] {
        std::fs::remove_file(place.path(&format!("own/t10k-{kind}-ubyte"))).unwrap();
    }
    let out = place.done(&format!("train own {TRAIN} --test shapes --validation 0 --out run"));
    assert!(split_line(&out).contains("60 to train, 0 to validate, 15 to test"), "{out}");
    place.refused(&format!("train shapes {TRAIN} --test own --out no"), &["test part"]);
    place.refused(&format!("train own {TRAIN} --test digits --out no"), &["digits", "8"]);
    place.write("table.csv", table(20));
    place.refused(&format!("train own {TRAIN} --test table.csv --out no"), &["table.csv", "images"]);
    place.refused(&format!("train own {TRAIN} --group who --out no"), &["\"who\"", "only tables"]);
}

#[test]
fn groups_and_times_split() {
    let place = Place::new();
    let mut text = "x,y,who,day,label\n".to_owned();
    for (i, [x, y, label]) in rows(120).into_iter().enumerate() {
        text += &format!("{x},{y},p{},{},{label}\n", i / 6, 20 - i / 6);
    }
    place.write("people.csv", text);
    let ran = place.run(&format!("train people.csv {TRAIN} --group who --test 0.2 --validation 0.1 --out groups"));
    assert!(ran.code == Some(0) && split_line(&ran.out).contains("84 to train, 12 to validate, 24 to test"), "{ran:?}");
    assert!(ran.out.contains("20 groups of \"who\"") && ran.out.contains("left out of the features"), "{ran:?}");
    let ran =
        place.run(&format!("train people.csv {TRAIN} --time day --ignore who --test 0.2 --validation 0.1 --out times"));
    assert!(ran.code == Some(0) && split_line(&ran.out).contains("84 to train, 12 to validate, 24 to test"), "{ran:?}");
    assert!(ran.out.contains("latest rows by \"day\""), "{ran:?}");
    place.refused(&format!("train people.csv {TRAIN} --time day --group who --out no"), &["group", "time"]);
    place.refused(&format!("train people.csv {TRAIN} --group whom --out no"), &["\"whom\"", "\"who\""]);
}

#[test]
fn the_audit_speaks_where_it_finds_something() {
    let place = Place::new();
    place.write("clean.csv", table(200));
    let ran = place.run(&format!("train clean.csv {TRAIN} --out clean"));
    assert!(ran.code == Some(0) && !ran.out.contains("stand in") && !ran.out.contains("alone predicts"), "{ran:?}");
    let lines = rows(200).into_iter().map(|[x, y, label]| format!("{x},{y},{},{label}\n", label.len()));
    let leaky: String = std::iter::once("x,y,letters,label\n".to_owned()).chain(lines).collect();
    place.write("leaky.csv", format!("{leaky}{}", leaky.split_once('\n').unwrap().1));
    let ran = place.run(&format!("train leaky.csv {TRAIN} --out leaky"));
    assert!(ran.code == Some(0) && ran.out.contains("the column \"letters\" alone predicts the target"), "{ran:?}");
    assert!(ran.out.contains("test rows stand in the training part too, such as row"), "{ran:?}");
}

#[test]
fn groups_are_texts_whatever_they_look_like() {
    let place = Place::new();
    // Forty patients of five rows, six of whom have a letter behind the number.
    let name = |patient: usize| format!("{}{}", 1000 + patient, if patient % 7 == 3 { "A" } else { "" });
    let mut text = "x,y,pat,label\n".to_owned();
    for (i, [x, y, label]) in rows(200).into_iter().enumerate() {
        text += &format!("{x},{y},{},{label}\n", name(i % 40));
    }
    place.write("tr.csv", &text);
    let out = place.done(&format!("train tr.csv {TRAIN} --group pat --out run"));
    assert!(out.contains("each of the 40 groups of \"pat\"") && !out.contains("have no group"), "{out}");
    // Rows of a file belong to groups too.
    place.write("te.csv", &text);
    let out = place.done(&format!("train tr.csv {TRAIN} --group pat --test te.csv --validation 0 --out file"));
    assert!(out.contains("te.csv: 40 of its 40 groups of \"pat\" have rows in tr.csv too"), "{out}");
    place.write("te.csv", "x,y,pat,label\n1,2,p1,over\n3,2,p2,under\n4,2,1000.0,under\n");
    place.write("va.csv", "x,y,pat,label\n1,2,p1,over\n3,2,p3,under\n");
    let files = "--group pat --test te.csv --validation va.csv";
    let out = place.done(&format!("train tr.csv {TRAIN} {files} --out files"));
    assert!(out.contains("te.csv: 1 of its 3 groups of \"pat\" has rows in tr.csv too"), "{out}");
    assert!(out.contains("te.csv: 1 of its 3 groups of \"pat\" has rows in va.csv too"), "{out}");
    assert!(out.contains("each of the 40 groups of \"pat\" in tr.csv is in one part"), "{out}");
    place.write("te.csv", "x,y,label\n1,2,over\n3,2,under\n");
    let out = place.done(&format!("train tr.csv {TRAIN} --group pat --test te.csv --validation 0 --out none"));
    assert!(out.contains("te.csv: it has no column \"pat\""), "{out}");
    place
        .refused(&format!("train tr.csv {TRAIN} --group pat --numeric pat --out no"), &["group", "numeric", "\"pat\""]);
}

#[test]
fn too_few_groups_are_told_in_one_sentence() {
    let place = Place::new();
    place.write("t.csv", "x,who,label\n1,a,over\n2,a,under\n3,b,over\n4,b,under\n");
    let line = format!("train t.csv {TRAIN} --group who --test 0.3 --validation 0.3 --out no");
    place.refused(&line, &["\"who\" has 2 groups"]);
    assert!(!place.run(&line).err.contains("  "), "{:?}", place.run(&line));
}

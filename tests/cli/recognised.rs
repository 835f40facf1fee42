//! How the text of a table is written: it is recognised once, said, and kept for the files that a model reads later.

use super::place::{Place, Ran};

const TRAIN: &str = "--device cpu --epochs 1 --batch 16 --layers linear --out";

fn train(place: &Place, table: &str, more: &str, out: &str) -> Ran {
    place.run(&format!("train {table} {more} {TRAIN} {out}"))
}

/// Trains what must work, and gives what was said.
fn said(place: &Place, table: &str, more: &str, out: &str) -> String {
    let ran = train(place, table, more, out);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

/// The description in a model file.
fn described(place: &Place, run: &str) -> wgrad::export::Metadata {
    wgrad::export::Model::read(&place.path(&format!("{run}/model.safetensors"))).unwrap().metadata.unwrap()
}

fn mean(place: &Place, run: &str, column: &str) -> f64 {
    let meta = described(place, run);
    let column = meta.encoding.columns.iter().find(|found| found.name == column).unwrap();
    match column.kind {
        wgrad::data::Kind::Number { mean, .. } | wgrad::data::Kind::Imputed { mean, .. } => mean,
        ref other => panic!("{other:?}"),
    }
}

/// A table of 60 rows below a header, of a row's number.
fn rows(header: &str, row: impl Fn(usize) -> String) -> String {
    std::iter::once(header.to_owned()).chain((0..60).map(row)).map(|line| line + "\n").collect()
}

#[test]
fn an_open_quotation_mark_swallows_no_rows() {
    let place = Place::new();
    let class = |i: usize| ["a", "b"][i % 2];
    for (header, field) in [("x,label,z", "0.5"), ("x,label,z", "2024-01-05")] {
        let text = rows(header, |i| {
            let mark = if i == 30 { "\"" } else { "" };
            format!("{i}.5,{},{mark}{field}", class(i))
        });
        place.write("open.csv", text);
        place.refused(&format!("train open.csv {TRAIN} no"), &["line 32", "\"z\"", "quotation mark"]);
    }
    // Free text may go over lines; that rows may be in it is said.
    let row = |i: usize| {
        let mark = if i == 130 { "\"" } else { "" };
        format!("{i}.5,{mark}words of row {i},{}\n", class(i))
    };
    let text: String = (0..400).map(row).collect();
    place.write("free.csv", format!("x,note,label\n{text}400.5,words of\" row 400,a\n"));
    let out = said(&place, "free.csv", "", "free");
    assert!(out.contains("over several lines") && out.contains("lines 132 to 402"), "{out}");
    place.write("new.csv", "x,note,label\n1,\"a\nb\",a\n2,b,b\n");
    let ran = place.run("predict free/model.safetensors new.csv --device cpu");
    assert!(ran.err.contains("lines 2 to 3"), "{ran:?}");
}

#[test]
fn words_for_missing_fields_come_before_numbers_and_dates() {
    let place = Place::new();
    let text = rows("x,s,d,label", |i| {
        let x = if i % 6 == 0 { "-999".to_owned() } else { format!("{}.5", i % 7) };
        let s = if i % 5 == 0 { "unknown".to_owned() } else { i.to_string() };
        let d = if i % 4 == 0 { "1900-01-01".to_owned() } else { format!("2020-01-{:02}", 1 + i % 28) };
        format!("{x},{s},{d},{}", ["a", "b"][i % 2])
    });
    place.write("t.csv", &text);
    let out = said(&place, "t.csv", "--missing=-999,xx,1900-01-01 --normalize none", "run");
    assert!(mean(&place, "run", "x") > 0.0, "{}", mean(&place, "run", "x"));
    assert!(out.contains("words among numbers count as missing") && out.contains("\"-999\""), "{out}");
    assert!(out.contains("\"1900-01-01\""), "{out}");
    // All words stand for a missing field in all columns, in later files too; equal numbers are one word.
    place.write("new.csv", "x,s,d,label\n-999,xx,xx,a\nxx,-999.0,1900-01-01,b\n,,,a\n");
    let answers = place.json("predict run/model.safetensors new.csv --device cpu");
    assert_eq!(answers[0]["logits"], answers[1]["logits"]);
    assert_eq!(answers[0]["logits"], answers[2]["logits"]);
    // Among words, too: the column is read twice.
    place.write("t.csv", text.replace("0.5,", "odd,"));
    said(&place, "t.csv", "--missing=-999 --normalize none", "words");
    place.write("new.csv", "x,s,d,label\n-999,1,2020-01-01,a\n,1,2020-01-01,b\n");
    let answers = place.json("predict words/model.safetensors new.csv --device cpu");
    assert_eq!(answers[0]["logits"], answers[1]["logits"]);
}

#[test]
fn a_model_reads_numbers_with_the_decimal_mark_of_its_training() {
    let place = Place::new();
    place.write("de.csv", rows("preis;menge;label", |i| format!("{},{:02};{i};{}", 5 + i, i, ["a", "b"][i % 2])));
    said(&place, "de.csv", "--target label", "run");
    let logits = |text: &str| {
        place.write("new.csv", text);
        let answers = place.json("predict run/model.safetensors new.csv --device cpu");
        answers.iter().map(|answer| answer["logits"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(logits("preis;menge\n8.500;120\n"), logits("preis;menge\n8500,0;120\n"));
    assert_ne!(logits("preis;menge\n8.500;120\n"), logits("preis;menge\n8,500;120\n"));
    // A file that says otherwise is read as it says, which is told.
    assert_eq!(logits("preis,menge\n8.5,120\n"), logits("preis;menge\n8,5;120\n"));
    place.write("new.csv", "preis,menge\n8.5,120\n");
    let ran = place.run("predict run/model.safetensors new.csv --device cpu");
    assert!(ran.err.contains("decimal point") && ran.err.contains("decimal comma"), "{ran:?}");
    // What is as in training is no news.
    place.write("new.csv", "preis;menge\n8,5;120\n");
    let ran = place.run("predict run/model.safetensors new.csv --device cpu");
    assert_eq!(ran.err, "", "{ran:?}");
    // So do the files of a part.
    place.write("part.csv", "preis;menge;label\n8.500;120;a\n9.500;121;b\n");
    let part = place.run(&format!("train de.csv --test part.csv --target label {TRAIN} part --json"));
    place.write("part.csv", "preis;menge;label\n8500,0;120;a\n9500,0;121;b\n");
    let plain = place.run(&format!("train de.csv --test part.csv --target label {TRAIN} plain --json"));
    let tested = |ran: &Ran| {
        let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        last["test"].clone()
    };
    assert!(tested(&part)["n"] == 2 && tested(&part) == tested(&plain), "{part:?} {plain:?}");
}

#[test]
fn a_model_reads_its_target_as_in_training() {
    let place = Place::new();
    place.write("tr.csv", rows("x,y", |i| format!("{i},\"{},{:02}\"", i % 9, i)));
    said(&place, "tr.csv", "", "run");
    let judged = |text: &str| {
        place.write("te.csv", text);
        place.json("eval run/model.safetensors te.csv --device cpu")[0].clone()
    };
    assert_eq!(judged("x,y\n1,\"5,131\"\n2,\"6,250\"\n"), judged("x,y\n1,\"5,1310\"\n2,\"6,25\"\n"));
    place.write("money.csv", rows("x,y", |i| format!("{i},${}.5", 10 + i)));
    said(&place, "money.csv", "", "money");
    place.write("te.csv", "x,y\n1,$12.5\n2,13.5\n");
    place.done("eval money/model.safetensors te.csv --device cpu");
    place.write("te.csv", "x,y\n1,€12.5\n2,€13.5\n");
    place.refused("eval money/model.safetensors te.csv --device cpu", &["te.csv", "line 2", "\"y\"", "€12.5"]);
    // A model without that knowledge is still read.
    let file = place.read("run/model.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["wgrad"]).unwrap();
    json.as_object_mut().unwrap().remove("dialect").expect("how its table was written");
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let keys = std::collections::HashMap::from([("wgrad".to_owned(), json.to_string())]);
    place.write("old.safetensors", safetensors::serialize(tensors.tensors(), Some(keys)).unwrap());
    place.write("te.csv", "x,y\n1,\"5,13\"\n2,\"6,25\"\n");
    place.done("eval old.safetensors te.csv --device cpu");
}

#[test]
fn blanks_between_thousands_go_with_a_decimal_comma() {
    let place = Place::new();
    for mark in [" ", "\u{a0}", "\u{202f}", "'", "’"] {
        let price = |i: usize| if i.is_multiple_of(6) { format!("1{mark}234,50") } else { format!("{i},25") };
        place.write("t.csv", rows("price;label", |i| format!("{};{}", price(i), ["a", "b"][i % 2])));
        let out = said(&place, "t.csv", "--target label --test 0 --validation 0", &format!("run{}", mark.len()));
        assert!(!out.contains("count as missing") && !out.contains("left out"), "{out}");
        let wanted = (0..60).map(|i| if i % 6 == 0 { 1234.5 } else { i as f64 + 0.25 }).sum::<f64>() / 60.0;
        let found = mean(&place, &format!("run{}", mark.len()), "price");
        assert!((found - wanted).abs() < 1e-9, "{mark:?}: {found}, not {wanted}");
        std::fs::remove_dir_all(place.path(&format!("run{}", mark.len()))).unwrap();
    }
    // As a target it is a number.
    place.write("y.csv", rows("x;y", |i| format!("{i};{} {:03},{:02}", 1 + i % 9, (i * 37) % 1000, i)));
    assert!(said(&place, "y.csv", "", "y").contains("the number y"));
    place.write("new.csv", "x;y\n5;1 234,5\n6;2 000\n");
    place.done("eval y/model.safetensors new.csv --device cpu");
}

#[test]
fn dates_with_years_of_two_digits_are_ambiguous() {
    let place = Place::new();
    let text = rows("d,label", |i| format!("{}-{:02}-{:02},{}", 20 + i / 20, 1 + i % 20 / 2, 1 + 14 * (i % 2), i % 2));
    place.write("t.csv", &text);
    let out = said(&place, "t.csv", "", "run");
    assert!(out.contains("d (%y-%m-%d)") && out.contains("day_first"), "{out}");
    let out = said(&place, "t.csv", "--day-first true", "first");
    assert!(out.contains("d (%d-%m-%y)"), "{out}");
    // Slashes: the month comes first, unless the setting says otherwise.
    place.write("t.csv", rows("d,label", |i| format!("{}/{}/2024,{}", 1 + i % 12, 1 + (i * 5) % 12, i % 2)));
    let out = said(&place, "t.csv", "", "slash");
    assert!(out.contains("%m/%d/%Y") && out.contains("day_first"), "{out}");
    let out = said(&place, "t.csv", "--day-first true", "slash2");
    assert!(out.contains("d (%d/%m/%Y)") && !out.contains("day_first"), "{out}");
    assert!(place.text("slash2/recipe.toml").contains("day_first = true"));
    place.refused(&format!("train digits --day-first true {TRAIN} no"), &["digits", "day_first"]);
}

#[test]
fn times_say_how_they_are_read() {
    let place = Place::new();
    place.write("t.csv", rows("x,day,label", |i| format!("{i}.5,{}/{}/2024,{}", 1 + i / 12, 1 + i % 12, i % 2)));
    let out = said(&place, "t.csv", "--time day", "run");
    assert!(out.contains("the latest rows by \"day\" (%m/%d/%Y)") && out.contains("day_first"), "{out}");
    let out = said(&place, "t.csv", "--time day --day-first true", "first");
    assert!(out.contains("\"day\" (%d/%m/%Y)") && !out.contains("the setting day_first"), "{out}");
    place.write("t.csv", rows("x,day,label", |i| format!("{i}.5,2024-01-{:02},{}", 1 + i % 28, i % 2)));
    let out = said(&place, "t.csv", "--time day", "iso");
    assert!(out.contains("\"day\" (%Y-%m-%d)") && !out.contains("day_first"), "{out}");
    place.write("t.csv", rows("x,day,label", |i| format!("{i}.5,week {i},{}", i % 2)));
    place.refused(&format!("train t.csv --time day {TRAIN} no"), &["\"day\"", "texts", "\"week 0\""]);
}

#[test]
fn numbers_for_names_are_told_and_their_rows_stay() {
    let place = Place::new();
    // A table without a header that begins as one of numbered columns would.
    let text: String = std::iter::once("0,1,2".to_owned())
        .chain((0..60).map(|i| format!("{},{},{}", i % 4, 1 + i % 2, i % 3)))
        .map(|line| line + "\n")
        .collect();
    place.write("t.csv", text);
    let out = said(&place, "t.csv", "", "run");
    assert!(out.contains("60 rows") && !out.contains("repeat"), "{out}");
    assert!(out.contains("names of columns are numbers"), "{out}");
    assert!(!said(&place, "t.csv", "--header true", "given").contains("names of columns are numbers"));
    // A class that stands in the first row alone makes no header of it.
    let text: String = std::iter::once("5.1,rare".to_owned())
        .chain((0..60).map(|i| format!("{}.{},{}", i % 9, i, ["a", "b"][i % 2])))
        .map(|line| line + "\n")
        .collect();
    place.write("t.csv", text);
    let out = said(&place, "t.csv", "", "rare");
    assert!(out.contains("61 rows") && out.contains("column_2"), "{out}");
}

#[test]
fn a_model_knows_whether_its_table_had_a_header() {
    let place = Place::new();
    place.write("t.csv", rows(",label", |i| format!("{},{}", (i * 7) % 11, i % 2)));
    said(&place, "t.csv", "", "run");
    assert_eq!(place.json("predict run/model.safetensors t.csv --device cpu").len(), 60);
    assert_eq!(place.json("eval run/model.safetensors t.csv --device cpu")[0]["n"], 60);
}

#[test]
fn a_first_line_that_names_blanks_is_cut_off() {
    let place = Place::new();
    let body: String = (0..60).map(|i| format!("{} {} {}\n", i % 13, i * 3 % 7, ["u", "v"][i % 2])).collect();
    for first in ["sep=blanks", "  sep=blanks", "   sep=blanks", "  \"sep=blanks\""] {
        let name = format!("run{}", first.len());
        place.write("t.csv", format!("{first}\né b y\n{body}"));
        let out = said(&place, "t.csv", "", &name);
        assert!(out.contains("60 rows of 2"), "{out}");
        assert_eq!(described(&place, &name).encoding.columns[0].name, "é");
        place.write("t.csv", format!("{first}\ré b y\r{}", body.replace('\n', "\r").replace("5 1 v", "5 x v")));
        place.refused(&format!("predict {name}/model.safetensors t.csv --device cpu"), &["line 8", "\"b\"", "\"x\""]);
    }
}

#[test]
fn long_names_are_shown_in_part() {
    let place = Place::new();
    let (a, b) = ("é".repeat(100_000), "w".repeat(200_000));
    let field = |i: usize| if i.is_multiple_of(7) { "odd".to_owned() } else { format!("\"1,0{:02}.5\"", i) };
    place.write(
        "t.csv",
        rows(&format!("{a},{b},{b},{b}y"), |i| {
            format!("{},2024-01-{:02},{},{}", field(i), 1 + i % 28, ["p", "q"][i % 2], i % 2)
        }),
    );
    let ran = train(&place, "t.csv", "", "run");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.len() < 8000 && ran.err.len() < 2000, "{} {}", ran.out.len(), ran.err.len());
    place.write("t.csv", rows(&format!("{a},x,{b}"), |i| format!("{},{i},{}.5", field(i), i * 3)));
    let ran = train(&place, "t.csv", "", "number");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.len() < 8000 && ran.err.len() < 2000, "{} {}", ran.out.len(), ran.err.len());
}

#[test]
fn why_a_column_is_the_target_is_told() {
    let place = Place::new();
    place.write("t.csv", rows("label,class,x", |i| format!("{},{},{}", i % 3, i % 2, i % 4)));
    let out = said(&place, "t.csv", "", "run");
    assert!(
        out.contains("target x, the last column, because several columns are named label, target or class"),
        "{out}"
    );
    // Names may begin as the files of other programs do.
    for name in ["PAR1", "BZh", "%PDF", "ARROW1", "SQLite format 3"] {
        place.write("t.csv", rows(&format!("{name},label"), |i| format!("{i}.5,{}", i % 2)));
        said(&place, "t.csv", "", &name.replace(['%', ' '], "x"));
    }
}

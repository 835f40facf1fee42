//! Tables as people write them: the same rows in other clothes train the same network, and what was recognised is told.

use super::place::{LAYERS, Place, Ran, gzip};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

fn case(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)).unwrap()
}

fn train(data: &str, out: &str) -> String {
    format!("train {data} --target y --device cpu --batch 16 --steps 20 {LAYERS} --out {out}")
}

/// The case as commas and points.
fn plain() -> String {
    String::from_utf8(case("semi_deccomma.csv")).unwrap().replace(',', ".").replace(';', ",")
}

fn with_input(place: &Place, line: &str, input: &[u8]) -> Ran {
    let mut command = place.command(line);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_same_rows_train_the_same_network_however_they_are_written() {
    let place = Place::new();
    place.write("plain.csv", plain());
    let out = place.done(&train("plain.csv", "run"));
    assert!(!out.contains("decides") && !out.contains("left out"), "{out}");
    let wanted = place.text("run/steps.csv");
    let utf_16: Vec<u8> = std::iter::once(0xfeff).chain(plain().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let files: [(&str, Vec<u8>, &[&str]); 8] = [
        ("pandas_index.csv", case("pandas_index.csv"), &["column 1 has no name and counts the rows: it is left out"]),
        ("trailing.csv", case("trailing.csv"), &["column 4 has no name and no values: it is left out"]),
        ("semi.data", case("semi_deccomma.csv"), &["semicolons separate the fields", "numbers have a decimal comma"]),
        ("z.csv.gz", case("z.csv.gz"), &[]),
        ("tabs.tsv", plain().replace(',', "\t").into(), &["tabs separate the fields"]),
        ("pipes.txt", format!("sep=|\n{}", plain().replace(',', "|")).into(), &["pipes separate the fields (as its"]),
        ("returns", plain().replace('\n', "\r").into(), &[]),
        ("utf_16.csv", utf_16, &["the text is UTF-16"]),
    ];
    for (at, (name, bytes, notes)) in files.into_iter().enumerate() {
        place.write(name, bytes);
        let out = place.done(&train(name, &format!("run-{at}")));
        notes.iter().for_each(|note| assert!(out.contains(note), "{name}: no {note:?} in {out}"));
        assert!(place.text(&format!("run-{at}/steps.csv")) == wanted, "{name}");
        let eval = |data: &str| place.json(&format!("eval run/model.safetensors {data} --device cpu"));
        assert_eq!(eval(name), eval("plain.csv"), "{name}");
        let predict = |data: &str| place.json(&format!("predict run/model.safetensors {data} --device cpu"));
        let answers = |data: &str| predict(data).into_iter().map(|row| row["logits"].clone()).collect::<Vec<_>>();
        assert_eq!(answers(name), answers("plain.csv"), "{name}");
    }
}

#[test]
fn a_table_without_a_header_is_trained_and_judged() {
    let place = Place::new();
    place.write("adult.csv", case("adult.csv"));
    let settings = format!("--device cpu --batch 16 --steps 20 {LAYERS} --out run");
    let out = place.done(&format!("train adult.csv {settings}"));
    assert!(out.contains("the columns are named column_1 to column_12"), "{out}");
    assert!(out.contains("60 rows") && out.contains("2 classes of column_12"), "{out}");
    let model = "run/model.safetensors --device cpu";
    assert!(place.done(&format!("eval {model} adult.csv")).contains("60 rows"));
    // One row, which alone does not tell that it is no header.
    place.write("one.csv", "31, Private, 771, HS, 1, Single, Clerk, White, Male, 40, US\n");
    assert_eq!(place.done(&format!("predict {model} one.csv")).lines().count(), 1);
}

#[test]
fn standard_input_and_pipes_are_read_once() {
    let place = Place::new();
    place.write("plain.csv", plain());
    place.done(&train("plain.csv --quiet", "run"));
    let wanted = place.text("run/steps.csv");
    for (out, path, input) in [
        ("run-input", "-", plain().into_bytes()),
        ("run-packed", "-", gzip(plain().as_bytes())),
        #[cfg(unix)]
        ("run-pipe", "/dev/stdin", plain().into_bytes()),
    ] {
        let ran = with_input(&place, &train(path, out), &input);
        assert_eq!(ran.code, Some(0), "{path}: {ran:?}");
        assert_eq!(place.text(&format!("{out}/steps.csv")), wanted, "{path}");
        let ran = with_input(&place, &format!("eval run/model.safetensors {path} --device cpu"), &input);
        assert!(ran.code == Some(0) && ran.out.contains("120 rows"), "{ran:?}");
        let ran = with_input(&place, &format!("predict run/model.safetensors {path} --device cpu"), &input);
        assert!(ran.code == Some(0) && ran.out.lines().count() == 120, "{ran:?}");
    }
    let ran = with_input(&place, &train("-", "run-none"), b"");
    assert!(ran.code == Some(2) && ran.err.contains("the file is empty"), "{ran:?}");
}

#[test]
fn flags_decide_what_is_recognised() {
    let place = Place::new();
    place.write("semi.csv", case("semi_deccomma.csv"));
    let flags = "--separator ';' --decimal Comma --header true";
    let out = place.done(&train(&format!("semi.csv {flags}"), "run"));
    assert!(!out.contains("separate the fields") && !out.contains("decimal comma"), "{out}");
    let recipe = place.text("run/recipe.toml");
    for line in ["separator = \"semicolon\"", "decimal = \"comma\"", "header = true"] {
        assert!(recipe.contains(line), "no {line:?} in {recipe}");
    }
    let model = "run/model.safetensors --device cpu";
    assert!(place.done(&format!("eval {model} semi.csv {flags}")).contains("120 rows"));
    assert_eq!(place.done(&format!("predict {model} semi.csv {flags}")).lines().count(), 120);
    place.refused(&train("semi.csv --separator tab", "none"), &["\"a;b;y\" is the only column"]);
    place.refused(&train("semi.csv --header false", "none"), &["no target column \"y\"", "\"column_1\""]);
    place.refused(&train("semi.csv --separator colon", "none"), &["separator", "\"colon\"", "semicolon"]);
    place.refused(&format!("predict {model} semi.csv --decimal point"), &["line 2", "\"0,1257\""]);
    let ran = place.run(&format!("eval {model} semi.csv --decimal commma"));
    assert!(ran.code == Some(2) && ran.err.contains("did you mean comma?"), "{ran:?}");
}

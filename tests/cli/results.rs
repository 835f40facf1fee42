//! What is said of a result, and what is written of it, whatever the files hold that it is made of.

use super::place::{Place, table};
use std::fs;
use std::path::Path;

fn case(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)).unwrap()
}

/// No escape sequence, and no line that a name has begun.
fn assert_plain(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("newline")), "{text:?}");
}

#[test]
fn control_characters_out_of_files_are_shown_escaped() {
    let place = Place::new();
    place.write("model.safetensors", case("ansi-classes.safetensors"));
    place.write("tab.csv", case("tab.csv"));
    let ran = place.run("predict model.safetensors tab.csv --device cpu");
    assert_plain(&ran.out);
    assert_plain(&ran.err);
    assert!(ran.code == Some(0) && ran.out.contains("\\u{1b}[31mred\\u{1b}[0m"), "{ran:?}");
    let ran = place.run("eval model.safetensors tab.csv --device cpu");
    assert!(ran.code == Some(2) && ran.err.contains("\\u{1b}[31mred"), "{ran:?}");
    assert_plain(&ran.err);
    // The classes of the model itself, in a table, a matrix and sentences.
    let red = "\u{1b}[31mred\u{1b}[0m";
    let rows = (0..40).map(|i| {
        let class = if i % 4 == 0 { red.to_owned() } else { "\u{9b}0m\u{7}".to_owned() };
        format!("{},{},{},{class}\n", f64::from(i) / 9.0, f64::from(i % 7), ["x", "y", "z"][i as usize % 3])
    });
    place.write("red.csv", std::iter::once("a,b,c,kind\n".to_owned()).chain(rows).collect::<String>());
    let out = place.done("train red.csv --device cpu --epochs 1 --layers linear --target kind --out run");
    assert_plain(&out);
    let out = place.done("eval run/model.safetensors red.csv --device cpu");
    assert_plain(&out);
    assert!(out.contains("\\u{1b}[31mred") && out.contains("confusion"), "{out}");
    // JSON has the names themselves, with no byte that a terminal acts on.
    let out = place.done("eval run/model.safetensors red.csv --device cpu --json");
    assert_plain(&out);
    let object: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(object["classes"], serde_json::json!([red, "\u{9b}0m\u{7}"]));
}

#[test]
fn weights_of_other_precisions_are_taken_and_files_of_other_kinds_named() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let train = "train points.csv --device cpu --steps 1 --layers 'linear 16, batch_norm, relu, linear' --quiet";
    for (name, told) in [("f16", "8 tensors of float16"), ("bf16", "8 tensors of bfloat16"), ("orig", "\"_orig_mod.\"")]
    {
        let file = format!("{name}.safetensors");
        place.write(&file, case(&file));
        let ran = place.run(&format!("{train} --init-from {file} --out {name}"));
        assert!(ran.code == Some(0) && ran.err.contains(told) && ran.err.contains(&file), "{ran:?}");
    }
    place.write("net.pt", b"PK\x03\x04\x14\0\0\0archive/data.pkl\x80\x02");
    place.refused(
        &format!("{train} --init-from net.pt"),
        &["net.pt", "torch.save", "torch.load(\"net.pt\"", "save_file("],
    );
    place.refused("predict net.pt points.csv", &["net.pt", "torch.save", "save_file("]);
}

/// Columns in the order and with the fields of the file, those that the model does not read too.
#[test]
fn predictions_are_written_beside_their_inputs() {
    let place = Place::new();
    place.write("points.csv", table(60));
    place.done("train points.csv --device cpu --epochs 5 --layers linear --quiet --out run");
    place.write("new.csv", "note,y,x,prediction\n\"a, b\",1.50,3,\n\n,2,0.25,old\n");
    let line = "predict run/model.safetensors new.csv --device cpu --out answers.csv";
    let ran = place.run(line);
    assert!(ran.code == Some(0) && ran.out == "2 predictions in answers.csv\n", "{ran:?}");
    assert!(ran.err.contains("\"_prediction\""), "{ran:?}");
    let text = place.text("answers.csv");
    let objects = place.json("predict run/model.safetensors new.csv --device cpu");
    assert_eq!(objects[0]["classes"], serde_json::json!(["over", "under"]));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("note,y,x,prediction,_prediction,probability_over,probability_under"));
    for (given, object) in ["\"a, b\",1.50,3,", ",2,0.25,old"].iter().zip(&objects) {
        let [class, over, under] = [&object["class"], &object["probabilities"][0], &object["probabilities"][1]];
        let shares = [over, under].map(|share| share.as_f64().unwrap().to_string()).join(",");
        assert_eq!(lines.next(), Some(format!("{given},{},{shares}", class.as_str().unwrap()).as_str()));
    }
    assert_eq!(lines.next(), None);
    // Nothing that is read is overwritten, also under another name.
    for out in ["new.csv", "./new.csv", "answers.txt", "run"] {
        place.refused(&line.replace("answers.csv", out), &["--out"]);
    }
    place.write("other.csv", "x,y\n1,2\n");
    place.refused(&line.replace("new.csv", "new.csv other.csv").replace("answers", "more"), &["other.csv", "columns"]);
    // Of numbers there is the number; several tables of one kind are one.
    place.done(
        "train points.csv --target y --ignore label --device cpu --epochs 2 --layers linear --quiet --out numbers",
    );
    place.done("predict numbers/model.safetensors other.csv other.csv --device cpu --out numbers.csv");
    let text = place.text("numbers.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.len() == 3 && lines[0] == "input,x,y,prediction" && lines[1].starts_with("other.csv:1,1,2,"),
        "{text}"
    );
}

/// After three updates running averages are near where they began, far from inputs of 1,000.
#[test]
fn averages_are_spoken_of_where_the_answers_depend_on_them() {
    let place = Place::new();
    let rows = (0..400).map(|i| {
        let x = 1000 + (i * 37) % 101;
        format!("{x},{},{}\n", 1000 + (i * 53) % 97, if x > 1050 { "over" } else { "under" })
    });
    place.write("far.csv", std::iter::once("x,y,label\n".to_owned()).chain(rows).collect::<String>());
    let train = "train far.csv --device cpu --normalize scale --batch 32 --lr 0.05";
    let layers = "--layers 'linear 8, batch_norm, relu, linear'";
    let out = place.done(&format!("{train} --epochs 1 {layers} --out few"));
    assert!(out.contains("running statistics and") && out.contains("statistics=population takes"), "{out}");
    let end = place.json(&format!("{train} --epochs 1 {layers} --out json --quiet")).remove(0);
    let accuracy = |of: &str| end[of]["accuracy"].as_f64().unwrap();
    assert!(accuracy("population_on_validation") > accuracy("running_on_validation") + 0.1, "{end}");
    let out = place.done(&format!("train digits --device cpu --epochs 8 {layers} --out many"));
    assert!(!out.contains("running statistics"), "{out}");
}

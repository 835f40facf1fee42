//! Which error to work on next.

use super::place::{Place, table};
use serde_json::{Value, json};

#[test]
fn gaps_are_told_with_the_next_step() {
    let place = Place::new();
    let line = "diagnose --human-error 0 --train-error 0.1 --train-dev-error 0.11 --validation-error 0.2";
    let told = place.json(line).remove(0);
    assert_eq!((&told["problems"], &told["avoidable_bias"]), (&json!(["bias", "mismatch"]), &json!(0.1)));
    assert_eq!((&told["validation_overfit"], &told["test_error"]), (&json!(null), &json!(null)));
    let text = place.done(line);
    for part in ["bias", "0.0 %", "10.0 %", "10.0     problem", "next     bias: take a larger network (--layers)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("validation_overfit is not known without --test-error"), "{text}");
    let text = place.done("diagnose --train-error 0.1 --validation-error 0.11");
    assert!(text.contains("no known gap reaches 2.0 points"), "{text}");
    let text = place.done("diagnose --train-error 0.1 --validation-error 0.11 --threshold 0.01");
    assert!(text.contains("next     variance: bring more training data"), "{text}");
}

#[test]
fn what_is_no_share_or_makes_no_gap_is_refused() {
    let place = Place::new();
    for wrong in ["5", "-0.1", "nan", "inf", "5%"] {
        let ran = place.run(&format!("diagnose --train-error={wrong} --validation-error 0.2"));
        assert!(ran.code == Some(2) && ran.err.contains("give a share from 0 to 1"), "{wrong}: {}", ran.err);
    }
    place.refused("diagnose", &["--train-error", "--validation-error"]);
    place.refused("diagnose --train-error 0.1 --test-error 0.3", &["--validation-error"]);
    place.refused("diagnose --train-error 0.1 --validation-error 0.3 --threshold 0", &["--threshold"]);
}

/// A table of few rows whose classes are the sign of the first two of forty columns, so that much is learnt of it by heart.
fn noise(count: usize) -> String {
    let mut state = 1_u64;
    let mut draw = || {
        // The generator of Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut row = || {
        let cells: Vec<u64> = (0..40).map(|_| draw() % 1000).collect();
        let texts: Vec<String> = cells.iter().map(u64::to_string).collect();
        format!("{},{}\n", texts.join(","), if cells[0] + cells[1] > 999 { "a" } else { "b" })
    };
    let names: Vec<String> = (0..40).map(|column| format!("c{column}")).collect();
    std::iter::once(format!("{},label\n", names.join(","))).chain((0..count).map(|_| row())).collect()
}

const NOISE: &str = "train noise.csv --device cpu --hidden 64 --dropout 0 --weight-decay 0 --batch 32 --epochs 30 --validation 0.3 \
                     --measure accuracy --test 0.2 --quiet --out noise";

fn shares(value: &Value) -> [f64; 2] {
    [0, 1].map(|end| value[end].as_f64().unwrap())
}

#[test]
fn a_run_that_has_learnt_by_heart_has_variance() {
    let place = Place::new();
    place.write("noise.csv", noise(400));
    place.done(NOISE);
    let told = place.json("diagnose noise --device cpu").remove(0);
    assert_eq!(told["problems"], json!(["variance"]), "{told}");
    assert_eq!(told["rows"], json!({ "train": 200, "train_dev": 0, "validation": 120, "test": 80 }));
    let error = |part: &str| told[format!("{part}_error")].as_f64().unwrap();
    assert!(error("train") < 0.1 && error("validation") > 0.05, "{told}");
    assert_eq!(told["variance"].as_f64(), Some(error("validation") - error("train")));
    for field in ["train_error", "validation_error", "test_error", "variance", "validation_overfit"] {
        let [low, high] = shares(&told["intervals"][field]);
        assert!(low <= told[field].as_f64().unwrap() && told[field].as_f64().unwrap() <= high, "{field}: {told}");
    }
    assert!(shares(&told["intervals"]["variance"])[0] > 0.0 && told["intervals"]["mismatch"].is_null());
    // The measured test error is that of the training's own end.
    let tested = place.json("eval noise/model.safetensors noise.csv --device cpu").remove(0);
    let all = [("train", 200.0), ("validation", 120.0), ("test", 80.0)];
    let wrong: f64 = all.iter().map(|(part, rows)| error(part) * rows).sum();
    assert!((1.0 - wrong / 400.0 - tested["accuracy"].as_f64().unwrap()).abs() < 1e-9, "{told}");
    let text = place.done("diagnose noise --device cpu --human-error 0.5");
    for part in
        ["training", "95 % interval", "problem", "next     variance: bring more training data", "too few to tell"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_run_on_few_rows_makes_no_claim() {
    let place = Place::new();
    place.write("few.csv", table(40));
    place.done("train few.csv --device cpu --steps 60 --layers 'linear' --batch 8 --quiet --out few");
    let told = place.json("diagnose few --device cpu --human-error 0").remove(0);
    let rows = told["rows"]["validation"].as_u64().unwrap();
    let undecided = told["undecided"].as_array().unwrap();
    assert!(undecided.contains(&json!("validation_overfit")), "{told}");
    let text = place.done("diagnose few --device cpu");
    let few = format!("validation_overfit: {} answers are too few to tell: the gap is -", rows.min(8));
    assert!(text.contains(&few) && text.contains("points, and from 1.0 on it is a problem"), "{text}");
    assert!(text.contains("bias is not known without --human-error"), "{text}");
    assert!(text.contains("mismatch is not known without train-dev rows (train with --other-source)"), "{text}");
    // A gap that is large enough is none with so few rows.
    assert_eq!(place.json("diagnose few --device cpu --threshold 0.9").remove(0)["undecided"], json!([]));
}

#[test]
fn what_is_no_run_of_classes_or_has_other_data_is_refused() {
    let place = Place::new();
    place.refused("diagnose nowhere --device cpu", &["nowhere/recipe.toml", "cannot be read"]);
    place.write("empty/notes.txt", "");
    place.refused("diagnose empty --device cpu", &["empty/recipe.toml", "holds no run"]);
    place.write("few.csv", table(40));
    place.done("train few.csv --device cpu --steps 5 --layers 'linear' --batch 8 --quiet --out few");
    place.refused("diagnose few --train-error 0.1", &["are measured", "--human-error"]);
    place.write("few.csv", table(41));
    place.refused("diagnose few --device cpu", &["few", "the data are not those of the run"]);
    place.write("few.csv", table(40));
    std::fs::remove_file(place.path("few/model.safetensors")).unwrap();
    place.refused("diagnose few --device cpu", &["few/model.safetensors", "--resume"]);
    let numbers: String = (0..60).map(|i| format!("{i},{}.5\n", i * 2)).collect();
    place.write("numbers.csv", format!("x,y\n{numbers}"));
    place.done("train numbers.csv --device cpu --steps 5 --layers 'linear' --quiet --out numbers");
    place.refused("diagnose numbers --device cpu", &["numbers", "neither right nor wrong"]);
}

/// Rows whose class is the sign of a + b, but for some; b is larger by a shift.
fn shifted(rows: usize, seed: u64, shift: i64) -> String {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % 2001 - 1000
    };
    let row = |_| {
        let (a, b, c, noise) = (draw(), draw(), draw(), draw() / 10);
        format!("{a},{},{c},{}\n", b + shift, if a + b + noise > 0 { "yes" } else { "no" })
    };
    std::iter::once("a,b,c,label\n".to_owned()).chain((0..rows).map(row)).collect()
}

#[test]
fn another_source_is_trained_on_and_its_mismatch_named() {
    let place = Place::new();
    place.write("source.csv", shifted(1000, 1, 0));
    place.write("target.csv", shifted(400, 2, 1200));
    let line = "train target.csv --other-source source.csv --device cpu --layers linear --lr 0.1 --epochs 5";
    let text = place.done(&format!("{line} --out run"));
    for part in [
        "900 to train, 100 more of their source for train-dev, 200 to validate, 200 to test",
        "trained on rows of source.csv, validated and tested on rows of target.csv",
        "train-dev accuracy",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let told = place.json("diagnose run --device cpu --two-sample --human-error 0.02").remove(0);
    assert_eq!(told["rows"], json!({ "train": 900, "train_dev": 100, "validation": 200, "test": 200 }));
    assert_eq!(told["problems"][0], json!("mismatch"), "{told}");
    let [first, second] = [&told["two_sample"][0], &told["two_sample"][1]];
    assert_eq!((&first["parts"], &first["verdict"]), (&json!(["train-dev", "validation"]), &json!("differ")));
    assert_eq!(
        (&first["columns"][0]["column"], first["columns"].as_array().unwrap().len()),
        (&json!("b"), 1),
        "{first}"
    );
    assert_eq!((&second["parts"], &second["verdict"]), (&json!(["validation", "test"]), &json!("alike")), "{second}");
    let text = place.done("diagnose run --device cpu --two-sample");
    for part in ["train-dev", "next     mismatch", "their inputs differ", "given away by b (", "no difference found"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // A resumed run has the same parts; all of the target's rows are held out, whatever the shares.
    place.done("train --resume run --epochs 6 --device cpu --quiet");
    let text = place.done(&format!("{line} --train-dev 0.3 --test 0.25 --dry-run"));
    assert!(
        text.contains("700 to train, 300 more of their source for train-dev, 300 to validate, 100 to test"),
        "{text}"
    );
    place.refused("train target.csv --train-dev 0.1 --device cpu", &["train_dev", "other_source"]);
    place.refused(&format!("{line} --group c"), &["group", "other_source"]);
    place.write("odd.csv", table(40));
    place.refused("train target.csv --other-source odd.csv --device cpu", &["target.csv"]);
}

/// Every text that names a source, of a run with three of them.
#[test]
fn each_part_is_named_by_its_own_source() {
    let place = Place::new();
    place.write("source.csv", shifted(300, 1, 0));
    place.write("target.csv", shifted(60, 2, 1200));
    place.write("last.csv", shifted(50, 3, 1200));
    let line = "train target.csv --other-source source.csv --device cpu --layers linear --lr 0 --steps 5";
    let two = place.done(&format!("{line} --out run"));
    let bag = place.done(&format!("bag {} --k 2 --vary seed --out bag --greedy", line.trim_start_matches("train ")));
    let plan = place.json(&format!("{line} --test last.csv --dry-run")).remove(0);
    let three = place.done(&format!("{line} --test last.csv --out three"));
    place.done("report run --device cpu");
    place.done("report three --device cpu");
    let [page, three_page] = ["run", "three"].map(|run| place.text(&format!("{run}/report.html")));
    let parts = [
        (&two, "data     source.csv and target.csv: 360 rows"),
        (&two, "trained on rows of source.csv, validated and tested on rows of target.csv"),
        (&three, "data     source.csv and target.csv and last.csv: 410 rows"),
        (&three, "trained on rows of source.csv, validated on rows of target.csv"),
        (&bag, "data     source.csv and target.csv"),
        (&bag, "270 to train, 30 more of their source for train-dev, 30 to validate, 30 to test"),
        (&bag, "test part of target.csv, 30 rows"),
        (&page, "Trained on source.csv:"),
        (&three_page, "test part of last.csv"),
        (&page, "test part of target.csv"),
    ];
    let missing: Vec<&str> = parts.iter().filter(|(text, part)| !text.contains(part)).map(|(_, part)| *part).collect();
    assert_eq!(missing, [""; 0], "{two}\n{three}\n{bag}");
    let names = ["data", "validation_data", "test_data"].map(|key| plan[key].clone());
    assert_eq!(names, ["source.csv", "target.csv", "last.csv"].map(|name| json!(name)), "{plan}");
    assert_eq!(plan["train_dev"], json!(30));
    // Rows of the target are numbered from 1.
    let table = page.split("row of the data").nth(1).unwrap().split("</table>").next().unwrap();
    let numbers: Vec<usize> =
        table.split("<tr><td>").skip(1).map(|row| row.split('<').next().unwrap().parse().unwrap()).collect();
    assert!(!numbers.is_empty() && numbers.iter().all(|&row| (1..=60).contains(&row)), "{numbers:?}");
}

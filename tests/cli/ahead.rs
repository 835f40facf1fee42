//! What can be known before a run: dry runs, one batch, and the rate.

use super::place::{LAYERS, Place, sentence, table};
use std::fs;

/// The first loss of a dry run is that of the run, and no file is made.
#[test]
fn a_dry_run_tells_the_run_s_first_loss_and_writes_nothing() {
    let place = Place::new();
    let line = format!("train digits --device cpu {LAYERS} --steps 3 --batch 32 --seed 4");
    let told = place.json(&format!("{line} --dry-run")).remove(0);
    assert!(!place.path("runs").exists());
    assert!((told["constant_guess"].as_f64().unwrap() - 10f64.ln()).abs() < 1e-9, "{told}");
    assert_eq!((&told["train"], &told["validation"], &told["test"]), (&1258.into(), &180.into(), &359.into()));
    assert_eq!((&told["parameters"], &told["steps"]), (&(64 * 8 + 8 + 16 + 80 + 10).into(), &3.into()));
    place.done(&format!("{line} --quiet --out run"));
    let steps = place.text("run/steps.csv");
    let first: f32 = steps.lines().nth(1).unwrap().split(',').nth(1).unwrap().parse().unwrap();
    assert!((told["first_loss"].as_f64().unwrap() - f64::from(first)).abs() < 1e-12, "{told} {first}");
    let text = place.done(&format!("{line} --dry-run"));
    for part in ["memory ", "constant guess has 2.303 (ln 10", "nothing was written", "0  linear 8"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // A folder that the run could not have is refused by the dry run too.
    place.refused(&format!("{line} --dry-run --out run"), &["run"]);
    let text = place.done("train digits --layers 'linear 8, relu, linear' --freeze 0 --device cpu --dry-run");
    assert!(text.contains("(90 parameters to train; frozen layers: 0)"), "{text}");
    place.write("table.csv", table(80));
    let told = place.json("train table.csv --target x --device cpu --dry-run --layers linear").remove(0);
    // The mean of standardised targets loses their variance, but for the rows of the batch.
    assert!((0.3..3.0).contains(&told["constant_guess"].as_f64().unwrap()), "{told}");
}

#[test]
fn one_batch_is_learnt_or_the_exit_code_says_that_it_was_not() {
    let place = Place::new();
    let line = "train digits --device cpu --overfit-one-batch --layers 'linear 32, relu, dropout 0.5, linear'";
    let told = place.json(&format!("{line} --weight-decay 0.1 --label-smoothing 0.2")).remove(0);
    assert_eq!((&told["learnt"], &told["accuracy"], &told["rows"]), (&true.into(), &1.0.into(), &64.into()));
    assert!(told["loss"].as_f64().unwrap() <= told["near"].as_f64().unwrap(), "{told}");
    assert!((told["near"].as_f64().unwrap() - 10f64.ln() / 100.0).abs() < 1e-9, "{told}");
    let off: Vec<&str> = told["off"].as_array().unwrap().iter().map(|what| what.as_str().unwrap()).collect();
    assert_eq!(off, ["weight decay", "label smoothing", "dropout"]);
    let text = place.done(line);
    for part in ["one batch of 64 rows", "off      weight decay, dropout", "learnt ", "accuracy 100.00 %"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let ran = place.run(&format!("{line} --lr 1e-6 --steps 20"));
    assert!(ran.code == Some(1) && ran.out.contains("failed ") && ran.out.contains("--lr find"), "{ran:?}");
    assert!(!place.path("runs").exists());
}

/// Rows that are alike with another class each can be learnt by no network.
#[test]
fn rows_that_contradict_one_another_are_named() {
    let place = Place::new();
    place.write("same.csv", "x,class\n".to_owned() + &"1.5,a\n1.5,b\n2.5,a\n".repeat(40));
    let ran = place.run("train same.csv --target class --device cpu --overfit-one-batch --steps 60");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("rows of the batch equal another in all features"), "{ran:?}");
}

#[test]
fn a_rate_is_found_and_its_curve_written() {
    let place = Place::new();
    let line = "train digits --device cpu --layers 'linear 32, relu, linear' --lr find";
    let told = place.json(&format!("{line} --out found")).remove(0);
    let of = |name: &str| told[name].as_f64().unwrap();
    assert!((0.005..=1.0).contains(&of("lr")) && of("steepest") < of("least"), "{told}");
    assert!((of("lr") * 10.0 / of("least")).log10().abs() < 0.2, "{told}");
    let points = told["rates"].as_array().unwrap().len();
    assert!((50..=100).contains(&points), "{points}");
    let curve = place.text("found/lr.csv");
    assert!(curve.starts_with("rate,loss,smoothed\n") && curve.lines().count() == points + 1, "{curve}");
    let drawing = place.text("found/lr.svg");
    assert!(drawing.starts_with("<svg ") && drawing.contains(&format!("lr {}", of("lr"))), "{drawing}");
    assert_eq!(fs::read_dir(place.path("found")).unwrap().count(), 2);
    place.refused(&format!("{line} --out found"), &["found"]);
    let text = place.done(line);
    assert!(
        text.contains("least") && text.contains("falls most") && text.contains("next ") && text.contains("--lr 0."),
        "{text}"
    );
    assert!(!place.path("runs").exists());
    // The rate that is found trains.
    place.done(&line.replace("find", &format!("{} --steps 20 --quiet --out run", of("lr"))));
    // Where nothing is learnt at any rate, none is recommended.
    place.write("same.csv", "x,class\n".to_owned() + &"1.5,a\n1.5,b\n".repeat(40));
    let ran = place.run("train same.csv --target class --layers linear --device cpu --lr find");
    assert!(ran.code == Some(1) && ran.out.contains("found    no rate"), "{ran:?}");
}

#[test]
fn checks_that_do_not_go_together_are_refused() {
    let place = Place::new();
    place.refused("train digits --lr find --dry-run", &["--lr find", "leave out --dry-run"]);
    place.refused("train digits --lr find --overfit-one-batch", &["leave out --overfit-one-batch"]);
    for line in ["--dry-run --overfit-one-batch", "--overfit-one-batch --out x", "--dry-run --resume x"] {
        let ran = place.run(&format!("train digits {line}"));
        assert!(ran.code == Some(2) && ran.err.contains("cannot be used with"), "{line}: {ran:?}");
    }
    let ran = place.run("plan digits --lr find");
    sentence("plan", &ran, &["lr"]);
}

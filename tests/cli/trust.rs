//! How far answers can be trusted: calibration, temperature, coverage, and the columns that matter.

use super::place::{LAYERS, Place, table};
use serde_json::{Value, json};
use wgrad::train::prepare;
use wgrad::{Model, Recipe};

/// A table whose class is `x > y`, but for every fourth row, where it is drawn by `x` alone; `z` says nothing.
fn noisy(rows: usize) -> String {
    let row = |i: usize| {
        let [x, y, z] = [(i * 37) % 101, (i * 53) % 97, (i * 71) % 89].map(|n| n as f64 / 10.0);
        let over = if i.is_multiple_of(4) { (i * 29) % 11 < 5 } else { x > y };
        format!("{x},{y},{z},{}\n", if over { "over" } else { "under" })
    };
    std::iter::once("x,y,z,label\n".to_owned()).chain((0..rows).map(row)).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The flags with which networks learn the table by heart.
const LONG: &str = "--device cpu --layers 'linear 32, relu, linear' --lr 0.02 --measure accuracy --quiet";

#[test]
fn a_temperature_changes_probabilities_and_no_class() {
    let place = Place::new();
    place.write("noisy.csv", noisy(1200));
    place.done(&format!("train noisy.csv {LONG} --epochs 40 --out plain"));
    let out = place.done(&format!("train noisy.csv {LONG} --epochs 40 --calibrate --out run"));
    assert!(out.contains("validation rows: temperature") && out.contains("scores for predict --coverage"), "{out}");
    place.write("new.csv", noisy(300));
    let [plain, run] = ["plain", "run"].map(|run| place.json(&format!("predict {run}/model.safetensors new.csv")));
    let mut ratio = vec![];
    for (plain, run) in plain.iter().zip(&run) {
        assert_eq!((&plain["class"], plain.get("temperature")), (&run["class"], None));
        let [z, scaled] = [plain, run].map(|row| row["logits"][0].as_f64().unwrap());
        ratio.extend((z.abs() > 0.1).then(|| z / scaled));
        // The probabilities are those of the logits: a softmax, or of one logit a sigmoid.
        let logits = numbers(&run["logits"]);
        let logits = if logits.len() == 1 { vec![0.0, logits[0]] } else { logits };
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        let wanted = logits.iter().map(|z| z.exp() / sum);
        assert!(
            numbers(&run["probabilities"]).iter().zip(wanted).all(|(p, wanted)| (p - wanted).abs() < 1e-6),
            "{run}"
        );
    }
    assert!(ratio.len() > 100 && ratio.iter().all(|t| (t / ratio[0] - 1.0).abs() < 1e-5 && *t != 1.0), "{ratio:?}");
    // Evaluation judges what prediction gives, and a copy for inference keeps it.
    place.done("export run/model.safetensors --out copy.safetensors");
    let [plain, run, copy] = ["plain/model", "run/model", "copy"]
        .map(|model| place.json(&format!("eval {model}.safetensors new.csv --device cpu")).remove(0));
    assert_eq!((&plain["accuracy"], &run["loss"]), (&run["accuracy"], &copy["loss"]));
    assert_ne!(plain["loss"], run["loss"]);
    let bins = run["reliability"].as_array().unwrap();
    let sum = |bin: &Value| bin["rows"].as_f64().unwrap();
    let gap = |bin: &&Value| {
        sum(bin) * (bin["accuracy"].as_f64().unwrap() - bin["confidence"].as_f64().unwrap()).abs() / 300.0
    };
    let error: f64 = bins.iter().filter(|bin| sum(bin) > 0.0).map(|bin| gap(&bin)).sum();
    assert!(bins.len() == 15 && bins.iter().map(sum).sum::<f64>() == 300.0, "{run}");
    assert!((error - run["ece"].as_f64().unwrap()).abs() < 1e-12, "{run}");
    let out = place.done("eval run/model.safetensors new.csv --device cpu --reliability");
    assert!(out.contains("expected calibration error") && out.contains("mean confidence"), "{out}");
    // A run that is over can be asked later, and gives the same file.
    place.done("train --resume plain --calibrate --device cpu --quiet");
    assert_eq!(place.read("plain/model.safetensors"), place.read("run/model.safetensors"));
}

/// What the model of the run in `run` predicts for the rows that the run has validated on, each with its line of `train.csv`.
fn validated(place: &Place) -> Vec<(Value, String)> {
    let (job, _) = prepare(&Recipe::open(&place.path("run/recipe.toml")).unwrap(), None).unwrap();
    let text = place.text("train.csv");
    let all: Vec<&str> = text.lines().collect();
    let lines: Vec<&str> = job.split.validation.iter().map(|&row| all[row as usize + 1]).collect();
    place.write("validated.csv", format!("{}\n{}\n", all[0], lines.join("\n")));
    let answers = place.json("predict run/model.safetensors validated.csv --device cpu");
    assert_eq!((answers.len(), lines.len()), (500, 500));
    answers.into_iter().zip(lines.into_iter().map(str::to_owned)).collect()
}

/// The ⌈501 c⌉-th smallest of 500 scores.
fn quantile(mut scores: Vec<f64>, coverage: f64) -> f64 {
    scores.sort_by(f64::total_cmp);
    scores[(501.0 * coverage).ceil() as usize - 1]
}

/// Of 500 rows to validate on, the share of sets with the right class has a deviation of about √(0.1 · 0.9 · (1/500 + 1/800)).
#[test]
fn sets_hold_the_right_class_as_often_as_asked() {
    let place = Place::new();
    place.write("train.csv", noisy(2000));
    let train = format!("train train.csv {LONG} --epochs 10 --validation 0.25 --test 0 --calibrate --out run");
    place.done(&train);
    let all = noisy(2800);
    let new: Vec<&str> = all.lines().take(1).chain(all.lines().skip(2001)).collect();
    place.write("new.csv", new.join("\n") + "\n");
    let line = "predict run/model.safetensors new.csv --device cpu";
    let objects = place.json(&format!("{line} --coverage 0.9"));
    let truth = new[1..].iter().map(|row| row.rsplit(',').next().unwrap());
    let held = objects.iter().zip(truth).filter(|(row, truth)| row["set"].as_array().unwrap().contains(&json!(truth)));
    let covered = held.count() as f64 / objects.len() as f64;
    assert!((covered - 0.9).abs() < 4.0 * (0.09f64 * (1.0 / 500.0 + 1.0 / 800.0)).sqrt(), "{covered}");
    // A class is in the set if 1 less its probability is at most the quantile of that of the right class. No score of a class is
    // so near to it that the rounding of the last digit matters.
    let scores = validated(&place).into_iter().map(|(answer, line)| {
        let right = usize::from(line.ends_with("under"));
        1.0 - answer["probabilities"][right].as_f64().unwrap()
    });
    let most = quantile(scores.collect(), 0.9);
    let model = Model::read(&place.path("run/model.safetensors")).unwrap();
    let temperature = model.metadata.unwrap().temperature().unwrap();
    assert!((temperature - 1.0).abs() > 0.05, "a temperature of {temperature} changes next to nothing");
    for row in &objects {
        let probabilities = numbers(&row["probabilities"]);
        let near = |p: &f64| (1.0 - p - most).abs() < 1e-12;
        assert!(!probabilities.iter().any(near), "{row}");
        let mut set: Vec<usize> = (0..2).filter(|&class| 1.0 - probabilities[class] <= most).collect();
        set.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        assert_eq!(row["set"], json!(set.iter().map(|&class| ["over", "under"][class]).collect::<Vec<_>>()), "{row}");
    }
    let sizes: Vec<usize> = objects.iter().map(|row| row["set"].as_array().unwrap().len()).collect();
    assert!(sizes.contains(&1) && sizes.contains(&2), "{sizes:?}");
    let out = place.done(&format!("{line} --coverage 0.9 --out answers.csv"));
    assert!(out.contains("800 predictions"), "{out}");
    let text = place.text("answers.csv");
    let mut lines = text.lines();
    assert!(lines.next().unwrap().ends_with(",set_over,set_under"), "{text}");
    for (line, row) in lines.zip(&objects) {
        let set = row["set"].as_array().unwrap();
        let wanted = ["over", "under"].map(|name| u8::from(set.contains(&json!(name))));
        assert!(line.ends_with(&format!(",{},{}", wanted[0], wanted[1])), "{line} {row}");
    }
    // Too few scores for so high a coverage.
    let ran = place.run(&format!("{line} --coverage 0.9999"));
    assert!(ran.out.contains("set: all 2 classes") && ran.err.contains("needs 9999 calibration scores"), "{}", ran.err);
    for wrong in ["0", "1", "1.5", "NaN"] {
        place.refused(&format!("{line} --coverage {wrong}"), &["--coverage", "between 0 and 1"]);
    }
}

#[test]
fn intervals_hold_the_right_number_as_often_as_asked() {
    let place = Place::new();
    place.write("train.csv", noisy(2000));
    let train = "train train.csv --target y --ignore label --device cpu --layers linear --epochs 5 --quiet";
    place.done(&format!("{train} --validation 0.25 --test 0 --calibrate --out run"));
    let all = noisy(2800);
    let new: Vec<&str> = all.lines().take(1).chain(all.lines().skip(2001)).collect();
    place.write("new.csv", new.join("\n") + "\n");
    let objects = place.json("predict run/model.safetensors new.csv --device cpu --coverage 0.8");
    let truth = new[1..].iter().map(|row| row.split(',').nth(1).unwrap().parse::<f64>().unwrap());
    let held = objects.iter().zip(truth).filter(|(row, y)| {
        let [low, high] = [0, 1].map(|end| row["interval"][end].as_f64().unwrap());
        let middle = row["prediction"].as_f64().unwrap();
        assert!((middle - (low + high) / 2.0).abs() < 1e-9, "{row}");
        (low..=high).contains(y)
    });
    let covered = held.count() as f64 / objects.len() as f64;
    let scores = validated(&place).into_iter().map(|(answer, line)| {
        let y: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        (answer["prediction"].as_f64().unwrap() - y).abs()
    });
    let half = quantile(scores.collect(), 0.8);
    for row in &objects {
        let width = row["interval"][1].as_f64().unwrap() - row["interval"][0].as_f64().unwrap();
        assert!((width - 2.0 * half).abs() < 1e-9, "{half}: {row}");
    }
    assert!((covered - 0.8).abs() < 4.0 * (0.16f64 * (1.0 / 500.0 + 1.0 / 800.0)).sqrt(), "{covered}");
    let object = place.json("predict run/model.safetensors new.csv --device cpu --coverage 0.9999").remove(0);
    assert_eq!(object["interval"], json!([null, null]));
    let out = place.done("predict run/model.safetensors new.csv --device cpu --coverage 0.8");
    assert!(out.contains("interval: "), "{out}");
}

#[test]
fn what_cannot_be_had_is_refused() {
    let place = Place::new();
    place.write("points.csv", table(60));
    place.done(&format!("train points.csv --device cpu --steps 5 {LAYERS} --quiet --out run"));
    place.refused(
        "predict run/model.safetensors points.csv --coverage 0.9",
        &["run/model", "train it with --calibrate"],
    );
    let train = "train points.csv --device cpu --layers linear --out new --calibrate";
    place.refused(&format!("{train} --validation 0"), &["calibrate needs rows", "--validation"]);
    let train = train.replace("linear", "'linear, sigmoid'");
    place.refused(&format!("{train} --loss mse"), &["calibrate needs probabilities", "mse"]);
    place.refused("eval run/model.safetensors points.csv --importance --samples 5", &["--importance", "--samples"]);
    place.done("train digits --device cpu --steps 2 --layers 'flatten, linear' --quiet --out digits");
    place.refused("eval digits/model.safetensors digits --importance", &["digits/model", "--importance"]);
}

#[test]
fn the_columns_that_say_something_matter() {
    let place = Place::new();
    let row = |i: usize| {
        let (x, y) = ((i * 37) % 101, ["red", "green", "blue"][(i * 7) % 3]);
        format!("{x},{y},{},{}\n", (i * 53) % 97, if (x > 50) ^ (y == "red") { "a" } else { "b" })
    };
    place.write(
        "t.csv",
        std::iter::once("x,colour,none,label\n".to_owned()).chain((0..900).map(row)).collect::<String>(),
    );
    let layers = "--layers 'linear 32, relu, linear'";
    place.done(&format!("train t.csv --device cpu {layers} --lr 0.02 --epochs 40 --quiet --out run"));
    let line = "eval run/model.safetensors t.csv --device cpu --importance";
    let object = place.json(line).remove(0);
    let found = object["importance"].as_array().unwrap();
    let names: Vec<&str> = found.iter().map(|one| one["column"].as_str().unwrap()).collect();
    assert_eq!(names, ["x", "colour", "none"]);
    // Of x the half changes sides: 0.5. Of the colour, red becomes another or the reverse for 2 · 1/3 · 2/3 = 0.444.
    let accuracy = object["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.97, "{object}");
    for (one, wanted) in found.iter().zip([0.5, 4.0 / 9.0, 0.0]) {
        let (mean, drops, ends) = (one["drop"].as_f64().unwrap(), numbers(&one["drops"]), numbers(&one["interval"]));
        assert!((mean - wanted).abs() < 0.05 && drops.len() == 5, "{one}");
        assert!((drops.iter().sum::<f64>() / 5.0 - mean).abs() < 1e-12 && ends[0] <= mean && mean <= ends[1], "{one}");
    }
    let again = place.json(line).remove(0);
    let other = place.json(&format!("{line} --permute-seed 1 --repeats 2")).remove(0);
    assert_eq!(object["importance"], again["importance"]);
    assert!(other["importance"][0]["drops"] != object["importance"][0]["drops"], "{other}");
    assert!(place.done(line).contains("drop of the accuracy"));
}

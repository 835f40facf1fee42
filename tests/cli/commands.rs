//! The commands beside `train`, on what they are made for.

use super::place::{LAYERS, Place, gzip, idx, idx_folder, images, rows, sentence, table, trained};
use super::support;
use serde_json::Value;
use std::process::Stdio;

#[test]
fn eval_agrees_with_its_own_confusion() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    place.write("points.csv", table(100));
    for (data, n, classes) in [("shapes", 15, 3), ("points.csv", 100, 2)] {
        let model = trained(&place, data, &format!("run-{classes}"));
        let lines = place.json(&format!("eval {model} {data} --device cpu"));
        let [answer] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(answer["n"], n);
        assert!(answer["loss"].as_f64().unwrap() > 0.0);
        let confusion: Vec<Vec<u64>> = serde_json::from_value(answer["confusion"].clone()).unwrap();
        assert!(confusion.len() == classes && confusion.iter().all(|row| row.len() == classes), "{confusion:?}");
        assert_eq!(confusion.iter().flatten().sum::<u64>(), n);
        let accuracy = (0..classes).map(|class| confusion[class][class]).sum::<u64>() as f64 / n as f64;
        assert_eq!(answer["accuracy"].as_f64(), Some(accuracy));
        let names: Vec<&str> = if classes == 2 { vec!["over", "under"] } else { vec!["0", "1", "2"] };
        assert_eq!(answer["classes"], serde_json::json!(names));
        let share = |of: u64, all: u64| if all == 0 { 0.0 } else { of as f64 / all as f64 };
        let rows = |class: usize| confusion[class].iter().sum::<u64>();
        let said = |class: usize| confusion.iter().map(|row| row[class]).sum::<u64>();
        for class in 0..classes {
            let right = confusion[class][class];
            assert_eq!(answer["recall"][class].as_f64(), Some(share(right, rows(class))));
            assert_eq!(answer["precision"][class].as_f64(), Some(share(right, said(class))));
            assert_eq!(answer["f1"][class].as_f64(), Some(2.0 * share(right, rows(class) + said(class))));
        }
        let largest = (0..classes).rev().max_by_key(|&class| rows(class)).unwrap();
        assert_eq!(answer["baseline"]["class"], names[largest]);
        assert_eq!(answer["baseline"]["accuracy"].as_f64(), Some(share(rows(largest), n)));
        for measure in ["balanced_accuracy", "roc_auc", "average_precision"] {
            assert!((0.0..=1.0).contains(&answer[measure].as_f64().unwrap()), "{measure}: {answer}");
        }
        let [low, high]: [f64; 2] = serde_json::from_value(answer["interval"].clone()).unwrap();
        assert!(0.0 <= low && low <= accuracy && accuracy <= high && high <= 1.0, "{low} {accuracy} {high}");
        let text = place.done(&format!("eval {model} {data} --device cpu"));
        for told in [&format!("{:.2} %", accuracy * 100.0), "confusion", "the largest class alone", "ROC AUC", "F1"] {
            assert!(text.contains(told), "no {told:?} in {text}");
        }
    }
}

#[test]
fn a_model_that_finds_one_class_is_told_so() {
    let place = Place::new();
    let rows =
        (0..200).map(|i| format!("{},{},{}\n", (i * 37) % 101, (i * 53) % 97, if i % 20 == 0 { "yes" } else { "no" }));
    place.write("rare.csv", std::iter::once("a,b,rare\n".to_owned()).chain(rows).collect::<String>());
    let train = "train rare.csv --target rare --device cpu --layers linear --lr 0.05 --epochs 30";
    let step = "train with --class-weights balanced";
    for line in [format!("{train} --out plain"), "eval plain/model.safetensors rare.csv --device cpu".to_owned()] {
        let out = place.done(&line);
        for told in [
            "the largest class alone, \"no\": 95.00 %",
            "balanced accuracy 50.00 %",
            "every row the class \"no\"",
            step,
        ] {
            assert!(out.contains(told), "{line}: no {told:?} in {out}");
        }
    }
    assert!(!place.done(&format!("{train} --class-weights balanced --out weighted")).contains(step));
    // With numbers to learn, the mean is what a model is compared with.
    place.write("noise.csv", table(60).replace("label", "kind"));
    let out = place.done(
        "train noise.csv --target y --task regression --ignore kind --device cpu --steps 1 --lr 1e-9 --out noise",
    );
    assert!(
        out.contains("the mean alone: root mean squared error") && out.contains("no better than the mean"),
        "{out}"
    );
    let lines = place.json("eval noise/model.safetensors noise.csv --device cpu");
    for measure in ["mse", "rmse", "mae"] {
        assert!(lines[0][measure].as_f64().unwrap() > 0.0, "{lines:?}");
    }
    assert!(
        lines[0]["baseline"]["rmse"].as_f64().unwrap() > lines[0]["baseline"]["mae"].as_f64().unwrap(),
        "{lines:?}"
    );
}

#[test]
fn json_and_quiet_together_print_the_last_object_alone() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let lines = place.json("train points.csv --device cpu --epochs 3 --layers linear --quiet --out run");
    let [last] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(last["test"]["balanced_accuracy"].is_number() && last["model"].is_string(), "{last}");
}

/// Holds the keys of predictions and that they agree, and gives class and logits of each.
fn predictions(lines: &[Value], inputs: &[&str], classes: &[&str]) -> Vec<(String, Vec<f64>)> {
    assert_eq!(lines.iter().map(|line| line["input"].as_str().unwrap()).collect::<Vec<_>>(), inputs);
    let numbers = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
    let check = |line: &Value| {
        let (probabilities, logits) = (numbers(&line["probabilities"]), numbers(&line["logits"]));
        assert_eq!((probabilities.len(), logits.len()), (classes.len(), classes.len()));
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{probabilities:?}");
        let best = (0..classes.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap();
        assert_eq!(line["class"], classes[best]);
        assert!(logits.iter().all(|logit| *logit <= logits[best]));
        (classes[best].to_owned(), logits)
    };
    lines.iter().map(check).collect()
}

#[test]
fn predict_takes_pictures_and_idx_files_alike() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    let model = trained(&place, "shapes", "run");
    let (pixels, _) = images(2);
    place.write("two", idx(2051, &[2, 4, 4], &pixels));
    place.write("two.gz", gzip(&idx(2051, &[2, 4, 4], &pixels)));
    for (name, pixels) in [("a.png", &pixels[..16]), ("b.png", &pixels[16..])] {
        image::GrayImage::from_raw(4, 4, pixels.to_vec()).unwrap().save(place.path(name)).unwrap();
    }
    let inputs = ["two:1", "two:2", "two.gz:1", "two.gz:2", "a.png", "b.png"];
    let lines = place.json(&format!("predict {model} two two.gz a.png b.png --device cpu"));
    let found = predictions(&lines, &inputs, &["0", "1", "2"]);
    for (first, again) in [(0, 2), (0, 4), (1, 3), (1, 5)] {
        assert_eq!(found[first], found[again]);
    }
    let text = place.done(&format!("predict {model} two a.png --device cpu"));
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| line.ends_with(" %")), "{text}");
    // A picture of another size and colour is brought to the model's, and that is said.
    image::RgbImage::new(9, 4).save(place.path("colour.png")).unwrap();
    let ran = place.run(&format!("predict {model} colour.png --device cpu"));
    assert!(ran.code == Some(0) && ran.err.contains("colour.png: 9x4 RGB brought to 4x4 grey"), "{ran:?}");
}

#[test]
fn predict_finds_the_columns_of_a_table_by_name() {
    let place = Place::new();
    place.write("points.csv", table(100));
    let model = trained(&place, "points.csv", "run");
    let rows = rows(3);
    let turned = rows.iter().map(|[x, y, _]| format!("{y},words,{x}\n"));
    place.write("turned.csv", std::iter::once("y,note,x\n".to_owned()).chain(turned).collect::<String>());
    place.write("points-3.csv", table(3));
    let inputs = ["points-3.csv:1", "points-3.csv:2", "points-3.csv:3", "turned.csv:1", "turned.csv:2", "turned.csv:3"];
    let lines = place.json(&format!("predict {model} points-3.csv turned.csv --device cpu"));
    let found = predictions(&lines, &inputs, &["over", "under"]);
    assert_eq!(found[..3], found[3..]);
    assert_ne!(found[0].1, found[1].1);
}

#[test]
fn the_gpu_evaluates_as_the_cpu_does() {
    if support::gpu().is_none() {
        return;
    }
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    let model = trained(&place, "shapes", "run");
    let answer = |device: &str| place.json(&format!("eval {model} shapes --device {device}")).remove(0);
    let (cpu, gpu) = (answer("cpu"), answer("gpu"));
    assert_eq!(cpu["confusion"], gpu["confusion"]);
    assert!((cpu["loss"].as_f64().unwrap() - gpu["loss"].as_f64().unwrap()).abs() < 1e-4);
}

#[test]
fn plan_says_what_training_will_take() {
    let place = Place::new();
    let lines = place.json("plan digits --layers 'linear 32, relu, linear' --device cpu");
    let [plan] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(plan["parameters"], 64 * 32 + 32 + 32 * 10 + 10);
    assert!(plan["bytes"].as_u64().unwrap() > 4 * 3 * 2410 && plan["dispatches"].as_u64().unwrap() > 5);
    let text = place.done(&format!("plan digits {LAYERS} --device cpu"));
    for part in ["batch_norm", "parameters", "activations", "train: ", "evaluate: "] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(place.done("plan --wgsl batch_norm.stats").contains("fn main"));
    place.refused("plan --wgsl batch_norm.stat", &["batch_norm.stats"]);
    assert!(!place.path("runs").exists());
}

/// Judged by `tests/plans`, which compiles the same networks for these kinds, and by what the table says of them.
#[test]
fn plan_shows_what_a_kind_of_device_gets_without_one() {
    let place = Place::new();
    for (kind, product) in [("hardware", "tiled"), ("software8", "subgroup"), ("software", "tiled"), ("cpu", "plain")] {
        let text = place.done(&format!("plan digits {LAYERS} --for {kind}"));
        let first: Vec<&str> = text.lines().take(2).collect();
        assert!(first[0].starts_with(&format!("for {kind} (")) && first[0].contains("no device was opened"), "{text}");
        assert!(first[1].starts_with(&format!("fixed: {product} products")), "{text}");
        let limits = "bindings of 128.0 MiB and buffers of 256.0 MiB at most";
        assert_eq!(first[0].contains(limits), kind != "cpu", "{text}");
    }
    let [hardware] = &place.json("plan digits --for hardware")[..] else { panic!("more than one object") };
    assert_eq!((&hardware["for"], &hardware["dispatches"]), (&"hardware".into(), &8.into()), "{hardware}");
    // 12,000 x 12,000 weights are 576 MB: more than one binding of a GPU holds by WebGPU's default limits.
    let large = "plan digits --layers 'linear 12000, linear 12000, linear' --for hardware";
    place.refused(large, &["parameters", "579648512 bytes", "134217728"]);
    place.refused("plan digits --for hardware --precision f16", &["--precision", "--for"]);
    for line in ["plan digits --for hardwar", "plan digits --for cpu --device cpu"] {
        let ran = place.run(line);
        assert!(ran.code == Some(2) && ran.err.contains("--for"), "{ran:?}");
    }
    assert!(place.run("plan digits --for hardwar").err.contains("did you mean hardware?"));
}

#[test]
fn devices_and_data_are_listed() {
    let place = Place::new();
    for adapter in place.json("devices") {
        for key in ["number", "name", "kind", "backend", "driver", "max_binding", "max_buffer", "products"] {
            assert!(!adapter[key].is_null(), "no {key} in {adapter}");
        }
    }
    let text = place.done("devices");
    assert!(text.contains("--device auto takes ") && text.contains("threads"), "{text}");
    let text = place.done("data list");
    assert!(text.contains("digits: ") && text.contains("mnist: ") && text.contains("licence: "), "{text}");
}

#[test]
fn doctor_finds_the_cpu_path_right() {
    let lines = Place::new().json("doctor --device cpu");
    assert!(lines.len() > 20);
    for line in &lines {
        assert!(line["ok"] == true && line["kernel"].is_string() && line["case"].is_string(), "{line}");
        assert!(line["error"].as_f64().unwrap() <= line["bound"].as_f64().unwrap(), "{line}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let place = Place::new();
    for line in [format!("--device cpu --epochs 2 {LAYERS}"), "data list".into(), "doctor --device cpu --json".into()] {
        let mut child = place.command(&line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !err.contains("panicked"), "{line}: {:?} {err}", output.status);
    }
}

#[test]
fn a_device_that_is_not_there_lists_those_that_are() {
    let place = Place::new();
    let adapters = place.json("devices");
    let names: Vec<&str> = adapters.iter().map(|adapter| adapter["name"].as_str().unwrap()).collect();
    for device in ["99", "nosuchdevice"] {
        place.refused(&format!("train --device {device}"), &names);
        place.refused(&format!("plan --device {device}"), &[device]);
    }
    let line = "doctor --device 99";
    sentence(line, &place.run(line), &["99"]);
}

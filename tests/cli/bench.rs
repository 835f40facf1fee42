//! `wgrad bench`, in a moment each.

use super::place::Place;
use serde_json::Value;
use std::collections::BTreeSet;

const QUICK: &str = "--device cpu --runs 1 --seconds 0.1";

fn number(object: &Value, key: &str) -> f64 {
    object[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {object}"))
}

#[test]
fn a_network_is_measured() {
    let lines = Place::new().json(&format!("bench w3 {QUICK}"));
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["peer"], &line["work"], &line["batch"]), (&"wgrad cpu".into(), &"w3".into(), &32.into()));
    let runs: Vec<f64> = serde_json::from_value(line["runs"].clone()).unwrap();
    assert_eq!(runs, [number(line, "median")]);
    let step = number(line, "us_per_step");
    assert!((number(line, "median") * step / 32e6 - 1.0).abs() < 1e-3, "{line}");
    assert!((5.0..1e6).contains(&step), "{line}");
    assert_eq!(number(line, "dispatches"), 6.0, "{line}");
    // The data alone are 60,000 rows of 64 floats.
    assert!(number(line, "bytes") > 60_000.0 * 256.0, "{line}");
    // On the CPU path giving a step to the device is doing it.
    assert!(line["host_us_per_step"].is_null() && line["dispatch_share"].is_null(), "{line}");
    if cfg!(target_os = "linux") {
        assert!((15.0..4096.0).contains(&number(line, "rss_mb")), "{line}");
        assert!((0.0..600.0).contains(&number(line, "first_step_s")), "{line}");
        assert!((0.0..=256.0).contains(&number(line, "own_cpu")), "{line}");
        number(line, "other_cpu");
    }
    let unfused = Place::new().json(&format!("bench w3 {QUICK} --no-fuse --steps-per-submission 1"));
    assert!(number(&unfused[0], "dispatches") > 20.0, "{unfused:?}");
}

#[test]
fn every_kernel_of_a_step_is_timed() {
    let place = Place::new();
    let plan = place.done("plan --device cpu --layers 'linear 32, batch_norm, relu, dropout 0.5, linear' --batch 32");
    let train = plan.split("train: ").nth(1).unwrap().split("\n\n").next().unwrap();
    let kernels: BTreeSet<&str> = train.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(kernels.contains("block.forward") && kernels.len() == 6, "{kernels:?}");
    let text = place.done(&format!("bench w3 {QUICK} --kernels"));
    let shown = |kernel: &&&str| text.lines().any(|line| line.split_whitespace().next() == Some(kernel));
    // The set of the plan is of bytes, that of the benchmark of floats.
    let lacks: Vec<_> = kernels.iter().filter(|kernel| **kernel != "gather.bytes_first" && !shown(kernel)).collect();
    assert!(lacks.is_empty(), "{lacks:?} in {text}");
    assert!(text.contains("GB/s") && text.contains("gather.floats"), "{text}");
}

#[test]
fn products_and_dispatches_are_measured() {
    let place = Place::new();
    let lines = place.json(&format!("bench gemm512 gemmw3 dispatch {QUICK}"));
    let works: Vec<&str> = lines.iter().map(|line| line["work"].as_str().unwrap()).collect();
    assert_eq!(works, ["gemm512", "gemmw3", "gemmw3", "gemmw3", "gemmw3", "gemmw3", "dispatch"]);
    assert_eq!(lines[0]["product"], "nn 512x512x512");
    assert!(lines[..6].iter().all(|line| (0.01..1e5).contains(&number(line, "gflops"))), "{lines:?}");
    assert!((0.0..1e4).contains(&number(&lines[6], "us_per_dispatch")), "{lines:?}");
    let text = place.done(&format!("bench gemmw3 dispatch {QUICK}"));
    assert!(text.contains("tn 10x32x32") && text.contains("GFLOP/s") && text.contains("µs"), "{text}");
}

#[test]
fn convolutions_are_measured_beside_the_peak() {
    let place = Place::new();
    let quick = "--device cpu --runs 1 --seconds 0.01";
    let lines = place.json(&format!("bench peak gemmw5 {quick}"));
    assert_eq!((lines.len(), &lines[0]["work"], &lines[1]["work"]), (16, &"peak".into(), &"gemmw5".into()));
    assert_eq!(lines[2]["product"], "by input 64x32x32x3 to 32");
    assert!(lines.iter().all(|line| (0.01..1e6).contains(&number(line, "gflops"))), "{lines:?}");
    assert!(lines[1..].iter().all(|line| number(line, "peak_gflops") > 0.1), "{lines:?}");
    let text = place.done(&format!("bench peak gemmw5 {quick}"));
    assert!(text.contains("in registers") && text.contains("by weight 64x56x56x64 to 64"), "{text}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new();
    place.refused("bench w4 --device cpu", &["\"w4\"", "mean w1?"]);
    place.refused("bench w3 gem512 --device cpu", &["\"gem512\"", "mean gemm512?"]);
    place.refused("bench --runs 0", &["--runs", "at least 1"]);
    place.refused("bench --seconds 0", &["--seconds", "more than 0"]);
    place.refused("bench --seconds nan", &["--seconds", "more than 0"]);
    place.refused("bench --steps-per-submission 0", &["--steps-per-submission", "at least 1"]);
}

#[test]
fn operations_can_be_left_by_themselves() {
    let place = Place::new();
    let layers = "--layers 'linear 8, relu, linear' --device cpu";
    let dispatches = |flag: &str| number(&place.json(&format!("plan {layers} {flag}"))[0], "dispatches");
    assert!(dispatches("--no-fuse") > dispatches(""));
    place.done(&format!("train {layers} --steps 3 --no-fuse --quiet --out run"));
    assert!(!place.text("run/recipe.toml").contains("fuse"));
}

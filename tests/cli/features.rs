//! What can be trained, and with what, end to end on small tables.

use super::place::{LAYERS, Place, table};
use super::support;
use serde_json::Value;
use std::fmt::Write;
use wgrad::export::{Model, Values};

const CPU: &str = "--device cpu --batch 16 --quiet";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(number).collect()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[test]
fn logistic_regression() {
    let place = Place::new();
    place.write("points.csv", table(200));
    let out = place.done("train points.csv --device cpu --batch 16 --layers 'linear 1' --out run");
    assert!(out.contains("loss     binary_cross_entropy, one output: how likely under is"), "{out}");
    let answer = place.json("eval run/model.safetensors points.csv --device cpu").remove(0);
    assert!(number(&answer["accuracy"]) > 0.95, "{answer}");
    assert_eq!(answer["confusion"].as_array().unwrap().len(), 2);
    for line in place.json("predict run/model.safetensors points.csv --device cpu") {
        let (logits, probabilities) = (numbers(&line["logits"]), numbers(&line["probabilities"]));
        assert_eq!((logits.len(), probabilities.len()), (1, 2));
        assert!((probabilities[1] - sigmoid(logits[0])).abs() < 1e-12, "{line}");
        assert!((probabilities[0] - sigmoid(-logits[0])).abs() < 1e-12, "{line}");
        assert_eq!(line["class"], if logits[0] > 0.0 { "under" } else { "over" });
    }
}

#[test]
fn several_labels() {
    let place = Place::new();
    let row = |i: usize| {
        let (x, y) = ((i * 37 % 101) as f64 / 10.0, (i * 53 % 97) as f64 / 10.0);
        format!("{x},{},{y},{}\n", u32::from(x > 5.0), u32::from(y > 3.0))
    };
    place
        .write("rows.csv", std::iter::once("x,large,y,high\n".to_owned()).chain((0..200).map(row)).collect::<String>());
    let out = place.done(
        "train rows.csv --target large,high --device cpu --batch 16 --layers 'linear 8, tanh, linear' --epochs 60 --out run",
    );
    assert!(out.contains("2 labels") && out.contains("loss     binary_cross_entropy"), "{out}");
    let answer = place.json("eval run/model.safetensors rows.csv --device cpu").remove(0);
    assert!(number(&answer["accuracy"]) > 0.95 && answer["confusion"].is_null(), "{answer}");
    assert!(place.text("run/recipe.toml").contains("target = \"large,high\""));
    place.write("new.csv", "y,x\n9,9\n9,1\n1,9\n1,1\n");
    let labels: Vec<Value> = place
        .json("predict run/model.safetensors new.csv --device cpu")
        .into_iter()
        .map(|l| l["labels"].clone())
        .collect();
    assert_eq!(serde_json::json!(labels), serde_json::json!([["large", "high"], ["high"], ["large"], []]));
}

/// y = 3x + 1000: far from 0, and answered in its own units.
fn line(count: usize) -> String {
    let row = |i: usize| (i * 37 % 101) as f64 / 10.0;
    (0..count).fold("x,y\n".to_owned(), |mut text, i| {
        writeln!(text, "{},{}", row(i), 3.0 * row(i) + 1000.0).unwrap();
        text
    })
}

#[test]
fn regression_answers_in_the_units_of_the_data() {
    let place = Place::new();
    place.write("line.csv", line(200));
    let out =
        place.done("train line.csv --device cpu --optimizer sgd --layers linear --epochs 60 --batch 16 --out run");
    for part in ["loss     mse, in units of the target's deviation", "the number y", "test R² 1.0000"] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
    let answer = place.json("eval run/model.safetensors line.csv --device cpu").remove(0);
    assert!(number(&answer["r2"]) > 0.9999 && number(&answer["mse"]) < 1e-2, "{answer}");
    assert!(answer["accuracy"].is_null() && answer["confusion"].is_null() && answer["n"] == 200, "{answer}");
    place.write("new.csv", "x\n0\n5.5\n10\n");
    let found = place.json("predict run/model.safetensors new.csv --device cpu");
    let predictions: Vec<f64> = found.iter().map(|line| number(&line["prediction"])).collect();
    for (found, wanted) in predictions.iter().zip([1000.0, 1016.5, 1030.0]) {
        assert!((found - wanted).abs() < 0.1, "{predictions:?}");
    }
}

/// 80 rows of one class and 20 of the other.
#[test]
fn balanced_class_weights_are_those_of_the_counts() {
    let place = Place::new();
    let row = |i: usize| format!("{},{}\n", i * 37 % 101, if i.is_multiple_of(5) { "rare" } else { "many" });
    place.write("rows.csv", std::iter::once("x,label\n".to_owned()).chain((0..100).map(row)).collect::<String>());
    for last in ["linear", "linear 1"] {
        let name = |text: &str| format!("{text}-{}", last.len());
        let train =
            format!("train rows.csv --device cpu --batch 20 --epochs 3 --validation 0 --test 0 --layers '{last}'");
        let out = place.done(&format!("{train} --class-weights balanced --out {}", name("balanced")));
        assert!(out.contains("balanced class weights 0.6250, 2.500"), "{out}");
        place.done(&format!("{train} --class-weights 0.625,2.5 --out {}", name("given")));
        place.done(&format!("{train} --out {}", name("plain")));
        let model = |text: &str| Model::read(&place.path(&format!("{}/last.safetensors", name(text)))).unwrap().tensors;
        assert_eq!(model("balanced"), model("given"));
        assert_ne!(model("balanced"), model("plain"));
    }
}

#[test]
fn every_optimizer_and_schedule_learns() {
    let place = Place::new();
    place.write("points.csv", table(200));
    let mut first: Option<Vec<u8>> = None;
    for (i, flags) in [
        "--lr 0.05 --optimizer sgd",
        "--lr 0.05 --optimizer sgd --nesterov",
        "--lr 0.05 --optimizer sgd --momentum 0 --weight-decay 0.001 --decay decoupled",
        "--optimizer adam --lr 0.02",
        "--optimizer adamw --lr 0.02 --beta1 0.8 --beta2 0.99 --eps 1e-6",
        "--optimizer rmsprop --lr 0.005",
        "--optimizer RMSprop --lr 0.002 --alpha 0.9 --momentum 0.5 --epsilon 1e-6 --weight-decay 0.001",
        "--lr 0.05 --optimizer sgd --schedule 'step every=5epochs factor=0.5'",
        "--lr 0.05 --optimizer sgd --schedule 'exponential factor=0.9'",
        "--lr 0.05 --optimizer sgd --schedule 'cosine warmup=10 end=0.1'",
        "--lr 0.05 --optimizer sgd --schedule 'one_cycle peak=0.3'",
        "--lr 0.05 --optimizer sgd --clip 0.5",
        "--lr 0.05 --optimizer sgd --max-norm 2",
        "--lr 0.05 --optimizer sgd --decay-only weights --weight-decay 0.01",
        "--lr 0.05 --optimizer sgd --label-smoothing 0.1",
        "--lr 0.05 --optimizer sgd --measure accuracy",
    ]
    .iter()
    .enumerate()
    {
        place.done(&format!(
            "train points.csv {CPU} --layers 'linear 8, relu, linear' --epochs 20 {flags} --out run-{i}"
        ));
        let answer = place.json(&format!("eval run-{i}/model.safetensors points.csv --device cpu")).remove(0);
        assert!(number(&answer["accuracy"]) > 0.93, "{flags}: {answer}");
        let steps = place.read(&format!("run-{i}/steps.csv"));
        let is_first = flags.contains("measure") || i == 0;
        assert_eq!(first.get_or_insert_with(|| steps.clone()) == &steps, is_first, "{flags}");
    }
}

#[test]
fn early_stopping_ends_a_run_and_keeps_the_best() {
    let place = Place::new();
    place.write("points.csv", table(100));
    let train = "train points.csv --device cpu --batch 16 --optimizer sgd --schedule constant --lr 1 --layers 'linear 8, relu, linear'";
    let out = place.done(&format!("{train} --epochs 500 --early-stopping 4 --out run"));
    let epochs = place.text("run/epochs.csv").lines().count() - 1;
    assert!(epochs < 500 && out.contains(&format!("stopped  after epoch {epochs}: 4 without a better one")), "{out}");
    let best = |name: &str| Model::read(&place.path(name)).unwrap().described().unwrap().best;
    assert_eq!(best("run/model.safetensors").map(|(_, epoch)| epoch), Some(epochs as u64 - 4));
    assert!(out.contains(&format!("best     epoch {}", epochs - 4)), "{out}");
    let kept = ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv"];
    let all = || kept.map(|file| place.read(&format!("run/{file}")));
    let before = all();
    for more in ["", "--epochs 600", "--steps 9000"] {
        let out = place.done(&format!("train --resume run --device cpu {more}"));
        assert!(out.contains(&format!("stopped  after epoch {epochs}")), "{more}: {out}");
        assert!(before == all(), "{more}: the run went on");
    }
    // Without it, or with more patience, the same run goes on as if it had never ended.
    place.done(&format!("train --resume run --device cpu --early-stopping 9 --epochs {}", epochs + 2));
    place.done(&format!("{train} --epochs {} --early-stopping 9 --out whole", epochs + 2));
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("run/{file}")), "{file} differs");
    }
    let end = place.json(&format!("{train} --epochs 500 --early-stopping 4 --out json")).pop().unwrap();
    assert_eq!(end["stopped_early"], true);
}

#[test]
fn population_statistics_are_taken_after_training() {
    let place = Place::new();
    place.write("points.csv", table(100));
    let train = "train points.csv --device cpu --batch 16 --epochs 3 --validation 0";
    let layers = "--layers 'linear 8, batch_norm statistics=population, relu, linear'";
    let out = place.done(&format!("{train} {layers} --out run"));
    // Nothing validates, so the two cannot be compared by what they answer.
    assert!(!out.contains("running statistics"), "{out}");
    let tensors = |name: &str| Model::read(&place.path(name)).unwrap().tensors;
    let (model, last) = (tensors("run/model.safetensors"), tensors("run/last.safetensors"));
    for (name, values) in &model {
        assert_eq!(last[name] == *values, !name.contains("running_"), "{name}");
    }
    assert_eq!(place.json("eval run/model.safetensors points.csv --device cpu")[0]["n"], 100);
    // Of a model that a run has left, the running averages are known no more: nothing is said of them.
    place.done(&format!("{train} --validation 0.2 {layers} --out best").replace("--validation 0 ", ""));
    let again = place.done("train --resume best --device cpu");
    assert!(!again.contains("running statistics"), "{again}");
    let plain = layers.replace(" statistics=population", "");
    let end = place.json(&format!("{train} {plain} --out plain")).pop().unwrap();
    let gap = &end["running_against_population"][0];
    assert!(gap["layer"] == "1.batch_norm" && number(&gap["mean"]) > 0.0 && number(&gap["variance"]) > 0.0, "{end}");
    // The same training; only what inference takes differs.
    let plain = tensors("plain/last.safetensors");
    assert_eq!(plain, last);
    assert_eq!(tensors("plain/model.safetensors")["1.running_mean"], plain["1.running_mean"]);
}

#[test]
fn a_folded_model_answers_as_before() {
    let place = Place::new();
    place.write("points.csv", table(100));
    for statistics in ["running", "population"] {
        let run = format!("run-{statistics}");
        place.done(&format!(
            "train points.csv {CPU} --epochs 5 --out {run} --layers 'linear 8, batch_norm statistics={statistics}, relu, \
             dropout 0.2 rule=weight_scaling, linear 6 bias=false, batch_norm statistics={statistics}, tanh, linear'"
        ));
        let out = place.done(&format!("export {run}/model.safetensors --fold --out {run}.safetensors"));
        assert!(out.contains("folded") && out.contains("1.batch_norm") && out.contains("5.batch_norm"), "{out}");
        let [before, after] = [format!("{run}/model.safetensors"), format!("{run}.safetensors")];
        let answer = |model: &str| place.json(&format!("eval {model} points.csv --device cpu")).remove(0);
        let (was, is) = (answer(&before), answer(&after));
        assert_eq!((&was["accuracy"], &was["confusion"]), (&is["accuracy"], &is["confusion"]));
        let logits = |model: &str| -> Vec<f64> {
            let lines = place.json(&format!("predict {model} points.csv --device cpu"));
            lines.iter().flat_map(|line| numbers(&line["logits"])).collect()
        };
        let (was, is) = (logits(&before), logits(&after));
        let largest = was.iter().map(|z| z.abs()).fold(0.0, f64::max);
        let off = was.iter().zip(&is).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // Some 10 roundings in each of two layers.
        assert!(was.len() == 200 && off > 0.0 && off < 1e-5 * largest, "{off} of {largest}");
        assert!(Model::read(&place.path(&after)).unwrap().tensors.keys().all(|name| !name.contains("running")));
    }
}

/// Into convolutions, with and without a bias, inside of a block too; those of a shortcut stay, and are named.
#[test]
fn a_folded_model_of_convolutions_answers_as_before() {
    let place = Place::new();
    let block = "residual(conv 8 kernel=3 stride=2 padding=1; batch_norm; relu; conv 8 kernel=3 padding=1 bias=false; batch_norm) shortcut=conv";
    let layers = format!("conv 4 kernel=3 padding=1, batch_norm, relu, {block}, relu, global_avg_pool, linear");
    place.done(&format!("train digits {CPU} --epochs 1 --out run --layers '{layers}'"));
    let out = place.done("export run/model.safetensors --fold --out folded.safetensors");
    let folded = "folded into the layer before: 1.batch_norm, 3.body.1.batch_norm, 3.body.4.batch_norm";
    assert!(out.contains(folded) && out.contains(": 3.shortcut.1.batch_norm"), "{out}");
    let told = |model: &str| place.json(&format!("eval {model} digits --device cpu")).remove(0);
    let (was, is) = (told("run/model.safetensors"), told("folded.safetensors"));
    assert_eq!((&was["accuracy"], &was["confusion"]), (&is["accuracy"], &is["confusion"]));
    let [was, is] = [was, is].map(|told| told["loss"].as_f64().unwrap());
    // Roundings of weights, in a mean over all rows.
    assert!((was - is).abs() < 1e-5 * was, "{was} {is}");
}

#[test]
fn masks_give_mean_and_deviation() {
    let place = Place::new();
    place.write("points.csv", table(100));
    place.write("line.csv", line(60));
    place.done(&format!("train points.csv {CPU} --epochs 10 {LAYERS} --out run"));
    place.done(&format!(
        "train line.csv {CPU} --epochs 10 --layers 'linear 8, relu, dropout 0.3, linear' --out numbers"
    ));
    let sampled = |samples: usize, more: &str| {
        place.json(&format!("predict run/model.safetensors points.csv --device cpu --samples {samples} {more}"))
    };
    let lines = sampled(40, "");
    let spread: Vec<f64> = lines.iter().flat_map(|line| numbers(&line["sampled"]["deviation"])).collect();
    assert!(spread.len() == 200 && spread.iter().all(|d| (0.0..=0.51).contains(d)) && spread.iter().any(|d| *d > 1e-3));
    for line in &lines {
        let (mean, plain) = (numbers(&line["sampled"]["mean"]), numbers(&line["probabilities"]));
        assert!((mean.iter().sum::<f64>() - 1.0).abs() < 1e-9 && (mean[0] - plain[0]).abs() < 0.3, "{line}");
    }
    assert_eq!(lines, sampled(40, ""));
    assert_ne!(lines, sampled(40, "--seed 1"));
    place.refused("predict run/model.safetensors points.csv --device cpu --samples 1", &["--samples", "2"]);
    let plain = place.json("eval run/model.safetensors points.csv --device cpu").remove(0);
    let masked = place.json("eval run/model.safetensors points.csv --device cpu --samples 30").remove(0);
    assert!(masked["n"] == 100 && masked["loss"] != plain["loss"], "{masked}");
    assert!((number(&masked["accuracy"]) - number(&plain["accuracy"])).abs() < 0.1, "{masked} {plain}");
    let text = place.done("eval run/model.safetensors points.csv --device cpu --samples 30 --seed 4");
    assert!(text.contains("mean over 30 of dropout's masks, seed 4"), "{text}");
    for line in place.json("predict numbers/model.safetensors line.csv --device cpu --samples 20") {
        let (mean, deviation) = (numbers(&line["sampled"]["mean"])[0], numbers(&line["sampled"]["deviation"])[0]);
        // In the data's units: y is 1000 to 1030.
        assert!((mean - 1015.0).abs() < 30.0 && deviation > 0.01 && deviation < 15.0, "{line}");
    }
}

/// Rows with missing fields, texts, and two classes of which one is rare.
fn mixed() -> String {
    let row = |i: usize| {
        let colour = ["red", "green", "blue", "NA"][i / 2 % 4];
        let width = if i.is_multiple_of(7) { String::new() } else { (i * 31 % 57).to_string() };
        format!("name {i},{width},{colour},{},{}\n", i * 37 % 101, if i % 4 == 1 { "b" } else { "a" })
    };
    std::iter::once("id,width,colour,x,kind\n".to_owned()).chain((0..120).map(row)).collect()
}

#[test]
fn a_recipe_that_was_written_says_all_of_its_run() {
    let place = Place::new();
    place.write("mixed.csv", mixed());
    place.write("line.csv", line(100));
    for (i, flags) in [
        "mixed.csv --target kind --ignore id --optimizer adam --lr 0.01 --beta1 0.85 --eps 1e-7 --schedule 'cosine \
         warmup=5' --clip 0.5 --max-norm 1.5 --class-weights balanced --label-smoothing 0.05 --early-stopping 6 --measure \
         accuracy --decay-only weights --weight-decay 0.01 --normalize standardize --init glorot --seed 7 --layers 'linear \
         12 init=he_uniform lr=0.02 max_norm=1, batch_norm statistics=population momentum=0.2, prelu per_channel=true, \
         dropout 0.3 rule=weight_scaling, linear 6, maxout 2, linear'",
        "mixed.csv --target kind --ignore id,width --optimizer adamw --schedule 'one_cycle peak=0.4' --layers 'linear 1' \
         --class-weights 1,3",
        "line.csv --schedule 'step every=2epochs factor=0.5' --optimizer sgd --nesterov --layers 'linear 8, gelu, linear' --shuffle false",
        "line.csv --normalize-target none --normalize none --lr 1e-7 --layers 'linear'",
        "line.csv --optimizer rmsprop --alpha 0.95 --momentum 0.3 --loss huber --delta 0.5 --layers 'linear 8, tanh, linear'",
    ]
    .iter()
    .enumerate()
    {
        place.done(&format!("train {flags} {CPU} --epochs 8 --out run-{i}"));
        place.done(&format!("train --recipe run-{i}/recipe.toml --device cpu --quiet --out again-{i}"));
        for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
            let same = place.read(&format!("run-{i}/{file}")) == place.read(&format!("again-{i}/{file}"));
            assert!(same, "{flags}: {file} differs");
        }
    }
    let Values::Floats(_, rows) = &Model::read(&place.path("run-0/last.safetensors")).unwrap().tensors["0.weight"]
    else {
        panic!("no weights")
    };
    // Its own max-norm; the update's last rounding is after it.
    let norms = rows.chunks(rows.len() / 12).map(|row| row.iter().map(|w| w * w).sum::<f32>().sqrt());
    assert!(norms.into_iter().all(|norm| norm <= 1.0 + 1e-5));
}

/// Twice to the same bytes, and what it learnt is judged alike on the CPU.
#[test]
fn the_gpu_trains_with_every_setting() {
    if support::gpu().is_none() {
        return;
    }
    let place = Place::new();
    place.write("mixed.csv", mixed());
    place.write("line.csv", line(100));
    for (i, flags) in [
        "mixed.csv --target kind --ignore id --optimizer adam --lr 0.01 --schedule 'cosine warmup=5' --clip 0.5 --max-norm \
         1.5 --class-weights balanced --label-smoothing 0.05 --layers 'linear 12 lr=0.02, batch_norm \
         statistics=population, prelu, dropout 0.3 rule=weight_scaling, linear 6, maxout 2, linear'",
        "mixed.csv --target kind --ignore id --optimizer adamw --class-weights 1,3 --layers 'linear 8, elu, linear 1'",
        "line.csv --optimizer sgd --nesterov --decay decoupled --layers 'linear 8, gelu, linear 4, silu, linear'",
        "line.csv --optimizer rmsprop --momentum 0.3 --loss huber --delta 0.5 --layers 'linear 8, tanh, linear'",
    ]
    .iter()
    .enumerate()
    {
        let runs = ["one", "two"].map(|name| format!("{name}-{i}"));
        for run in &runs {
            place.done(&format!("train {flags} --device gpu --batch 16 --quiet --epochs 8 --out {run}"));
        }
        for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv"] {
            let same = runs.each_ref().map(|run| place.read(&format!("{run}/{file}")));
            assert!(same[0] == same[1], "{flags}: {file} differs");
        }
        let data = flags.split(' ').next().unwrap();
        let loss = |device: &str| {
            let eval = format!("eval one-{i}/model.safetensors {data} --device {device}");
            number(&place.json(&eval)[0]["loss"])
        };
        // Some tens of roundings, and those of drivers' exponentials.
        let (cpu, gpu) = (loss("cpu"), loss("gpu"));
        assert!((cpu - gpu).abs() <= 1e-5 * cpu, "{flags}: {cpu} {gpu}");
    }
}

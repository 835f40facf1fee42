//! The health of layers: `health.csv`, and warnings of what keeps layers from learning.

use super::place::Place;
use super::support;
use serde_json::Value;

/// What `health.csv` of the run has of a column, line by line.
fn column(place: &Place, name: &str) -> Vec<String> {
    column_of(place, "run", name)
}

/// The same of another run.
fn column_of(place: &Place, run: &str, name: &str) -> Vec<String> {
    let text = place.text(&format!("{run}/health.csv"));
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = lines[0].iter().position(|&title| title == name).unwrap();
    lines[1..].iter().map(|line| line[at].to_owned()).collect()
}

/// Layers and causes of the warnings of a run, and what they say on the way.
fn warned(layers: &str, flags: &str) -> (Vec<(String, String)>, String) {
    let place = Place::new();
    let ran = place.run(&format!("train --layers '{layers}' {flags} --device cpu --json --out run"));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let warnings = told["health_warnings"].as_array().unwrap();
    (warnings.iter().map(|w| (text(&w["layer"]), text(&w["cause"]))).collect(), ran.err)
}

/// Ten layers and the head behind them.
fn deep(layer: &str, head: &str) -> String {
    format!("{}{head}", format!("{layer}, tanh, ").repeat(10))
}

#[test]
fn units_that_die_in_training_are_named_and_the_rate_of_the_advice_keeps_them() {
    for layers in
        ["linear 32, relu, linear 32, relu, linear", "conv 8 kernel=3, relu, conv 8 kernel=3, relu, flatten, linear"]
    {
        let (warnings, told) = warned(layers, "--optimizer sgd --lr 3 --epochs 1");
        assert_eq!(warnings.first(), Some(&("1.relu".into(), "dead".into())), "{layers}");
        assert!(told.contains("warning: layer 1 `relu`: ") && told.contains(": lower --lr, first to 0.3"), "{told}");
        assert_eq!(warned(layers, "--optimizer sgd --lr 0.3 --epochs 1").0, []);
    }
}

#[test]
fn units_that_a_file_brings_along_dead_are_told_from_those_that_training_kills() {
    let place = Place::new();
    let layers = "--layers 'linear 16, relu, linear 16, relu, linear'";
    place.done(&format!("train {layers} --epochs 1 --device cpu --quiet --out first"));
    let mut bytes = place.read("first/model.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let [from, to] = [0, 1].map(|end| header["0.bias"]["data_offsets"][end].as_u64().unwrap() as usize + 8 + length);
    bytes[from..to].chunks_exact_mut(4).for_each(|bias| bias.copy_from_slice(&(-100.0_f32).to_le_bytes()));
    place.write("dead.safetensors", bytes);
    let ran = place.run(&format!("train {layers} --init-from dead.safetensors --epochs 1 --device cpu --out run"));
    let wanted = "(100 % before the first step), so that no gradient reaches them: start from other weights than those of \
                  --init-from";
    assert!(ran.err.contains(wanted), "{}", ran.err);
    // Of a run that goes on it is not known with what it began.
    let ran = place.run("train --resume run --epochs 2 --device cpu");
    assert!(ran.err.contains("--lr, first to 0.01, or start anew from other weights"), "{}", ran.err);
}

#[test]
fn saturated_units_are_named_and_smaller_weights_mend_them() {
    for (layers, saturated) in [
        ("linear 32 init=large, tanh, linear 32 init=large, tanh, linear", "3.tanh"),
        ("conv 8 kernel=3 init=large, tanh, conv 8 kernel=3 init=large, tanh, flatten, linear", "3.tanh"),
    ] {
        let (warnings, told) = warned(layers, "--epochs 1");
        assert!(warnings.contains(&(saturated.into(), "saturated".into())), "{layers}: {warnings:?}");
        assert!(told.contains("write init=xavier in layers 0 and 2, or put batch_norm"), "{told}");
        // What the run names does nothing to layers that name their own.
        assert_eq!(warned(layers, "--init xavier --epochs 1").0, warnings);
        assert_eq!(warned(&layers.replace("large", "xavier"), "--epochs 1").0, []);
        let of_run = layers.replace(" init=large", "");
        assert!(warned(&of_run, "--init large --epochs 1").1.contains("start with --init xavier"), "{of_run}");
    }
}

#[test]
fn a_signal_that_ten_layers_lose_is_named_once() {
    for (layer, head) in
        [("linear 30 init=small", "linear"), ("conv 6 kernel=3 padding=1 init=small", "flatten, linear")]
    {
        let layers = deep(layer, head);
        let (warnings, told) = warned(&layers, "--epochs 1");
        assert!(matches!(&warnings[..], [(_, cause)] if cause == "faint"), "{layers}: {warnings:?}");
        assert!(told.contains("as before the first step"), "{told}");
        assert!(told.contains("write init=xavier in layers 0, 2, 4 and "), "{told}");
        assert_eq!(warned(&layers.replace("small", "xavier"), "--epochs 1").0, []);
    }
}

#[test]
fn the_default_network_is_healthy_and_every_epoch_has_its_lines() {
    let place = Place::new();
    let text = place.run("train --epochs 3 --device cpu --out run");
    assert!(text.code == Some(0) && !text.err.contains("warning"), "{}", text.err);
    let layers = column(&place, "layer");
    let first = column(&place, "epoch").iter().filter(|epoch| *epoch == "1").count();
    assert!(layers.len() == 3 * first && layers[..first] == layers[2 * first..], "{layers:?}");
    let of = |name: &str| column(&place, name).into_iter().zip(&layers).filter(|(field, _)| !field.is_empty());
    assert!(of("dead").count() > 0 && of("dead").all(|(_, layer)| layer.ends_with(".relu")));
    assert!(of("update_to_weight").all(|(field, _)| (1e-6..0.1).contains(&field.parse::<f64>().unwrap())));
    // Whether it is measured changes no bit of the training.
    let [tables, model] = ["steps.csv", "model.safetensors"].map(|file| place.read(&format!("run/{file}")));
    place.done("train --epochs 3 --device cpu --health 0 --out without");
    assert_eq!(tables, place.read("without/steps.csv"));
    let tensors = |file: &[u8]| {
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        file[8 + header..].to_vec()
    };
    assert_eq!(tensors(&model), tensors(&place.read("without/model.safetensors")));
    assert!(!place.path("without/health.csv").exists());
}

#[test]
fn a_resumed_run_goes_on_with_its_lines() {
    let place = Place::new();
    let layers = "--layers 'linear 16, batch_norm, relu, dropout 0.1, linear'";
    place.done(&format!("train {layers} --epochs 4 --health 2 --device cpu --out run"));
    assert_eq!(column(&place, "epoch"), ["1", "1", "1", "1", "1", "2", "2", "2", "2", "2", "4", "4", "4", "4", "4"]);
    let whole = place.text("run/health.csv");
    place.done(&format!("train {layers} --steps 50 --health 2 --device cpu --out again"));
    place.done("train --resume again --epochs 4 --device cpu");
    assert_eq!(whole, place.text("again/health.csv"));
}

/// Fields as numbers; none where a layer has no such field.
fn optional(fields: &[String]) -> Vec<Option<f64>> {
    fields.iter().map(|field| (!field.is_empty()).then(|| field.parse().unwrap())).collect()
}

/// How far a number of a GPU's `health.csv` may be from the CPU's, as a share of its size. Float32 rounds each number by 6e-8 of
/// it, and two epochs of sums in another order give ten times as much; a wrong row or value in 256 is a hundredth.
const APART: f64 = 1e-5;

/// Share of a layer's values that may be counted otherwise: of values that are off by one part in 10⁵, spread over powers of ten,
/// as large a share lies near an edge. Of few values, one.
const MOVED: f64 = 1e-4;

/// Holds the numbers of two runs' columns together, by a bound for each.
fn alike(place: &Place, name: &str, bound: impl Fn(usize, f64) -> f64) {
    let [cpu, gpu] = ["cpu", "gpu"].map(|run| optional(&column_of(place, run, name)));
    let layers = column_of(place, "cpu", "layer");
    assert!(cpu.len() == gpu.len() && cpu.iter().any(Option::is_some), "{name}");
    for (at, of) in cpu.into_iter().zip(gpu).enumerate() {
        let near = match of {
            (Some(a), Some(b)) => (a - b).abs() <= bound(at, a),
            (a, b) => a == b,
        };
        assert!(near, "{name} of {}: {of:?}", layers[at]);
    }
}

/// Histograms count the same values: so many may be in another bin.
fn counted_alike(place: &Place, name: &str) {
    let [cpu, gpu] = ["cpu", "gpu"].map(|run| column_of(place, run, name));
    let bins = |text: &str| -> Vec<i64> { text.split_whitespace().map(|bin| bin.parse().unwrap()).collect() };
    for (a, b) in cpu.iter().zip(&gpu) {
        let (ours, theirs) = (bins(a), bins(b));
        let all: i64 = ours.iter().sum();
        let moved = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).sum::<i64>() / 2;
        assert!(ours.len() == theirs.len() && all == theirs.iter().sum::<i64>(), "{name}: {a} {b}");
        assert!(moved <= ((MOVED * all as f64) as i64).max(1), "{name}: {moved} of {all}: {a} {b}");
    }
}

#[test]
fn a_gpu_measures_what_the_cpu_measures() {
    if support::gpu().is_none() {
        return;
    }
    for (layers, flags) in [
        ("linear 32, batch_norm, relu, linear 32, batch_norm, sigmoid, linear", ""),
        ("conv 8 kernel=3, relu, max_pool 2, conv 8 kernel=3, tanh, flatten, linear", ""),
        (
            "conv 8 kernel=3, max_pool 2, conv 8 kernel=3, relu, flatten, linear 16, tanh, linear",
            "--freeze 0..2 --cache-features",
        ),
    ] {
        let place = Place::new();
        for device in ["cpu", "gpu"] {
            place.done(&format!(
                "train --layers '{layers}' {flags} --epochs 2 --device {device} --quiet --out {device}"
            ));
        }
        for name in ["epoch", "layer", "rows"] {
            assert_eq!(column_of(&place, "cpu", name), column_of(&place, "gpu", name));
        }
        // Means may be near 0, where values of both signs cancel: they are off by a share of what the values are spread by.
        for (mean, deviation) in [("mean", "deviation"), ("gradient_mean", "gradient_deviation")] {
            let spread = optional(&column_of(&place, "cpu", deviation));
            alike(&place, mean, |at, _| APART * spread[at].unwrap());
        }
        for name in
            ["deviation", "deviation_over_rows", "gradient_deviation", "weight_gradient_norm", "update_to_weight"]
        {
            alike(&place, name, |_, value| APART * value);
        }
        // A unit is dead on both or on none, and so is the sign of a gradient; a share of the values is counted.
        for (name, bound) in [("dead", 0.0), ("one_sign", 0.0), ("saturated", MOVED)] {
            alike(&place, name, |_, _| bound);
        }
        ["activations", "gradients"].iter().for_each(|name| counted_alike(&place, name));
    }
}

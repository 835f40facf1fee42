//! Every operation against PyTorch's float64 values, on both executors and in every product family.
//!
//! Walks `tests/golden/ops` and `tests/golden/more`, or the folder that `WGRAD_GOLDEN` names. A file holds `in.*`, `up.*`, `out.*` and `grad.*`;
//! its metadata key `case` holds `op`, `params` and `f32_error`, the errors of PyTorch's own float32 run.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "golden/file.rs"]
mod file;
mod support;
#[path = "golden/work.rs"]
mod work;

use file::Golden;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::job::{Subject, Tensor, hosts, subjects};
use work::{Got, compute};

/// The project's own folders: the first holds what several implementations share, the second is made by the program in it.
fn own_folders() -> Vec<PathBuf> {
    ["ops", "more"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).into()
}

fn folders() -> Vec<PathBuf> {
    std::env::var_os("WGRAD_GOLDEN").map_or_else(own_folders, |folder| vec![folder.into()])
}

fn files() -> Vec<Result<Golden, String>> {
    let in_folder = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut paths: Vec<PathBuf> = folders().into_iter().flat_map(in_folder).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    paths.sort();
    paths.iter().map(|path| Golden::read(path)).collect()
}

fn ours(name: &str) -> Golden {
    let files = own_folders().into_iter().map(|folder| folder.join(format!("{name}.safetensors")));
    Golden::read(&files.into_iter().find(|file| file.is_file()).unwrap()).unwrap()
}

/// What is wrong with one tensor, by its worst element.
fn objection(g: &Golden, got: &Got, subject: &Subject) -> Option<String> {
    let (through, through_name): (fn(f64) -> f64, String) = match got.through {
        None => (std::convert::identity, String::new()),
        Some((name, through)) => (through, format!(" through {name}")),
    };
    let tensor = format!("{}: {}{through_name} on {}", g.name, got.key, subject.name);
    let expected = g.tensors.get(got.key)?;
    let (has, should) = (got.values.len(), expected.values.len());
    if has != should {
        return Some(format!("{tensor}: {has} values, not {should}"));
    }
    let bounds = g.bounds(got.key, subject.is_device());
    let mut worst = (1.0, None);
    for (i, (want, value)) in expected.values.iter().map(|v| through(*v)).zip(&got.values).enumerate() {
        let bound = bounds[i];
        let error = error(want, *value);
        // A bound may be 0, and is infinite where an infinity is expected.
        let share = if error == 0.0 || error.is_infinite() { error } else { error / bound };
        if share > worst.0 {
            let what = format!("element {i} is {value}, should be {want}: error {error:e}, bound {bound:e}");
            worst = (share, Some(format!("{tensor}: {what}")));
        }
    }
    worst.1
}

/// Infinite where the two differ in kind.
fn error(want: f64, got: f64) -> f64 {
    match (want.is_nan(), got.is_nan()) {
        (true, true) => 0.0,
        (false, false) if want == got => 0.0,
        (false, false) => (got - want).abs(),
        _ => f64::INFINITY,
    }
}

/// All that is wrong with one file on one subject.
fn check(g: &Golden, subject: &Subject) -> Vec<String> {
    let all = match compute(g, subject) {
        Ok(all) => all,
        Err(what) => return vec![format!("{} on {}: {what}", g.name, subject.name)],
    };
    let mut wrong: Vec<String> = all.iter().filter_map(|got| objection(g, got, subject)).collect();
    for (key, _) in g.expected() {
        if !all.iter().any(|got| got.key == key) {
            wrong.push(format!("{} on {}: {key} is not computed", g.name, subject.name));
        }
    }
    if g.expected().next().is_none() {
        wrong.push(format!("{}: nothing is expected", g.name));
    }
    wrong
}

#[test]
fn every_golden_case_agrees() {
    let (mut wrong, mut seen) = (vec![], BTreeSet::new());
    let subjects = subjects();
    for file in files() {
        match file {
            Ok(g) => {
                wrong.extend(subjects.iter().flat_map(|subject| check(&g, subject)));
                seen.insert(g.op);
            }
            Err(what) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "{} failed:\n{}", wrong.len(), wrong.join("\n"));
    assert!(!seen.is_empty(), "no case in {:?}", folders());
    let all = [
        "adam",
        "adamw",
        "avg_pool",
        "batch_norm",
        "batch_norm_population",
        "binary_cross_entropy",
        "conv2d",
        "elu",
        "gelu",
        "global_avg_pool",
        "hardswish",
        "huber",
        "leaky_relu",
        "linear",
        "max_pool",
        "maxout",
        "mse",
        "prelu",
        "relu",
        "rmsprop",
        "sgd",
        "sigmoid",
        "silu",
        "softmax_cross_entropy",
        "tanh",
    ];
    let own = std::env::var_os("WGRAD_GOLDEN").is_none();
    assert!(!own || seen.iter().map(String::as_str).eq(all), "only {seen:?} were seen");
}

#[test]
fn an_unknown_operation_fails() {
    let mut g = ours("activation_relu");
    g.op = "reglu".into();
    for subject in hosts() {
        let wrong = check(&g, &subject);
        assert!(wrong.len() == 1 && wrong[0].contains("activation_relu") && wrong[0].contains("reglu"), "{wrong:?}");
    }
}

#[test]
fn an_unknown_setting_or_tensor_fails() {
    let subject = &hosts()[0];
    let mut g = ours("linear_3x5x7");
    g.params.insert("transposed".into(), true.into());
    assert!(check(&g, subject)[0].contains("transposed"));
    let mut g = ours("batch_norm_inference");
    g.params.insert("training".into(), "no".into());
    assert!(check(&g, subject)[0].contains("training is"));
    let mut g = ours("linear_3x5x7");
    g.tensors.insert("out.z".into(), Tensor::new([1], 0.0));
    assert!(check(&g, subject)[0].contains("out.z is not computed"));
    let mut g = ours("linear_3x5x7");
    g.tensors.retain(|key, _| key.starts_with("in."));
    assert!(check(&g, subject)[0].contains("nothing is expected"));
}

/// Each tensor of a file of each operation: an expected element just beyond its bound is objected to, and one just
/// inside it is not.
#[test]
fn a_wrong_value_fails() {
    let names = [
        "linear_16x64x32",
        "activation_elu",
        "activation_gelu_extreme",
        "activation_hardswish",
        "activation_leaky_relu",
        "activation_maxout_3",
        "activation_prelu_channel",
        "activation_prelu_shared",
        "activation_relu",
        "activation_sigmoid",
        "activation_silu",
        "activation_tanh_extreme",
        "batch_norm_train_plain",
        "batch_norm_inference",
        "batch_norm_train_images",
        "conv2d_3x5x9x7_o6k3s2p1",
        "max_pool_3x3s2p1",
        "avg_pool_2x2",
        "global_avg_pool",
        "loss_cross_entropy_smoothed",
        "optimizer_sgd_nesterov",
        "optimizer_adam",
        "optimizer_adamw",
        "optimizer_rmsprop_small",
        "optimizer_rmsprop_momentum",
        "loss_huber_narrow",
    ];
    let mut checked = 0;
    let subjects = subjects();
    for (name, subject) in names.iter().flat_map(|name| subjects.iter().map(move |s| (*name, s))) {
        let g = ours(name);
        for got in compute(&g, subject).unwrap().iter().filter(|got| got.through.is_none()) {
            let Some(expected) = g.tensors.get(got.key) else { continue };
            let i = expected.values.len() / 2;
            let bound = g.bounds(got.key, subject.is_device())[i];
            for (share, objected) in [(1.01, true), (-1.01, true), (0.99, false), (f64::NAN, true)] {
                let mut changed = g.clone();
                changed.tensors.get_mut(got.key).unwrap().values[i] = got.values[i] + share * bound;
                let what = objection(&changed, got, subject);
                assert_eq!(what.is_some(), objected, "{name}: {} by {share} of {bound:e}: {what:?}", got.key);
                let named = what
                    .is_none_or(|w| w.contains(name) && w.contains(got.key) && w.contains(&format!("element {i} ")));
                assert!(named, "{name}: {} is not named", got.key);
                checked += 1;
            }
        }
    }
    assert!(checked >= 2 * 4 * 15, "only {checked} were checked");
    let mut g = ours("linear_3x5x7");
    g.tensors.get_mut("grad.weight").unwrap().values[4] += 1.0;
    assert!(hosts().iter().all(|subject| check(&g, subject).len() == 1));
    // The joined ReLU is judged too: where y was made positive, both forms are wrong.
    let mut g = ours("linear_3x5x7");
    g.tensors.get_mut("out.y").unwrap().values[4] = 50.0;
    assert!(hosts().iter().all(|subject| check(&g, subject).len() == 2));
}

#[test]
fn a_number_that_is_none_fails() {
    let g = ours("activation_relu");
    let subject = &hosts()[0];
    let mut all = compute(&g, subject).unwrap();
    assert_eq!(objection(&g, &all[0], subject), None);
    all[0].values[3] = f64::NAN;
    assert!(objection(&g, &all[0], subject).unwrap().contains("element 3 is NaN"));
    all[0].values[3] = f64::INFINITY;
    assert!(objection(&g, &all[0], subject).unwrap().contains("element 3 is inf"));
    let mut infinite = g.clone();
    infinite.tensors.get_mut("out.y").unwrap().values[3] = f64::INFINITY;
    assert_eq!(objection(&infinite, &all[0], subject), None);
    all[0].values[3] = 1.0;
    assert!(objection(&infinite, &all[0], subject).unwrap().contains("should be inf"));
    all[0].values.pop();
    assert!(objection(&g, &all[0], subject).is_some(), "too few values");
}

#[test]
fn bounds_are_the_largest_of_three() {
    let mut g = ours("activation_relu");
    g.tensors.insert("out.y".into(), Tensor { values: vec![0.1, -5.0], ..Tensor::new([2], 0.0) });
    let mut bound = |op: &str, error: Option<f64>, i: usize, device: bool| {
        g.op = op.into();
        g.f32_error.remove("out.y");
        g.f32_error.extend(error.map(|error| ("out.y".to_owned(), error.into())));
        g.bounds("out.y", device)[i]
    };
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
    assert!(near(bound("relu", Some(1e-9), 0, false), 1e-6), "the floor");
    assert!(near(bound("relu", Some(1e-9), 1, false), 1e-5), "the element");
    assert!(near(bound("relu", Some(1e-9), 1, true), 3e-5), "on a device");
    assert!(near(bound("linear", Some(1e-9), 0, false), 1e-5), "the tensor's largest");
    assert!(near(bound("linear", Some(1e-2), 0, false), 1e-1), "PyTorch's own error");
    assert!(near(bound("relu", None, 0, false), 5e-5), "no error given");
}

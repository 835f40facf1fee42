//! Whole training runs with nothing random in them, against PyTorch's in float64.
//!
//! Each folder of `tests/trajectories`, or of `$WGRAD_TRAJECTORIES`, runs through the code of `wgrad train --recipe
//! DIR/recipe.toml --init-from DIR/init.safetensors`, on both executors.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use wgrad::device::Device;
use wgrad::export::{Model, Values};
use wgrad::op::{Family, Target};
use wgrad::train::{Recipe, RunFolder, Trainer, prepare};

/// Ten times the distance of PyTorch's own float32 run on the CPU, thirty times on a GPU, and never under 2e-5.
const CPU_FACTOR: f64 = 10.0;
const GPU_FACTOR: f64 = 30.0;
const LEAST: f64 = 2e-5;

/// What `tests/trajectories` has at least.
const OWN: [&str; 7] = [
    "convnet",
    "softmax_regression",
    "mlp_batch_norm_relu",
    "mlp_maxout_prelu",
    "mlp_partial_batch",
    "mlp_residual",
    "mlp_sigmoid_tanh",
];

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trajectories");
    let other = std::env::var_os("WGRAD_TRAJECTORIES").map(PathBuf::from);
    let root = other.as_ref().unwrap_or(&own);
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.join("recipe.toml").is_file());
    folders.sort();
    assert!(!folders.is_empty());
    if other.is_none() {
        for name in OWN {
            assert!(folders.contains(&own.join(name)), "{name} is missing");
        }
    }
    folders
}

/// Tensors of float64, as `expected.safetensors` has them.
fn expected(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let bytes = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = |data: &[u8]| data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    let tensors = file.tensors().into_iter();
    tensors.filter(|(_, view)| view.dtype() == safetensors::Dtype::F64).map(|(n, v)| (n, floats(v.data()))).collect()
}

fn losses(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().next(), Some("step,loss"));
    text.lines().skip(1).map(|line| line.split_once(',').unwrap().1.parse().unwrap()).collect()
}

/// The largest distance relative to the largest expected value.
fn distance(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0, |m: f64, w| m.max(w.abs())).max(1e-30);
    let gap = |(g, w): (&f64, &f64)| if (g - w).is_nan() { f64::INFINITY } else { (g - w).abs() };
    got.iter().zip(want).map(gap).fold(0.0, f64::max) / largest
}

/// What is over its bound after running a folder on a device, by every family of kernels that it runs, of which one has its
/// sums in parts, and with dispatches joined and apart.
fn failures(folder: &Path, device: &Device, factor: f64) -> Vec<String> {
    let best = device.target();
    let targets = match device.report() {
        None => vec![best],
        Some(report) => {
            let wanted = |family| if family == Family::Tiled { 64 } else { best.groups_wanted };
            let of = |product: Family| {
                let (groups_wanted, block_work) = (wanted(product), product.block_work());
                Target { product, groups_wanted, block_work, ..best }
            };
            report.families().into_iter().map(of).collect()
        }
    };
    let run = |target: Target| [true, false].map(|fuse| failures_of(folder, device, Target { fuse, ..target }, factor));
    targets.into_iter().flat_map(run).flatten().collect()
}

fn failures_of(folder: &Path, device: &Device, target: Target, factor: f64) -> Vec<String> {
    let run = tempfile::tempdir().unwrap();
    let recipe = Recipe::open(&folder.join("recipe.toml")).unwrap();
    let (mut job, _) = prepare(&recipe, None).unwrap();
    job.init_from = Some(Model::read(&folder.join("init.safetensors")).unwrap());
    let mut out = RunFolder::create(Some(&run.path().join("run")), "trajectory", &recipe).unwrap();
    Trainer::for_target(job, device, target).unwrap().run(&mut out, &mut support::Silent).unwrap();
    compare(folder, &out.file("last.safetensors"), &out.file("steps.csv"), factor)
}

fn compare(folder: &Path, last: &Path, steps: &Path, factor: f64) -> Vec<String> {
    let tolerance: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("tolerance.json")).unwrap()).unwrap();
    let bound = |value: &serde_json::Value| (factor * value.as_f64().unwrap()).max(LEAST);
    let model = Model::read(last).unwrap();
    let mut failures = vec![];
    let mut judge = |name: &str, got: &[f64], want: &[f64], bound: f64| {
        let error = distance(got, want);
        if error > bound {
            failures.push(format!("{}: {name}: {error:.2e} over {bound:.2e}", folder.display()));
        }
    };
    let wanted = expected(&folder.join("expected.safetensors"));
    assert!(!wanted.is_empty());
    for (name, want) in &wanted {
        let Some(Values::Floats(_, got)) = model.tensors.get(name) else { panic!("no tensor {name}") };
        let got: Vec<f64> = got.iter().map(|v| f64::from(*v)).collect();
        judge(name, &got, want, bound(&tolerance["weights"][name]));
    }
    judge("losses", &losses(steps), &losses(&folder.join("losses.csv")), bound(&tolerance["losses"]));
    failures
}

#[test]
fn the_cpu_path_follows_pytorch() {
    for folder in folders() {
        assert_eq!(failures(&folder, &Device::CPU, CPU_FACTOR), [""; 0]);
    }
}

#[test]
fn the_gpu_follows_pytorch() {
    let Some(gpu) = support::gpu() else { return };
    for folder in folders() {
        assert_eq!(failures(&folder, &Device::gpu(gpu.clone()), GPU_FACTOR), [""; 0]);
    }
}

/// The harness itself: a run with another learning rate must not pass.
#[test]
fn another_run_is_objected_to() {
    let from = &folders()[0];
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let recipe = fs::read_to_string(from.join("recipe.toml")).unwrap();
    let line = |line: &str| if line.starts_with("lr = ") { "lr = 0.00001".to_owned() } else { line.to_owned() };
    let slower: Vec<String> = recipe.lines().map(line).collect();
    assert_ne!(slower.join("\n"), recipe.trim_end());
    fs::write(folder.path().join("recipe.toml"), slower.join("\n")).unwrap();
    let found = failures(folder.path(), &Device::CPU, CPU_FACTOR);
    assert!(found.len() > 2, "{found:?}");
}

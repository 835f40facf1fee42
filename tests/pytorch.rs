//! Weights of a `torch.nn.Sequential`, made by `tests/pytorch/sequential.py`: the same outputs here, and of residual blocks the
//! same gradients.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wgrad::data::{Affine, Values};
use wgrad::device::Device;
use wgrad::export::{Metadata, Model, Normalization, fold};
use wgrad::kernel::Step;
use wgrad::nn::{Answer, Head, Loss, Network, Problem, Settings};
use wgrad::op::{Family, Target};
use wgrad::run::{Compiled, DataShape, Predictor, Purpose, Runner, TrainOptions};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch").join(name)
}

/// Sizes of a row of inputs.
fn row(name: &str) -> Vec<usize> {
    if name == "images" { vec![3, 15, 13] } else { vec![12] }
}

/// Layers, inputs and PyTorch's float64 outputs of a network.
fn expected(name: &str) -> (Vec<String>, Vec<f32>, Vec<f64>) {
    let bytes = std::fs::read(file(&format!("{name}_io.safetensors"))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let layers = serde_json::from_str(&header.metadata().as_ref().unwrap()["layers"]).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let x = tensors.tensor("x").unwrap();
    assert_eq!(x.dtype(), Dtype::F32);
    let x = x.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    (layers, x, wide(&tensors, "y"))
}

/// A tensor of float64.
fn wide(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.dtype(), Dtype::F64, "{name}");
    tensor.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

/// The file of PyTorch, and what it does not say of itself.
fn model(name: &str, layers: Vec<String>) -> Model {
    let names = (0..5).map(|class| class.to_string()).collect();
    let problem = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names };
    let row = row(name);
    let normalize = Normalization::new("none".into(), 0.0, &Affine::none(row.iter().product()));
    let metadata = Metadata::new(layers, row, &problem, normalize);
    Model { metadata: Some(metadata), ..Model::read(&file(&format!("{name}.safetensors"))).unwrap() }
}

fn outputs(model: &Model, inputs: &[f32], device: &Device) -> Vec<f32> {
    let mut predictor = Predictor::for_inputs(model, false, None, device).unwrap();
    predictor.outputs(&Values::Floats(inputs.to_vec())).unwrap()
}

/// The largest difference, as a share of the largest output.
fn distance(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let gap = |(g, w): (&f32, &f64)| if g.is_nan() { f64::INFINITY } else { (f64::from(*g) - w).abs() };
    got.iter().zip(want).map(gap).fold(0.0, f64::max) / want.iter().fold(0.0, |m: f64, w| m.max(w.abs()))
}

fn devices() -> Vec<Device> {
    std::iter::once(Device::CPU).chain(support::gpu().map(Device::gpu)).collect()
}

#[test]
fn weights_of_pytorch_give_its_outputs() {
    for name in ["mixed", "residual", "images"] {
        let (layers, inputs, want) = expected(name);
        for device in devices() {
            let error = distance(&outputs(&model(name, layers.clone()), &inputs, &device), &want);
            assert!(error < 1e-5, "{name} on {device}: {error:e}");
        }
    }
}

/// What a file of ours holds is what PyTorch's `state_dict` does, name by name, so that it loads there strictly.
#[test]
fn files_hold_the_tensors_of_pytorch_and_no_others() {
    for (name, tensor) in [("residual", "3.body.1.body.1.weight"), ("images", "4.shortcut.0.weight")] {
        let (layers, ..) = expected(name);
        let network = Network::read(&layers, Head::classes(5), None).unwrap();
        let data = DataShape { bytes: false, rows: 33, row: row(name) };
        let compiled = Compiled::compile(&network, &data, 33, Purpose::Predict, Target::CPU).unwrap();
        let given = model(name, layers);
        let ours: BTreeSet<&String> =
            compiled.tensors.iter().map(|t| &t.name).chain(compiled.counters.iter().map(|c| &c.name)).collect();
        assert_eq!(ours, given.tensors.keys().collect());
        let mut short = given.clone();
        short.tensors.remove(tensor).unwrap();
        let error = Predictor::for_inputs(&short, false, None, &Device::CPU).unwrap_err().to_string();
        assert!(error.contains(tensor), "{error}");
    }
}

/// Loss and gradients of a training step, with dispatches joined and apart.
#[test]
fn residual_blocks_have_the_gradients_of_pytorch() {
    gradients_are_those_of_pytorch("residual");
}

#[test]
fn convolutions_have_the_gradients_of_pytorch() {
    gradients_are_those_of_pytorch("images");
}

fn gradients_are_those_of_pytorch(name: &str) {
    let bytes = std::fs::read(file(&format!("{name}_io.safetensors"))).unwrap();
    let want = SafeTensors::deserialize(&bytes).unwrap();
    let mut checked = 0;
    for device in devices() {
        for fuse in [true, false] {
            for product in [device.target().product, Family::Plain] {
                let target = Target { fuse, product, ..device.target() };
                let (loss, gradients) = step(name, &device, target);
                let mut judge = |name: &str, got: &[f32]| {
                    let error = distance(got, &wide(&want, name));
                    // As trajectories: ten times PyTorch's own error in float32, on a GPU thirty times, at least 2e-6.
                    let factor = if device.report().is_some() { 30.0 } else { 10.0 };
                    let bound = (factor * wide(&want, &format!("error.{name}"))[0]).max(2e-6);
                    assert!(error <= bound, "{name} on {device}, {target:?}: {error:e} over {bound:e}");
                    checked += 1;
                };
                judge("loss", &[loss]);
                gradients.iter().for_each(|(name, values)| judge(&format!("grad.{name}"), values));
            }
        }
    }
    let gradients = want.names().iter().filter(|name| name.starts_with("grad.")).count();
    assert_eq!(checked, devices().len() * 4 * (1 + gradients));
}

/// Loss and gradients of a network on its 33 rows.
fn step(name: &str, device: &Device, target: Target) -> (f32, Vec<(String, Vec<f32>)>) {
    let (layers, inputs, _) = expected(name);
    let network = Network::read(&layers, Head::classes(5), None).unwrap();
    let (row, features) = (row(name), inputs.len() / 33);
    let data = DataShape { bytes: false, rows: 33, row };
    let options = TrainOptions { seed: 0, optimizer: Settings::default(), lr: 0.1, ..TrainOptions::default() };
    let compiled = Compiled::compile(&network, &data, 33, Purpose::Train(options), target).unwrap();
    let tensors = compiled.tensors.clone();
    let train = compiled.train.unwrap();
    let mut runner = Runner::new(device, compiled).unwrap();
    runner.load_data(&Values::Floats(inputs), (&vec![0.0; features], &vec![1.0; features])).unwrap();
    runner.load_targets(&(0..33).map(|row| row % 5).collect::<Vec<_>>(), None).unwrap();
    let weights = model(name, layers);
    for tensor in &tensors {
        let values = weights.floats(&tensor.name, &tensor.shape.in_files().0).unwrap();
        runner.write_floats(&tensor.name, &tensor.in_plan(values)).unwrap();
    }
    let order: Vec<u32> = (0..33).collect();
    runner.begin(&order, &[Step { start: 0, rows: 33, rate: 0.1, step: 0 }], 0).unwrap();
    runner.run(train, 1).unwrap();
    let trained = tensors.iter().filter(|tensor| tensor.class == wgrad::op::Class::Parameters);
    let mut gradient =
        |t: &wgrad::nn::Tensor| t.in_file(&runner.read_floats(&format!("d.{}", t.name)).unwrap()).into_owned();
    let gradients = trained.map(|t| (t.name.clone(), gradient(t))).collect();
    (runner.results(0, 1).unwrap()[0].0, gradients)
}

/// With every batch norm folded away the outputs are the same, and a wrong weight is seen.
#[test]
fn batch_norm_folds_into_the_layer_before() {
    let (layers, inputs, want) = expected("mixed");
    let folded = fold(&model("mixed", layers.clone())).unwrap();
    assert_eq!(folded.folded, ["1.batch_norm"]);
    assert_eq!(folded.left, ["5.batch_norm"]);
    assert!(!folded.model.tensors.contains_key("1.running_mean"));
    for device in devices() {
        let unfolded = outputs(&model("mixed", layers.clone()), &inputs, &device);
        let unfolded: Vec<f64> = unfolded.into_iter().map(f64::from).collect();
        let got = outputs(&folded.model, &inputs, &device);
        assert!(distance(&got, &unfolded) < 1e-5 && distance(&got, &want) < 1e-5, "{device}");
    }
    let mut wrong = folded.model;
    let Some(wgrad::export::Values::Floats(_, bias)) = wrong.tensors.get_mut("0.bias") else { panic!("no bias") };
    bias[3] += 1e-2;
    assert!(distance(&outputs(&wrong, &inputs, &Device::CPU), &want) > 1e-5);
}

/// A batch norm inside of a block folds into the linear before it, which has another place then; those behind no linear stay.
#[test]
fn batch_norm_inside_of_blocks_folds_too() {
    let block =
        "residual(relu; linear 12 bias=false; batch_norm; residual(linear 12; batch_norm eps=0.5; tanh); batch_norm)";
    let layers = ["linear 12", "batch_norm", block, "linear 5"].map(str::to_owned).to_vec();
    let (_, inputs, _) = expected("residual");
    let mut whole = model("residual", layers.clone());
    let network = Network::read(&layers, Head::classes(5), None).unwrap();
    let mut graph = wgrad::graph::Graph::default();
    let x = graph.value("x", [4, 12], wgrad::kernel::Scalar::F32, wgrad::op::Class::Data);
    let built = network.build(&mut graph, x, wgrad::nn::Usage::Inference).unwrap();
    let named = built.tensors.iter().enumerate().map(|(index, tensor)| {
        let mut values = tensor.initial(3, index);
        // Running statistics and factors that are not those of the start.
        let moves = tensor.shape.0.len() == 1;
        values.iter_mut().enumerate().filter(|_| moves).for_each(|(i, v)| *v += 0.1 * ((i * 7 + index) % 11) as f32);
        (tensor.name.clone(), wgrad::export::Values::Floats(tensor.shape.0.clone(), values))
    });
    whole.tensors = named.collect();
    let folded = fold(&whole).unwrap();
    assert_eq!(folded.folded, ["1.batch_norm", "2.body.2.batch_norm", "2.body.3.body.1.batch_norm"]);
    assert_eq!(folded.left, ["2.body.4.batch_norm"]);
    let block = "residual(relu; linear 12; residual(linear 12; tanh); batch_norm)";
    assert_eq!(folded.model.metadata.as_ref().unwrap().layers, ["linear 12", block, "linear 5"]);
    assert!(folded.model.tensors.contains_key("1.body.2.body.0.weight"));
    let want: Vec<f64> = outputs(&whole, &inputs, &Device::CPU).into_iter().map(f64::from).collect();
    // Roundings of a few sums of twelve terms.
    assert!(distance(&outputs(&folded.model, &inputs, &Device::CPU), &want) < 1e-5);
}

/// A network with torchvision's names, from `tests/pytorch/resnet18.py`, whose file is too large to be kept here: the folder that
/// `WGRAD_RESNET18` names. It leaves the weights under those names, for PyTorch to load strictly.
#[test]
fn a_residual_network_of_torchvision_gives_its_logits() {
    let Some(folder) = std::env::var_os("WGRAD_RESNET18").map(PathBuf::from) else {
        println!("NOT CHECKED: WGRAD_RESNET18 names no folder");
        return;
    };
    let names = (0..1000).map(|class| class.to_string()).collect();
    let problem = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names };
    for side in [64, 224] {
        let bytes = std::fs::read(folder.join(format!("resnet18_{side}.safetensors"))).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let x: Vec<f32> =
            file.tensor("x").unwrap().data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let normalize = Normalization::new("none".into(), 0.0, &Affine::none(3 * side * side));
        let metadata = Metadata::new(vec!["resnet18".into()], vec![3, side, side], &problem, normalize);
        let model = Model { metadata: Some(metadata), ..Model::read(&folder.join("resnet18.safetensors")).unwrap() };
        let error = distance(&outputs(&model, &x, &Device::CPU), &wide(&file, "y"));
        println!("{side}x{side}: {error:.1e} of the largest logit");
        assert!(error < 1e-4, "{error:e}");
        let tensors = wgrad::export::torchvision_names(model.tensors.clone()).unwrap();
        Model { tensors, ..model }.save(folder.join("ours.safetensors")).unwrap();
    }
}

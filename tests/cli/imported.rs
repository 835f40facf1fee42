//! Weights that were trained elsewhere.

use super::place::Place;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// A linear layer that gives the three channels of a picture of one pixel as its three classes.
fn one_to_one(place: &Place) {
    times(place, 1, 1.0);
}

/// The same as the layer of a number, with each channel so many times.
fn times(place: &Place, layer: usize, factor: f32) {
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let (weight, bias) = (bytes(&[factor, 0.0, 0.0, 0.0, factor, 0.0, 0.0, 0.0, factor]), bytes(&[0.0; 3]));
    let [of_weight, of_bias] = ["weight", "bias"].map(|name| format!("{layer}.{name}"));
    let tensors = HashMap::from([
        (&of_weight, TensorView::new(Dtype::F32, vec![3, 3], &weight).unwrap()),
        (&of_bias, TensorView::new(Dtype::F32, vec![3], &bias).unwrap()),
    ]);
    place.write("given.safetensors", safetensors::serialize(tensors, None).unwrap());
}

const IMPORT: &str = "import given.safetensors --layers 'flatten, linear'";

fn probabilities(told: &Value) -> Vec<f64> {
    serde_json::from_value(told["probabilities"].clone()).unwrap()
}

#[test]
fn pictures_are_normalised_by_the_numbers_that_are_given() {
    let place = Place::new();
    one_to_one(&place);
    image::RgbImage::from_pixel(1, 1, image::Rgb([51, 102, 204])).save(place.path("one.png")).unwrap();
    for (kind, logits) in [
        ("--normalize none", [51.0, 102.0, 204.0]),
        ("--normalize scale", [0.2, 0.4, 0.8]),
        ("--normalize imagenet", [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (0.8 - 0.406) / 0.225]),
        ("--mean 0.1,0.5,-0.25 --std 0.5,0.25,2", [(0.2 - 0.1) / 0.5, (0.4 - 0.5) / 0.25, (0.8 + 0.25) / 2.0]),
    ] {
        place.done(&format!("{IMPORT} --shape 3x1x1 {kind} --classes r,g,b --out model.safetensors"));
        let told = place.json("predict model.safetensors one.png --device cpu").remove(0);
        let exponentials = logits.map(|logit| f64::exp(logit - logits[2]));
        let sum: f64 = exponentials.iter().sum();
        // Logits and exponentials are of float32.
        for (got, of) in probabilities(&told).iter().zip(exponentials) {
            assert!((got - of / sum).abs() < 1e-6, "{kind}: {told} {logits:?}");
        }
        std::fs::remove_file(place.path("model.safetensors")).unwrap();
    }
}

#[test]
fn what_cannot_be_normalised_so_is_refused() {
    let place = Place::new();
    one_to_one(&place);
    let import = |rest: &str| format!("{IMPORT} {rest} --out model.safetensors");
    place.refused(&import("--shape 3x1x1 --mean 0.1,0.2 --std 1,1,1"), &["--mean has 2", "--std has 3", "3 channels"]);
    place.refused(&import("--shape 3x1x1 --mean 0,0,0 --std 1,0,1"), &["--std numbers above 0"]);
    place.refused(&import("--shape 3x1x1 --mean 0,0,nan --std 1,1,1"), &["--mean takes finite numbers"]);
    place.refused(&import("--shape 3x1x1 --mean 0,0,0 --std 1,1,1e-320"), &["--std numbers above 0"]);
    place.refused(&import("--shape 3 --mean 0,0,0 --std 1,1,1"), &["--mean and --std are for pictures"]);
    place.refused(&import("--shape 3 --normalize imagenet"), &["--normalize cannot be imagenet", "3xHxW"]);
    place.refused(&import("--shape 1x1x3"), &["--normalize scale or none"]);
    place.refused(&import("--shape 3x1x1 --classes a,b,a"), &["--classes names \"a\" twice", "class 2"]);
    place.refused(&import("--shape 3x1"), &["--shape cannot be", "3x224x224"]);
    let ran = place.run(&import("--shape 3x1x1 --mean 0,0,0"));
    assert!(ran.code == Some(2) && ran.err.contains("--std"), "{ran:?}");
    let ran = place.run(&import("--shape 3x1x1 --normalize none --mean 0,0,0 --std 1,1,1"));
    assert!(ran.code == Some(2) && ran.err.contains("--normalize"), "{ran:?}");
}

#[test]
fn rows_of_numbers_are_predicted_from_an_array() {
    let place = Place::new();
    one_to_one(&place);
    place.done(
        "import given.safetensors --layers 'dropout 0.1, linear' --shape 3 --classes r,g,b --out model.safetensors",
    );
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    let values: Vec<u8> = [0.0_f32, 2.0, 1.0, 5.0, -1.0, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    place.write(
        "x.npy",
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &values].concat(),
    );
    let told = place.json("predict model.safetensors x.npy --device cpu");
    assert_eq!([&told[0]["class"], &told[1]["class"]], ["g", "r"]);
    assert_eq!(told[1]["logits"], serde_json::json!([5.0, -1.0, 1.0]));
}

/// A thin ResNet-50 with trained weights, from `tests/pytorch/open_nsfw.py`, whose file is too large to be kept here: the folder
/// that `WGRAD_OPEN_NSFW` names. Its pictures must get ONNX Runtime's probabilities.
#[test]
fn a_trained_network_of_another_maker_gives_its_probabilities() {
    let Some(folder) = std::env::var_os("WGRAD_OPEN_NSFW").map(PathBuf::from) else {
        println!("NOT CHECKED: WGRAD_OPEN_NSFW names no folder");
        return;
    };
    let place = Place::new();
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    place.write("given.safetensors", read("open_nsfw.safetensors"));
    let layers = String::from_utf8(read("layers.txt")).unwrap();
    // The means of ImageNet in bytes, as Caffe's networks have them.
    let [red, green, blue, one] = [123.0, 117.0, 104.0, 1.0].map(|number: f64| number / 255.0);
    place.done(&format!(
        "import given.safetensors --layers '{layers}' --shape 3x224x224 --scale 256 --mean {red},{green},{blue} \
         --std {one},{one},{one} --classes safe,unsafe --out model.safetensors"
    ));
    let wanted: HashMap<String, Vec<f64>> = serde_json::from_slice(&read("probabilities.json")).unwrap();
    assert!(wanted.len() >= 5, "{wanted:?}");
    for (name, wanted) in &wanted {
        place.write(name, read(name));
        // A software driver takes long for each.
        let on_gpu = name == "120x120.png" && std::env::var_os("WGRAD_REQUIRE_GPU").is_some();
        for device in [Some("cpu"), on_gpu.then_some("gpu")].into_iter().flatten() {
            let told = place.json(&format!("predict model.safetensors {name} --device {device}")).remove(0);
            let off = probabilities(&told).iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            println!("{name} {device}: {off:.1e}");
            assert!(off < 1e-5, "{device}: {told} {wanted:?}");
        }
    }
}

/// Logits of 510, 1020 and 2040: the probability of the first class is e⁻¹⁵³⁰, which float64 does not hold.
#[test]
fn certain_answers_are_averaged_over_views_and_masks() {
    let place = Place::new();
    times(&place, 2, 10.0);
    let shape = "--shape 3x1x1 --normalize none --classes r,g,b";
    place.done(&format!(
        "import given.safetensors --layers 'flatten, dropout 0.0001 rule=weight_scaling, linear' {shape} --out model.safetensors"
    ));
    std::fs::create_dir_all(place.path("files/r")).unwrap();
    image::RgbImage::from_pixel(1, 1, image::Rgb([51, 102, 204])).save(place.path("files/r/one.png")).unwrap();
    let one = place.json("predict model.safetensors files/r/one.png --device cpu").remove(0);
    let ten = place.json("predict model.safetensors files/r/one.png --crops 10 --device cpu").remove(0);
    let logits = |told: &Value| -> Vec<f64> { serde_json::from_value(told["logits"].clone()).unwrap() };
    let below = |told: &Value, class: usize| logits(told)[2] - logits(told)[class];
    for class in [0, 1] {
        // Logits of about 2000 are float32 in steps of 1/8192.
        assert!((below(&one, class) - below(&ten, class)).abs() < 1e-3, "{one} {ten}");
    }
    assert_eq!((&ten["class"], &one["probabilities"]), (&one["class"], &ten["probabilities"]));
    let loss = |more: &str| {
        place.json(&format!("eval model.safetensors files --device cpu {more}")).remove(0)["loss"].as_f64().unwrap()
    };
    let (plain, masked, viewed) = (loss(""), loss("--samples 3"), loss("--crops 10"));
    // The rule multiplies by 0.9999 what a mask keeps.
    assert!((plain - 1530.0).abs() < 0.2 && (masked - 1530.0).abs() < 0.2 && (viewed - plain).abs() < 1e-3);
}

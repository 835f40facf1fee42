//! Folders of pictures and networks for images, on the command line.

use super::place::{Place, idx_folder};
use image::{GrayImage, Rgb, RgbImage};
use serde_json::Value;
use std::fs;
use wgrad::export::Model;

const CLASSES: [&str; 3] = ["blue", "green", "red"];
const CONV: &str = "conv 4 kernel=3 padding=1, batch_norm, relu, max_pool 2, flatten, linear";

/// A picture of 8x8 pixels with noise, brightest in one colour.
pub fn picture(class: usize, seed: u32) -> RgbImage {
    RgbImage::from_fn(8, 8, |x, y| {
        let noise =
            |channel: u32| ((x * 31 + y * 17 + seed * 7 + channel * 13).wrapping_mul(2_654_435_761) >> 8) as u8 / 4;
        let mut pixel = [0, 1, 2].map(noise);
        pixel[2 - class] += 150;
        Rgb(pixel)
    })
}

/// So many pictures of each class in `FOLDER/CLASS/N.png`.
pub fn pictures(place: &Place, folder: &str, count: u32, first: u32) {
    for (class, name) in CLASSES.iter().enumerate() {
        fs::create_dir_all(place.path(&format!("{folder}/{name}"))).unwrap();
        for i in first..first + count {
            picture(class, i).save(place.path(&format!("{folder}/{name}/{i:03}.png"))).unwrap();
        }
    }
}

fn train(data: &str, layers: &str, more: &str) -> String {
    format!("train {data} --device cpu --batch 8 --seed 3 --layers '{layers}' {more}")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_network_learns_a_folder_of_pictures() {
    let place = Place::new();
    pictures(&place, "colours", 20, 0);
    place.write("colours/Thumbs.db", "");
    let out = place.done(&train("colours", CONV, "--epochs 6 --out run"));
    assert!(out.contains("colours: 60 rows of 3x8x8, 3 classes") && out.contains("test accuracy 100.00 %"), "{out}");
    let recipe = place.text("run/recipe.toml");
    assert!(recipe.contains("\"conv 4 kernel=3 padding=1\"") && recipe.contains("\"linear 3\""), "{recipe}");
    let eval = place.json("eval run/model.safetensors colours --device cpu").remove(0);
    assert_eq!((number(&eval["accuracy"]), &eval["n"]), (1.0, &60.into()), "{eval}");
    // Pictures of another size, other colours and other bits are brought to those of training.
    let other = image::imageops::resize(&picture(2, 77), 20, 30, image::imageops::FilterType::Triangle);
    other.save(place.path("new.jpg")).unwrap();
    let ran = place.run("predict run/model.safetensors new.jpg colours/green/000.png --device cpu");
    assert!(ran.code == Some(0) && ran.out.contains("red") && ran.out.contains("green"), "{ran:?}");
    assert!(ran.err.contains("20x30 RGB brought to 8x8 RGB"), "{ran:?}");
    let plan = place.done(&format!("plan colours --device cpu --layers '{CONV}'"));
    assert!(plan.contains("conv 4 kernel=3 padding=1") && plan.contains("linear 3"), "{plan}");

    // Resumed, it ends as if it had not stopped.
    place.done(&train("colours", CONV, "--epochs 3 --quiet --out whole"));
    place.done(&train("colours", CONV, "--epochs 2 --quiet --out parts"));
    place.done("train --resume parts --epochs 3 --device cpu --quiet");
    let last = |run: &str| Model::read(&place.path(&format!("{run}/last.safetensors"))).unwrap().tensors;
    assert!(last("parts") == last("whole"));
    // Another picture in a file is other data.
    picture(0, 500).save(place.path("colours/red/000.png")).unwrap();
    place.refused("train --resume parts --epochs 4 --device cpu --quiet", &["parts", "rows"]);
}

/// The known name reads pictures as training does, and the path as prediction does.
#[test]
fn a_test_part_is_kept_apart_and_read_in_both_ways_alike() {
    let place = Place::new();
    pictures(&place, "data/cifar10/train", 10, 0);
    pictures(&place, "data/cifar10/test", 4, 100);
    pictures(&place, "data/cifar10/val", 3, 200);
    let folder = "data/cifar10";
    let out = place.done(&train(folder, CONV, "--steps 3 --out run"));
    assert!(out.contains("split    30 to train, 9 to validate, 12 to test"), "{out}");
    assert!(out.contains("validated on the pictures in data/cifar10/val"), "{out}");
    let out = place.done(&train(folder, CONV, "--validation 0.1 --steps 3 --out other"));
    assert!(out.contains("split    27 to train, 3 to validate, 12 to test"), "{out}");
    assert!(out.contains("data/cifar10/val is not read, as --validation says otherwise"), "{out}");
    let eval = |source: &str| {
        let mut command = place.command(&format!("eval run/model.safetensors {source} --device cpu --json"));
        let ran = command.env("WGRAD_DATA", place.path("data")).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()
    };
    let (predicted, trained) = (eval(folder), eval("cifar10"));
    assert_eq!(predicted["n"], 12);
    assert_eq!(predicted, trained);
    let out = place.done(&format!("eval run/model.safetensors {folder} --device cpu"));
    assert!(out.contains("test part of data/cifar10, 12 rows"), "{out}");
}

/// Five batches of six pictures and one to test.
#[test]
fn the_files_of_cifar_are_trained_on() {
    let place = Place::new();
    let batch: Vec<u8> = (0..6u8).flat_map(|i| [vec![i % 3], vec![40 * (i % 3) + 20; 3072]].concat()).collect();
    let files = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];
    files.iter().for_each(|name| place.write(&format!("set/cifar-10-batches-bin/{name}.bin"), &batch));
    let out = place.done(&train("set", "linear", "--steps 3 --out run"));
    assert!(out.contains("set: 36 rows of 3x32x32, 10 classes"), "{out}");
    let eval = place.json("eval run/model.safetensors set --device cpu").remove(0);
    assert_eq!((&eval["n"], &eval["classes"][1]), (&6.into(), &"automobile".into()), "{eval}");
    place.write("set/cifar-10-batches-bin/data_batch_3.bin", &batch[1..]);
    let names = ["data_batch_3.bin", "18437 bytes", "30730000"];
    place.refused(&train("set", "linear", "--out other"), &names);
    place.refused("train cifar10 --device cpu", &["cifar10", "WGRAD_DATA"]);
}

#[test]
fn networks_by_name_are_trained_resumed_and_used() {
    let place = Place::new();
    pictures(&place, "colours", 8, 0);
    for (data, name, count) in [
        ("digits", "small_cnn", 13),
        ("colours", "small_cnn", 13),
        ("digits", "resnet20", 23),
        ("colours", "resnet8", 11),
    ] {
        let run = format!("{data}-{name}");
        place.done(&train(data, name, &format!("--steps 2 --quiet --out {run}")));
        let model = Model::read(&place.path(&format!("{run}/model.safetensors"))).unwrap();
        let layers = &model.metadata.as_ref().unwrap().layers;
        assert_eq!(layers.len(), count, "{run}: {layers:?}");
        let recipe = place.text(&format!("{run}/recipe.toml"));
        assert!(layers.iter().all(|layer| recipe.contains(&format!("\"{layer}\""))), "{run}: {recipe}");
        place.done(&format!("train --resume {run} --steps 3 --device cpu --quiet"));
        place.done(&format!("eval {run}/model.safetensors {data} --device cpu"));
    }
    place.done("predict colours-resnet8/model.safetensors colours/red/000.png --device cpu");
    let plan = place.done("plan digits --device cpu --layers resnet8");
    assert!(plan.contains("shortcut=pad") && plan.contains("global_avg_pool"), "{plan}");
    // Its second convolution sees images of 4x4 pixels.
    place.refused(&train("digits", "lenet", "--out run"), &["3.conv", "kernel"]);
    // Of a folder of larger ones it makes a network.
    for class in ["a", "b"] {
        fs::create_dir_all(place.path(&format!("large/{class}"))).unwrap();
        for i in 0..8 {
            let image = GrayImage::from_pixel(16, 16, image::Luma([if class == "a" { 10 + i } else { 200 + i }]));
            image.save(place.path(&format!("large/{class}/{i}.png"))).unwrap();
        }
    }
    let out = place.done(&train("large", "lenet", "--steps 2 --out large-run"));
    assert!(out.contains("16 rows of 1x16x16, 2 classes"), "{out}");
}

#[test]
fn folders_that_cannot_be_trained_on_are_refused() {
    let place = Place::new();
    let refused = |folder: &str, names: &[&str]| place.refused(&train(folder, CONV, "--out run"), names);
    refused("nosuch/folder", &["nosuch/folder"]);
    fs::create_dir_all(place.path("empty")).unwrap();
    refused("empty", &["empty", "no data set", "GIF or TIFF"]);
    fs::create_dir_all(place.path("empty/red")).unwrap();
    refused("empty", &["empty", "no data set"]);
    pictures(&place, "colours", 3, 0);
    refused("colours/red", &["colours/red/000.png", "which class", "CLASS"]);
    place.refused("train colours --target red --device cpu --out run", &["colours", "target"]);
    place.write("colours/red/003.png", "no picture");
    refused("colours", &["colours/red/003.png", "could not be decoded"]);
    place.write("colours/green/003.jpg", &place.read("colours/green/000.png")[..50]);
    refused("colours", &["colours/green/003.jpg", "colours/red/003.png"]);
    fs::remove_file(place.path("colours/red/003.png")).unwrap();
    GrayImage::new(9, 8).save(place.path("colours/green/003.jpg")).unwrap();
    let out = place.done(&train("colours", CONV, "--steps 1 --test 0 --validation 0 --out several"));
    assert!(out.contains("pictures have sizes from 8x8 to 9x8") && out.contains("set --crop"), "{out}");
    fs::remove_file(place.path("colours/green/003.jpg")).unwrap();
    fs::remove_dir_all(place.path("colours/blue")).unwrap();
    fs::remove_dir_all(place.path("colours/red")).unwrap();
    refused("colours", &["\"green\"", "two classes"]);
    // Files of both kinds: those of IDX are the set.
    idx_folder(&place, "colours", false);
    let out = place.done(&train("colours", "linear", "--steps 2 --out run"));
    assert!(out.contains("75 rows of 1x4x4"), "{out}");
}

//! Pictures whose paths stand in a column of a table, and arrays of NumPy.

use super::place::Place;
use image::{GrayImage, Luma};
use serde_json::Value;
use std::fs;

/// A table `set/labels.csv` of 40 pictures, dark ones of class a and bright ones of class b, with the number `light`.
fn listed(place: &Place) {
    fs::create_dir_all(place.path("set/p")).unwrap();
    let mut text = "file,kind,light,by\n".to_owned();
    for at in 0..40_u8 {
        let light = if at % 2 == 0 { at } else { 200 + at };
        GrayImage::from_pixel(6, 5, Luma([light])).save(place.path(&format!("set/p/{at}.png"))).unwrap();
        let kind = ["a", "b"][usize::from(at % 2)];
        text += &format!("p/{at}.png,{kind},{}.5,me\n", light);
    }
    place.write("set/labels.csv", text);
}

fn json(place: &Place, line: &str) -> Value {
    let ran = place.run(line);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn pictures_of_a_table_are_trained_on_and_judged() {
    let place = Place::new();
    listed(&place);
    let train = "train set/labels.csv --image file --layers 'linear 4, relu, linear' --device cpu --epochs 30 --lr 0.1";
    let ran = place.run(&format!("{train} --target kind --out run"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!((ran.out + &ran.err).contains("not read, for the features are pictures: light, by"));
    let judged = json(&place, "eval run/model.safetensors set/labels.csv --device cpu --json");
    assert_eq!((judged["n"].as_u64(), judged["accuracy"].as_f64()), (Some(40), Some(1.0)), "{judged}");
    let answer = json(&place, "predict run/model.safetensors set/p/39.png --device cpu --json");
    assert_eq!(answer["class"].as_str(), Some("b"), "{answer}");
    let linear = "train set/labels.csv --image file --layers linear --device cpu --epochs 100 --lr 0.01";
    let ran = place.run(&format!("{linear} --target light --out numbers"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let judged = json(&place, "eval numbers/model.safetensors set/labels.csv --device cpu --json");
    assert!(judged["r2"].as_f64() > Some(0.9), "{judged}");
    fs::remove_file(place.path("set/p/7.png")).unwrap();
    let ran = place.run("eval run/model.safetensors set/labels.csv --device cpu");
    assert!(ran.code == Some(2) && ran.err.contains("line 9, column \"file\""), "{ran:?}");
    let ran = place.run("eval run/model.safetensors set/labels.csv --skip-broken --device cpu --json");
    assert!(ran.out.contains("\"n\":39") && ran.err.contains("1 of 40 pictures cannot be read"), "{ran:?}");
    let ran = place.run(&format!("{train} --target kind --out other"));
    assert!(ran.code == Some(2) && ran.err.contains("line 9, column \"file\""), "{ran:?}");
}

/// A file of NumPy.
fn npy(descr: &str, shape: &str, items: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), items].concat()
}

#[test]
fn arrays_are_trained_on_and_judged() {
    let place = Place::new();
    let light = |at: u8| if at.is_multiple_of(2) { at } else { 200 + at };
    let floats: Vec<u8> = (0..40).flat_map(|at| [light(at), at]).flat_map(|v| f32::from(v).to_le_bytes()).collect();
    let labels: Vec<u8> = (0..40_i64).flat_map(|at| (at % 2 + 3).to_le_bytes()).collect();
    place.write("rows/x.npy", npy("<f4", "(40, 2)", &floats));
    place.write("rows/y.npy", npy("<i8", "(40,)", &labels));
    let pictures: Vec<u8> = (0..40).flat_map(|at| [light(at); 20]).collect();
    place.write("pictures/x_train.npy", npy("|u1", "(40, 4, 5)", &pictures));
    place.write("pictures/y_train.npy", npy("<i8", "(40,)", &labels));
    let shades: Vec<u8> = pictures.iter().flat_map(|&value| (f64::from(value) / 255.0).to_le_bytes()).collect();
    place.write("shades/images.npy", npy("<f8", "(40, 4, 5)", &shades));
    place.write("shades/labels.npy", npy("<i8", "(40,)", &labels));
    for set in ["rows", "pictures", "shades"] {
        let train = "--layers 'linear 4, relu, linear' --device cpu --epochs 30 --lr 0.1";
        let ran = place.run(&format!("train {set} {train} --out {set}-run"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!((ran.out + &ran.err).contains("are rows and targets"), "{set}");
        let judged = json(&place, &format!("eval {set}-run/model.safetensors {set} --device cpu --json"));
        assert_eq!((judged["n"].as_u64(), judged["accuracy"].as_f64()), (Some(40), Some(1.0)), "{set}: {judged}");
        let rows = ["x", "x_train", "images"].map(|name| format!("{set}/{name}.npy"));
        let rows = rows.iter().find(|name| place.path(name).is_file()).unwrap();
        let told = place.json(&format!("predict {set}-run/model.safetensors {rows} --device cpu"));
        assert_eq!((told.len(), told[4]["input"].as_str()), (40, Some(format!("{rows}:5").as_str())), "{set}");
        for (at, told) in told.iter().enumerate() {
            assert_eq!(told["class"], (at % 2 + 3).to_string().as_str(), "{set}: {at}");
        }
    }
    let predict = |rest: &str| format!("predict pictures-run/model.safetensors {rest} --device cpu");
    place.refused(&predict("rows/x.npy"), &["rows/x.npy has rows of 2, the model takes 1x4x5"]);
    place.refused(&predict("pictures/x_train.npy --invert"), &["is an array", "--invert"]);
    place.refused(&predict("pictures/x_train.npy --crops 10"), &["is an array", "--crops"]);
    place.write("bad/x.npy", "no array");
    place.refused(&predict("bad/x.npy"), &["bad/x.npy", "does not begin with a header of NumPy"]);
    place.write("two.csv", "a,b,label\n1,2,u\n3,4,v\n2,3,u\n5,4,v\n1,1,u\n6,4,v\n2,2,u\n6,5,v\n");
    place.done("train two.csv --layers linear --steps 2 --batch 4 --device cpu --quiet --out two");
    place.refused("predict two/model.safetensors rows/x.npy --device cpu", &["takes the columns of a table"]);
    let other = place.run("eval rows-run/model.safetensors pictures --device cpu");
    assert_eq!(other.code, Some(2), "{other:?}");
}

//! Model files and run folders that cannot be used.

use super::place::{LAYERS, Place, idx_folder, table, trained};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// A safetensors file of one tensor, with a text under the key `wgrad` if there is one.
fn safetensors(name: &str, shape: &[usize], description: Option<&str>) -> Vec<u8> {
    let bytes = vec![0; shape.iter().product::<usize>() * 4];
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).unwrap();
    let keys = description.map(|text| HashMap::from([("wgrad".to_owned(), text.to_owned())]));
    safetensors::serialize([(name, view)], keys).unwrap()
}

/// A description of a `linear 2` on one column, with a part replaced.
fn description(from: &str, to: &str) -> String {
    let whole = r#"{"version":1,"layers":["linear 2 bias=false"],"input":[1],"classes":["a","b"],"encoding":[{"name":"x","kind":"number","mean":0.0}],"target":"label","normalize":{"kind":"none","largest":0.0,"offset":0.0,"factor":1.0}}"#;
    assert!(whole.contains(from));
    whole.replace(from, to)
}

#[test]
fn what_is_no_model_is_refused() {
    let place = Place::new();
    place.write("points.csv", table(40));
    let whole = place.read(&trained(&place, "points.csv", "run"));
    let wrong: [(Vec<u8>, &str); 7] = [
        (whole[..whole.len() - 1].to_vec(), "whole safetensors"),
        (whole[..100].to_vec(), "whole safetensors"),
        (vec![], "whole safetensors"),
        (b"just a text, and a long one at that".to_vec(), "whole safetensors"),
        (vec![0xff; 64], "whole safetensors"),
        (safetensors("0.weight", &[2, 1], None), "not written by wgrad"),
        (safetensors("0.weight", &[2, 1], Some("{")), "cannot be used"),
    ];
    for (bytes, name) in wrong {
        place.write("model", bytes);
        place.refused("predict model points.csv --device cpu", &["model", name]);
        place.refused("eval model points.csv --device cpu", &["model", name]);
    }
    place.refused("predict nosuch points.csv --device cpu", &["nosuch", "no such file"]);
    place.refused("predict run points.csv --device cpu", &["run"]);
}

#[test]
fn a_description_that_does_not_hold_together_is_refused() {
    let place = Place::new();
    place.write("points.csv", "x,label\n1,a\n2,b\n");
    place.write("model", safetensors("0.weight", &[2, 1], Some(&description("{", "{"))));
    place.done("predict model points.csv --device cpu");
    for (from, to, names) in [
        ("\"version\":1", "\"version\":2", ["version 2", "reads 1"]),
        ("\"version\":1,", "", ["version", "model"]),
        ("linear 2", "linear 3", ["3 values", "takes 2"]),
        ("linear 2", "liner 2", ["liner", "linear"]),
        ("[\"linear 2 bias=false\"]", "[]", ["at least one layer", "network"]),
        ("\"input\":[1]", "\"input\":[0]", ["input", "[0]"]),
        ("\"input\":[1]", "\"input\":[]", ["input", "[]"]),
        ("\"input\":[1]", "\"input\":[4000000000,4000000000,4000000000]", ["input", "4000000000"]),
        ("\"input\":[1]", "\"input\":[2]", ["encoding", "2 values"]),
        ("\"kind\":\"number\"", "\"kind\":\"imputed\"", ["1 values", "1 values"]),
        ("\"encoding\":[", "\"columns\":[", ["encoding", "model"]),
        ("\"mean\":0.0", "\"mean\":null", ["cannot be used", "model"]),
        ("\"offset\":0.0", "\"offset\":[0.0,1.0]", ["normalisation", "1 values"]),
        ("\"factor\":1.0", "\"factor\":0.0", ["normalisation", "factor of 0"]),
        ("\"classes\":[\"a\",\"b\"]", "\"classes\":[]", ["names 0 classes", "model"]),
        ("\"classes\":[\"a\",\"b\"]", "\"classes\":[\"a\",\"a\"]", ["\"a\" twice", "model"]),
        ("\"version\":1", "\"version\":1,\"loss\":\"mse\"", ["mse", "does not judge"]),
        ("bias=false", "bias=true", ["0.bias", "no tensor"]),
    ] {
        place.write("model", safetensors("0.weight", &[2, 1], Some(&description(from, to))));
        place.refused("predict model points.csv --device cpu", &names);
    }
    // A model of images that says it answers numbers, of which a set of images has none.
    let numbers = description("\"classes\"", "\"answer\":\"numbers\",\"loss\":\"mse\",\"classes\"")
        .replace("{\"name\":\"x\",\"kind\":\"number\",\"mean\":0.0}", "")
        .replace("\"input\":[1]", "\"input\":[64]")
        .replace("\"largest\":0.0", "\"largest\":16.0")
        .replace("\"target\":\"label\"", "\"target\":null");
    place.write("model", safetensors("0.weight", &[2, 64], Some(&numbers)));
    place.refused("eval model digits --device cpu", &["digits", "not of the kind"]);
    // An input that is large, but that kernels can number: no memory is taken for what is not there.
    let column = "{\"name\":\"x\",\"kind\":\"number\",\"mean\":0.0}";
    let large = description("\"input\":[1],", "\"input\":[4000000000],").replace(column, "");
    assert!(large.contains("\"encoding\":[]"));
    place.write("model", safetensors("0.weight", &[2, 1], Some(&large)));
    assert_eq!(place.run("eval model points.csv --device cpu").code, Some(2));
    place.write("model", safetensors("0.weight", &[3, 1], Some(&description("{", "{"))));
    place.refused("predict model points.csv --device cpu", &["0.weight", "[3, 1]", "[2, 1]"]);
}

#[test]
fn weights_to_start_from_must_fit() {
    let place = Place::new();
    let train = "train --layers linear --device cpu --out run --init-from init";
    for (name, shape, names) in [
        ("0.weight", vec![10, 63], ["0.weight is [10, 63]", "[10, 64]"]),
        ("1.weight", vec![10, 64], ["init", "1.weight"]),
    ] {
        place.write("init", safetensors(name, &shape, None));
        place.refused(train, &names);
    }
    place.write("init", safetensors("0.weight", &[10, 64], None));
    place.refused(train, &["0.bias"]);
    place.refused("train --layers linear --device cpu --out run --init-from nosuch", &["nosuch"]);
    place.done("train --layers 'linear bias=false' --device cpu --steps 1 --out run --init-from init");
}

#[test]
fn run_folders_are_never_overwritten() {
    let place = Place::new();
    place.write("full/notes.txt", "mine");
    place.write("file", "mine");
    let train = format!("train --device cpu --steps 2 {LAYERS}");
    place.refused(&format!("{train} --out full"), &["full", "not an empty folder"]);
    place.refused(&format!("{train} --out file"), &["file", "not an empty folder"]);
    place.refused(&format!("{train} --out file/run"), &["file/run", "cannot be made"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    place.done(&format!("{train} --out empty"));
    place.refused(&format!("{train} --out empty"), &["empty", "--resume"]);
    place.write("runs", "a file where the folder of runs would be");
    place.refused(&train, &["runs", "cannot be made"]);
}

#[test]
fn only_whole_run_folders_are_resumed() {
    let place = Place::new();
    place.refused("train --resume nosuch --device cpu", &["nosuch"]);
    idx_folder(&place, "shapes", false);
    trained(&place, "shapes", "run");
    let last = place.read("run/last.safetensors");
    let wrong = [
        (last[..last.len() - 4].to_vec(), "whole safetensors"),
        (place.read("run/model.safetensors"), "no run to go on with"),
        (safetensors("0.weight", &[8, 16], None), "not written by wgrad"),
    ];
    for (bytes, name) in wrong {
        place.write("run/last.safetensors", bytes);
        place.refused("train --resume run --steps 30 --device cpu", &["run/last.safetensors", name]);
    }
    std::fs::remove_file(place.path("run/last.safetensors")).unwrap();
    place.refused("train --resume run --steps 30 --device cpu", &["run/last.safetensors"]);
}

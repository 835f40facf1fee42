//! Published figures run again, on a small set in MNIST's place.

use super::place::{Place, Ran, idx, sentence};
use serde_json::{Value, json};

/// 400 images of 28x28 pixels to train with and 50 to test, whose class is the bright bar, in the place of MNIST.
fn mnist(place: &Place) {
    let pixel = |class: usize, at: usize| if at / 28 / 2 == class { 200 + (at % 50) as u8 } else { 0 };
    for (part, count) in [("train", 400), ("t10k", 50)] {
        let pixels: Vec<u8> = (0..count).flat_map(|row| (0..784).map(move |at| pixel(row % 10, at))).collect();
        let classes: Vec<u8> = (0..count).map(|row| (row % 10) as u8).collect();
        place.write(&format!("sets/mnist/{part}-images-idx3-ubyte"), idx(2051, &[count as u32, 28, 28], &pixels));
        place.write(&format!("sets/mnist/{part}-labels-idx1-ubyte"), idx(2049, &[count as u32], &classes));
    }
}

fn run(place: &Place, line: &str) -> Ran {
    place.command(line).env("WGRAD_DATA", place.path("sets")).output().unwrap().into()
}

fn object(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn the_figures_are_listed_without_data() {
    let place = Place::new();
    let text = place.done("reproduce");
    assert!(text.contains("nielsen_mse") && text.contains("95.42 %"), "{text}");
    let told = place.json("reproduce").remove(0);
    assert_eq!((&told[0]["name"], &told[0]["published"]), (&json!("nielsen_mse"), &json!(0.9542)));
    place.refused("reproduce nielsen_mes", &["\"nielsen_mes\"", "nielsen_mse"]);
    place.refused("reproduce nielsen_mse", &["mnist", "WGRAD_DATA"]);
    place.refused("reproduce mnist_transfer_cnn", &["mnist", "WGRAD_DATA"]);
}

#[test]
fn ours_stands_beside_the_published_figure() {
    let place = Place::new();
    mnist(&place);
    let line = "reproduce nielsen_mse --device cpu";
    let told = object(&run(&place, &format!("{line} --json")));
    let correct = told["accuracy"].as_f64().unwrap() * 50.0;
    assert_eq!((correct.fract(), &told["rows"], &told["run"]), (0.0, &json!(50), &json!("runs/nielsen_mse")));
    let [low, high] = [0, 1].map(|at| told["interval"][at].as_f64().unwrap());
    let verdict = if high < 0.9542 {
        "below"
    } else if low > 0.9542 {
        "above"
    } else {
        "within"
    };
    assert_eq!(told["verdict"], verdict);
    // Once more: nothing is trained, and the figure is the same.
    let again = run(&place, &format!("{line} --quiet"));
    assert!(again.out.contains("published  95.42 %") && again.out.contains("of 50\n"), "{again:?}");
    assert_eq!(object(&run(&place, &format!("{line} --json"))), told);
    let other = run(&place, &format!("{line} --seed 1"));
    assert_eq!(other.code, Some(2));
    sentence(line, &other, &["runs/nielsen_mse", "another --seed", "--out"]);
}

/// What is there stays: nothing is made or changed in a folder that holds something else than this figure's runs.
#[test]
fn a_folder_that_holds_something_else_is_refused() {
    let place = Place::new();
    mnist(&place);
    let refused = |line: &str, names: &[&str]| place.refused(&format!("reproduce {line} --device cpu"), names);
    place.write("notes/todo.txt", "more data");
    for figure in ["nielsen_mse", "nielsen_vote", "mnist_transfer_cnn"] {
        refused(&format!("{figure} --out notes"), &["notes", "is not an empty folder", "--out"]);
        refused(&format!("{figure} --out notes/todo.txt"), &["todo.txt", "is not an empty folder", "--out"]);
    }
    for (figure, part) in
        [("nielsen_vote", "member-3"), ("mnist_transfer_cnn", "before"), ("mnist_transfer_cnn", "after")]
    {
        let out = format!("{figure}-{part}");
        place.write(&format!("{out}/{part}/todo.txt"), "more data");
        refused(&format!("{figure} --out {out}"), &[part, "is not an empty folder", "--out"]);
        place.remove(&format!("{out}/{part}/todo.txt"));
        // A run of another recipe.
        place.write(&format!("{out}/{part}/recipe.toml"), "[train]\nseed = 7\n");
        refused(&format!("{figure} --out {out}"), &[part, "holds a run with another", "--out"]);
    }
    // One of the last files to be written: those before it are not written either.
    let labels = "own/digits-5-9/t10k-labels-idx1-ubyte";
    place.write(labels, "my own");
    let line = "reproduce mnist_transfer_cnn --device cpu --out own";
    let ran = run(&place, line);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    sentence(line, &ran, &[labels, "does not hold these digits", "--out"]);
    assert!(place.text(labels) == "my own" && !place.path("own/digits-0-4").exists());
}

#[test]
fn frozen_layers_of_five_digits_serve_the_other_five() {
    let place = Place::new();
    mnist(&place);
    let line = "reproduce mnist_transfer_cnn --device cpu --out t --json";
    let told = object(&run(&place, line));
    // Once more: both runs are found again.
    assert_eq!(object(&run(&place, line)), told);
    assert_eq!((&told["rows"], &told["run"]), (&json!(25), &json!("t")));
    // The classes of both halves, and features that the second training did not change.
    assert_eq!(place.read("t/digits-0-4/t10k-labels-idx1-ubyte")[8..], [0, 1, 2, 3, 4].repeat(5));
    assert_eq!(place.read("t/digits-5-9/t10k-labels-idx1-ubyte")[8..], [5, 6, 7, 8, 9].repeat(5));
    assert_eq!(place.read("t/digits-5-9/train-images-idx3-ubyte").len(), 16 + 200 * 784);
    let tensor = |run: &str, name: &str| {
        let file = place.read(&format!("t/{run}/model.safetensors"));
        let file = safetensors::SafeTensors::deserialize(&file).unwrap();
        file.tensor(name).unwrap().data().to_vec()
    };
    for name in ["0.weight", "2.weight"] {
        assert!(tensor("before", name) == tensor("after", name), "{name}");
    }
    assert!(tensor("before", "7.weight") != tensor("after", "7.weight"));
}

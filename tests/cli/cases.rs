//! Four runs on MNIST that are made to have one problem each, or none, and what `diagnose` calls it.
//!
//! A person's error is taken as 2 %. `WGRAD_CASE_SEEDS` is how many seeds each case is trained with; it defaults to 1. The settings
//! were chosen with the seeds 0 to 4, so those here begin at 5.

use super::place::Place;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What all four have in common.
const ALL: &str = "train mnist --device cpu --quiet";

/// A network that is large enough, with augmentation and dropout against variance.
const GOOD: &str =
    "--layers 'linear 256, relu, dropout 0.3, linear' --epochs 3 --crop '28 padding=1' --schedule cosine";

/// Each case: the problems that it has, and its flags.
const CASES: [(&[&str], &str, &str); 4] = [
    (&[], GOOD, "--validation 0.2"),
    // Four units carry too little, and few rows are enough to find the few weights.
    (&["bias"], "--layers 'linear 4, relu, linear' --epochs 1", "--validation 0.3"),
    // 1,800 rows are learnt by heart.
    (&["variance"], "--layers 'linear 256, relu, linear' --epochs 8 --weight-decay 0", "--validation 0.97"),
    // The training rows are moved by two pixels to each side.
    (&["mismatch"], GOOD, "--other-source moved --train-dev 0.2"),
];

/// MNIST's training pictures, two pixels further down and to the right.
fn moved(place: &Place, mnist: &Path) {
    let packed = |name: &str| fs::read(mnist.join(format!("{name}-ubyte.gz"))).unwrap();
    let mut pictures = vec![];
    MultiGzDecoder::new(&*packed("train-images-idx3")).read_to_end(&mut pictures).unwrap();
    let (header, pixels) = pictures.split_at(16);
    let (down_and_right, end) = (2 * 28 + 2, pixels.len());
    let moved = [header, &vec![0; down_and_right], &pixels[..end - down_and_right]].concat();
    place.write("moved/train-images-idx3-ubyte", moved);
    for name in ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        place.write(&format!("moved/{name}-ubyte.gz"), packed(name));
    }
}

#[test]
fn the_problem_of_a_run_on_mnist_is_named() {
    let data = std::env::var_os("WGRAD_DATA").map(PathBuf::from);
    let Some(data) = data.filter(|data| data.join("mnist").is_dir()) else {
        eprintln!("NOT TESTED: the four cases need MNIST, so set WGRAD_DATA to the folder that holds mnist");
        return;
    };
    let seeds = std::env::var("WGRAD_CASE_SEEDS").map_or(1, |text| text.parse().expect("WGRAD_CASE_SEEDS is a number"));
    let place = Place::new();
    moved(&place, &data.join("mnist"));
    let ran = |line: &str| {
        let output = place.command(line).env("WGRAD_DATA", &data).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    for (problems, network, rows) in CASES {
        for seed in 5..5 + seeds {
            let run = format!("{}-{seed}", problems.first().unwrap_or(&"none"));
            ran(&format!("{ALL} {network} {rows} --seed {seed} --out {run}"));
            let told = ran(&format!("diagnose {run} --device cpu --human-error 0.02 --json"));
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["problems"], json!(problems), "{run}: {told}");
        }
    }
}

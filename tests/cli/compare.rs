//! Runs side by side.

use super::place::{LAYERS, Place, idx_folder, table};
use serde_json::{Value, json};

const RUN: &str = "--device cpu --batch 16 --epochs 3 --quiet";

fn compare(place: &Place, runs: &str) -> Value {
    place.json(&format!("compare {runs} --device cpu")).remove(0)
}

#[test]
fn runs_on_the_same_rows_are_ranked() {
    let place = Place::new();
    place.write("points.csv", table(600));
    for (name, lr) in [("good", "0.05"), ("same", "0.05"), ("none", "0")] {
        place.done(&format!("train points.csv {RUN} --lr {lr} {LAYERS} --out {name}"));
    }
    let told = compare(&place, "none good same");
    assert_eq!(told["settings"]["lr"], json!([0.0, 0.05, 0.05]));
    assert_eq!(told["settings"].as_object().unwrap().len(), 1, "{}", told["settings"]);
    assert_eq!((&told["best"], &told["not_ranked"]), (&json!(1), &json!([])));
    let runs = told["runs"].as_array().unwrap();
    assert_eq!((&runs[1]["epochs"], runs[1]["curve"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(runs[1]["test"], runs[2]["test"]);
    let right = |run: &Value| (run["test"]["accuracy"].as_f64().unwrap() * 120.0).round();
    let tests = told["comparisons"].as_array().unwrap();
    let [none, same] = &tests[..] else { panic!("two others: {tests:?}") };
    let count = |name: &str| none[name].as_f64().unwrap();
    assert_eq!(count("only_against") - count("only_run"), right(&runs[1]) - right(&runs[0]));
    assert_eq!((&none["place"], &none["against"], &none["method"]), (&json!(0), &json!(1), &json!("mcnemar")));
    assert!(count("p") < 0.01 && (count("p_holm") - 2.0 * count("p")).abs() < 1e-12, "{none}");
    assert_eq!((&same["only_run"], &same["p"]), (&json!(0), &json!(1.0)));
    let text = place.done("compare none good same --device cpu");
    for part in ["lr", "best     good", "better by more than chance than none", "same may be as good", "p (McNemar)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn numbers_are_compared_by_their_errors() {
    let place = Place::new();
    place.write("points.csv", table(400));
    for (name, lr) in [("good", "0.05"), ("none", "0")] {
        place.done(&format!("train points.csv --target x {RUN} --lr {lr} {LAYERS} --out {name}"));
    }
    let told = compare(&place, "none good");
    let test = &told["comparisons"][0];
    let mse = |run: usize| told["runs"][run]["test"]["mse"].as_f64().unwrap();
    assert_eq!((&told["best"], &test["method"]), (&json!(1), &json!("bootstrap")));
    assert!((test["difference"].as_f64().unwrap() / (mse(0) - mse(1)) - 1.0).abs() < 1e-6, "{test}");
    let [low, high] = [0, 1].map(|end| test["interval"][end].as_f64().unwrap());
    assert!(0.0 < low && low < mse(0) - mse(1) && mse(0) - mse(1) < high && test["p"].as_f64().unwrap() < 0.01);
    let [low, high] = [0, 1].map(|end| told["runs"][1]["test"]["rmse_interval"][end].as_f64().unwrap());
    assert!(low < mse(1).sqrt() && mse(1).sqrt() < high);
    assert_eq!(compare(&place, "none good"), told);
}

/// A model with weights of 10³⁸ has outputs beyond float32.
#[test]
fn a_run_without_finite_errors_leaves_the_others_ranked() {
    let place = Place::new();
    place.write("points.csv", table(400));
    for (name, lr) in [("broken", "0.05"), ("good", "0.05"), ("none", "0")] {
        place.done(&format!(
            "train points.csv --target x {RUN} --lr {lr} --layers 'linear 4, relu, linear' --out {name}"
        ));
    }
    let mut model = place.read("broken/model.safetensors");
    let header = u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    model[8 + header..].as_chunks_mut().0.iter_mut().for_each(|bytes| *bytes = 1e38f32.to_le_bytes());
    place.write("broken/model.safetensors", model);
    let told = compare(&place, "broken good none");
    assert_eq!((&told["best"], &told["not_ranked"][0]["place"]), (&json!(1), &json!(0)), "{told}");
    assert!(told["not_ranked"][0]["why"].as_str().unwrap().contains("not finite"), "{told}");
    assert_eq!(
        (&told["comparisons"][0]["place"], told["comparisons"].as_array().unwrap().len()),
        (&json!(2), 1),
        "{told}"
    );
    let text = place.done("compare broken good none --device cpu");
    assert!(text.contains("not ranked: broken: its squared error on the test rows is not finite"), "{text}");
    assert!(text.contains("best     good"), "{text}");
}

#[test]
fn what_is_not_alike_is_not_ranked_and_it_says_why() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    place.write("points.csv", table(200));
    place.write("other.csv", table(200).replace("3.7,5.3", "3.8,5.3"));
    let train = |data: &str, more: &str, out: &str| {
        place.done(&format!("train {data} {RUN} {more} {LAYERS} --out {out}"));
    };
    train("shapes", "", "plain");
    train("shapes", "--seed 1", "seed");
    train("shapes", "--flip 0.5", "flipped");
    train("shapes", "--validation 0.3", "fewer");
    train("points.csv", "", "points");
    train("points.csv", "--normalize none", "raw");
    train("points.csv", "--seed 1", "otherwise");
    train("other.csv", "", "changed");
    let told = compare(&place, "plain flipped seed points fewer");
    let why =
        |at: usize| (told["not_ranked"][at]["place"].as_u64().unwrap(), told["not_ranked"][at]["why"].to_string());
    assert_eq!(told["not_ranked"].as_array().unwrap().len(), 3, "{told}");
    assert!(matches!(why(0), (1, why) if why.contains("other augmentation (flip)")));
    assert!(matches!(why(1), (3, why) if why.contains("another target")));
    assert!(matches!(why(2), (4, why) if why.contains("rows to train on")));
    // The test part is the set's own, so another seed has the same test rows.
    assert_eq!(told["comparisons"].as_array().unwrap().len(), 1);
    let told = compare(&place, "points raw otherwise changed");
    assert_eq!(told["comparisons"].as_array().unwrap().len(), 1, "{told}");
    assert!(told["not_ranked"][0]["why"].to_string().contains("tested on other rows"), "{told}");
    assert_eq!(
        (&told["not_ranked"][1]["place"], told["not_ranked"].as_array().unwrap().len()),
        (&json!(3), 2),
        "{told}"
    );
    // What is gone is told of, and the rest is shown.
    std::fs::remove_file(place.path("other.csv")).unwrap();
    std::fs::remove_file(place.path("raw/last.safetensors")).unwrap();
    let told = compare(&place, "points raw changed");
    assert_eq!((&told["best"], &told["comparisons"]), (&json!(null), &json!([])));
    assert!(told["runs"][2]["why"].as_str().unwrap().contains("other.csv"), "{told}");
    assert!(told["not_ranked"][0]["why"].to_string().contains("last.safetensors"), "{told}");
    place.refused("compare points", &["at least two"]);
    place.refused("compare points nowhere", &["nowhere"]);
    let text = place.done("compare points changed --device cpu");
    assert!(text.contains("not ranked: changed") && !text.contains("best     "), "{text}");
}

//! Several models as one.

use super::place::{LAYERS, Place, idx_folder, table};
use serde_json::{Value, json};
use wgrad::Model;
use wgrad::export::Values;

/// A network of one layer that answers every row of `table.csv` with these two outputs, in `NAME/model.safetensors`.
fn constant(place: &Place, name: &str, logits: [f32; 2]) -> String {
    linear(place, name, vec![0.0; 4], logits)
}

/// A network of one layer with these weights and biases for the two columns of `table.csv`, in `NAME/model.safetensors`.
fn linear(place: &Place, name: &str, weight: Vec<f32>, bias: [f32; 2]) -> String {
    let seed = "--split-seed 1 --layers linear --loss cross_entropy --quiet";
    place.done(&format!("train table.csv --device cpu --batch 16 --steps 2 {seed} --out {name}"));
    let file = format!("{name}/model.safetensors");
    let mut model = Model::read(&place.path(&file)).unwrap();
    model.tensors.insert("0.weight".into(), Values::Floats(vec![2, 2], weight));
    model.tensors.insert("0.bias".into(), Values::Floats(vec![2], bias.into()));
    model.save(place.path(&file)).unwrap();
    file
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn near(found: &Value, wanted: f64) -> bool {
    (found.as_f64().unwrap() - wanted).abs() < 1e-6
}

/// Softmax of 10, 0 and of 0, 1: their mean, or that of 5, 1/2. The second stands in the file with its classes turned round.
#[test]
fn averages_are_those_by_hand_and_classes_are_matched_by_name() {
    let place = Place::new();
    place.write("table.csv", table(40));
    let (a, b) = (constant(&place, "a", [10.0, 0.0]), constant(&place, "b", [1.0, 0.0]));
    let mut turned = Model::read(&place.path(&b)).unwrap();
    turned.metadata.as_mut().unwrap().classes.reverse();
    turned.save(place.path(&b)).unwrap();
    for (average, wanted) in [("probabilities", 0.634_448), ("logits", 0.989_013)] {
        let told =
            place.json(&format!("ensemble {a} {b} --average {average} --data table.csv --out {average}.safetensors"));
        let answers = place.json(&format!("predict {average}.safetensors table.csv --device cpu"));
        assert_eq!(answers.len(), 40);
        let first = numbers(&answers[0]["probabilities"]);
        assert!((first[0] - wanted).abs() < 1e-5 && (first[0] + first[1] - 1.0).abs() < 1e-9, "{first:?}");
        assert_eq!(
            (&told[0]["average"], &told[0]["k"], &answers[0]["class"]),
            (&json!(average), &json!(2), &json!("over"))
        );
        // The rows of a class have one squared error: twice the squared distance of its probability from 1.
        let over = table(40).lines().filter(|line| line.ends_with("over")).count() as f64 / 40.0;
        let squared = |p: f64| 2.0 * (over * (1.0 - p).powi(2) + (1.0 - over) * p.powi(2));
        let sure = 1.0 / (1.0 + (-10f64).exp());
        assert!(near(&told[0]["members"][0]["squared_error"], squared(sure)), "{told:?}");
        assert!(near(&told[0]["squared_error"], squared(wanted)), "{told:?}");
        assert!(near(&told[0]["predicted"], squared(0.634_448)), "{told:?}");
        assert!(near(&told[0]["error"], 1.0 - over), "{told:?}");
    }
}

/// Gives a model the temperature of a calibration.
fn calibrated(place: &Place, file: &str, temperature: f64) {
    let mut model = Model::read(&place.path(file)).unwrap();
    let found = json!({"rows": 20, "temperature": temperature, "scores": [[0.1, 0.5]]});
    model.metadata.as_mut().unwrap().calibrated = Some(serde_json::from_value(found).unwrap());
    model.save(place.path(file)).unwrap();
}

/// Each member's outputs are divided by its own temperature before they are averaged: 10, 0 by 4 are 5/2, 0, and 0, 3 by 1/2
/// are 0, 6. That changes no member's answer; the mean's is that of the calibrated members, here the other one.
#[test]
fn members_answer_by_their_own_temperatures() {
    let place = Place::new();
    place.write("table.csv", table(40));
    let (a, b) = (constant(&place, "a", [10.0, 0.0]), constant(&place, "b", [0.0, 3.0]));
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let first = |file: &str| {
        let answer = place.json(&format!("predict {file} table.csv --device cpu")).remove(0);
        let probabilities = numbers(&answer["probabilities"]);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{probabilities:?}");
        (answer["class"].as_str().unwrap().to_owned(), probabilities[0])
    };
    // Outputs are float32, of which one part in 10⁷ is lost.
    let holds = |file: &str, class: &str, wanted: f64| {
        let (said, p) = first(file);
        assert!(said == class && (p - wanted).abs() < 1e-6, "{file}: {said} {p}, and not {class} {wanted}");
    };
    holds(&a, "over", sigmoid(10.0));
    holds(&b, "under", sigmoid(-3.0));
    let ensemble = |average: &str, out: &str| {
        place.done(&format!("ensemble {a} {b} --average {average} --data table.csv --out {out}"));
    };
    ensemble("probabilities", "plain.safetensors");
    holds("plain.safetensors", "over", f64::midpoint(sigmoid(10.0), sigmoid(-3.0)));
    calibrated(&place, &a, 4.0);
    calibrated(&place, &b, 0.5);
    holds(&a, "over", sigmoid(2.5));
    holds(&b, "under", sigmoid(-6.0));
    ensemble("probabilities", "mean.safetensors");
    holds("mean.safetensors", "under", f64::midpoint(sigmoid(2.5), sigmoid(-6.0)));
    ensemble("logits", "logits.safetensors");
    holds("logits.safetensors", "under", sigmoid(f64::midpoint(2.5, -6.0)));
    // The file keeps both temperatures.
    place.done("export mean.safetensors --out exported.safetensors");
    holds("exported.safetensors", "under", f64::midpoint(sigmoid(2.5), sigmoid(-6.0)));
}

/// `eval` of the file is that of the means of what the members predict, and the measured error is the predicted one.
#[test]
fn an_ensemble_answers_the_mean_of_its_members() {
    let place = Place::new();
    idx_folder(&place, "images", false);
    let mut models = vec![];
    for seed in 1..=3 {
        let steps = "--device cpu --batch 16 --steps 4 --split-seed 1 --quiet";
        place.done(&format!("train images {LAYERS} {steps} --seed {seed} --out run{seed}"));
        models.push(format!("run{seed}/model.safetensors"));
    }
    let all = models.join(" ");
    let told = place.json(&format!("ensemble {all} --out all.safetensors")).remove(0);
    let images = "images/t10k-images-idx3-ubyte --device cpu";
    let answers: Vec<Vec<Value>> =
        models.iter().map(|model| place.json(&format!("predict {model} {images}"))).collect();
    let together = place.json(&format!("predict all.safetensors {images}"));
    let mut right = 0;
    for (row, answer) in together.iter().enumerate() {
        let each: Vec<Vec<f64>> = answers.iter().map(|of| numbers(&of[row]["probabilities"])).collect();
        let mean: Vec<f64> = (0..3).map(|j| each.iter().map(|of| of[j]).sum::<f64>() / 3.0).collect();
        let found = numbers(&answer["probabilities"]);
        assert!(mean.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-6), "{mean:?} {found:?}");
        right += usize::from((0..3).all(|class| mean[class] <= mean[row % 3]));
    }
    let judged = place.json("eval all.safetensors images --device cpu").remove(0);
    assert!(near(&judged["accuracy"], right as f64 / 15.0), "{right}: {judged}");
    assert!(near(&told["error"], 1.0 - right as f64 / 15.0) && told["data"] == "test part of images", "{told}");
    assert!(near(&told["predicted"], told["squared_error"].as_f64().unwrap()), "{told}");
    let [v, c] = ["error_variance", "error_covariance"].map(|name| told[name].as_f64().unwrap());
    assert!(near(&told["predicted"], v / 3.0 + 2.0 * c / 3.0) && c < v, "{told}");
    // Members of an ensemble count singly, and what is exported answers alike.
    let told =
        place.json(&format!("ensemble all.safetensors {} --data images --out more.safetensors", models[0])).remove(0);
    assert_eq!((told["members"].as_array().unwrap().len(), &told["k"]), (4, &json!(4)), "{told}");
    place.done("export all.safetensors --out exported.safetensors");
    assert_eq!(place.json(&format!("predict exported.safetensors {images}")), together);
}

/// Of a hundred rows every fourth is `under`, also of those that validate and of those that test.
#[test]
fn greedy_selection_takes_the_members_that_answer_right() {
    let place = Place::new();
    let row = |i: usize| if i.is_multiple_of(4) { format!("-1,{i},under\n") } else { format!("1,{i},over\n") };
    place.write("table.csv", std::iter::once("x,y,label\n".to_owned()).chain((0..100).map(row)).collect::<String>());
    let greedy = |models: [&str; 2], out: &str| {
        let models = models.join(" ");
        let told = place.json(&format!("ensemble {models} --greedy --out {out}.safetensors")).remove(0);
        let counts = told["members"].as_array().unwrap().iter();
        let counts = counts.map(|one| (one["model"].as_str().unwrap().to_owned(), one["count"].as_u64().unwrap()));
        (counts.collect::<Vec<_>>(), told["k"].as_u64().unwrap(), told["error"].as_f64().unwrap())
    };
    // One answers each row right, by the sign of x, and the other each alike: wrong three times in four.
    let right = linear(&place, "right", vec![10.0, 0.0, 0.0, 0.0], [0.0, 0.0]);
    let wrong = constant(&place, "wrong", [0.0, 10.0]);
    for (models, out) in [([&*wrong, &*right], "second"), ([&*right, &*wrong], "first")] {
        assert_eq!(greedy(models, out), (vec![(right.clone(), 1)], 1, 0.0));
        let inputs = "table.csv --device cpu";
        let answers =
            [&right, &format!("{out}.safetensors")].map(|model| place.json(&format!("predict {model} {inputs}")));
        assert_eq!(answers[0], answers[1]);
    }
    // Where all rows have one answer, the loss is least with the share of `over` as its probability: 3/4. Of members that say
    // 4/5 and 1/5 that is the mean of eleven and one, which no other numbers of up to twenty have.
    let four = 4f32.ln();
    let (most, least) = (constant(&place, "most", [four, 0.0]), constant(&place, "least", [0.0, four]));
    assert_eq!(greedy([&least, &most], "both"), (vec![(least, 1), (most, 11)], 12, 0.25));
    let first = place.json("predict both.safetensors table.csv --device cpu").remove(0);
    assert!(near(&first["probabilities"][0], 0.75), "{first}");
}

#[test]
fn what_makes_no_ensemble_is_refused() {
    let place = Place::new();
    place.write("table.csv", table(40));
    place.write("other.csv", table(40).replace("over", "above"));
    place.write("no.safetensors", "nothing");
    let train = format!("--device cpu --batch 16 --steps 2 {LAYERS} --quiet");
    for (data, name, seed) in [("table.csv", "a", 1), ("other.csv", "b", 1), ("table.csv", "c", 2)] {
        place.done(&format!("train {data} {train} --seed {seed} --out {name}"));
    }
    let [a, b, c] = ["a", "b", "c"].map(|name| format!("{name}/model.safetensors"));
    let ran = place.run("ensemble --out x.safetensors");
    assert!(ran.code == Some(2) && ran.err.contains("<MODEL>"), "{ran:?}");
    place.refused(&format!("ensemble {a} --out x.safetensors"), &["at least two members"]);
    place.refused(&format!("ensemble {a} no.safetensors --out x.safetensors"), &["no.safetensors"]);
    place.refused(&format!("ensemble {a} {b} --out x.safetensors"), &[b.as_str(), "\"above\"", "the first does not"]);
    place.refused(&format!("ensemble {a} {c} --out x.safetensors"), &["hold out different rows", "--split-seed"]);
    place.refused(&format!("ensemble {a} {c} --out {a}"), &["is there", "--out"]);
    place.done(&format!("export {c} --out c.safetensors"));
    place.refused(
        &format!("ensemble {a} c.safetensors --greedy --out x.safetensors"),
        &["--greedy", "c.safetensors is no run's"],
    );
    let text = place.done(&format!("ensemble {a} c.safetensors --out x.safetensors"));
    assert!(text.contains("not judged: give rows with --data"), "{text}");
    place.refused("export x.safetensors --names torchvision --out y.safetensors", &["x.safetensors", "several models"]);
    place.refused("train table.csv --init-from x.safetensors", &["x.safetensors", "an ensemble of several models"]);
}

/// A copy under another name, or of another run under the run's own name, has perhaps learnt the rows that the run held out.
#[test]
fn the_rows_of_a_run_judge_its_own_models_alone() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let train = "train table.csv --device cpu --batch 16 --steps 2 --layers linear --loss cross_entropy --quiet";
    for seed in [1, 2] {
        place.done(&format!("{train} --split-seed {seed} --out run{seed}"));
    }
    place.done("export run1/model.safetensors --out run2/one.safetensors");
    let [copy, own] = ["run2/one.safetensors", "run2/model.safetensors"];
    for both in [format!("{copy} {own}"), format!("{own} {copy}")] {
        place.refused(&format!("ensemble {both} --greedy --out x.safetensors"), &["--greedy", copy]);
        let text = place.done(&format!("ensemble {both} --out all.safetensors"));
        assert!(text.contains("not judged: give rows with --data"), "{text}");
        place.remove("all.safetensors");
    }
    // The state and the best model of one run are its own.
    let told = place.json(&format!("ensemble run2/last.safetensors {own} --out all.safetensors")).remove(0);
    assert_eq!(told["data"], "test part of table.csv");
    place.write("run2/model.safetensors", place.read("run1/model.safetensors"));
    let both = format!("run2/last.safetensors {own}");
    place.refused(&format!("ensemble {both} --out x.safetensors"), &[own, "last.safetensors", "--data"]);
    place.done(&format!("ensemble {both} --data table.csv --out x.safetensors"));
}

/// Members may take the same rows in different ways: standardised, and as they are.
#[test]
fn runs_hold_out_the_same_rows_under_any_normalisation() {
    let place = Place::new();
    place.write("table.csv", table(60));
    // The same targets in the same places, of other rows.
    let other = table(60).replace("9.", "19.");
    assert!(other != table(60), "the rows are others");
    place.write("other.csv", other);
    let train = "--device cpu --batch 16 --steps 20 --layers linear --loss cross_entropy --split-seed 1 --quiet";
    for (name, data) in [("a", "table.csv"), ("b", "table.csv --normalize none"), ("c", "other.csv")] {
        place.done(&format!("train {data} {train} --out {name}"));
    }
    let [a, b, c] = ["a", "b", "c"].map(|name| format!("{name}/model.safetensors"));
    let told = place.json(&format!("ensemble {a} {b} --out all.safetensors")).remove(0);
    // Each is judged as it is judged alone.
    for (member, run) in told["members"].as_array().unwrap().iter().zip(["a", "b"]) {
        let alone = place.json(&format!("train --resume {run} --device cpu --quiet")).remove(0);
        assert!(near(&member["loss"], alone["test"]["loss"].as_f64().unwrap()), "{member}, {alone}");
    }
    for other in [a, b] {
        place.refused(
            &format!("ensemble {other} {c} --out x.safetensors"),
            &["hold out different rows", "--split-seed"],
        );
    }
}

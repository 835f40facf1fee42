//! Networks that are trained as the members of one model.

use super::place::{LAYERS, Place, rows, sentence, table};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wgrad::Recipe;
use wgrad::data::bootstrap;
use wgrad::train::prepare;

fn near(found: &Value, wanted: f64) -> bool {
    (found.as_f64().unwrap() - wanted).abs() < 1e-6
}

/// A field of each run of a bag.
fn of_runs(told: &Value, field: &str) -> Vec<Value> {
    told["runs"].as_array().unwrap().iter().map(|run| run[field].clone()).collect()
}

/// One after the other on one thread or side by side on two, the same seed gives the same bits; each run folder is whole.
#[test]
fn a_bag_has_the_same_bits_for_any_number_of_threads() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = format!("bag table.csv --k 3 --device cpu --batch 16 --steps 20 {LAYERS}");
    let ran = |threads: &str, out: &str| {
        let mut command = place.command(&format!("{line} --json --out {out}"));
        let ran = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()
    };
    let (one, two) = (ran("1", "one"), ran("2", "two"));
    for file in
        ["ensemble.safetensors", "member-1/model.safetensors", "member-3/steps.csv", "member-3/last.safetensors"]
    {
        assert!(place.read(&format!("one/{file}")) == place.read(&format!("two/{file}")), "{file}");
    }
    assert_eq!((&one["squared_error"], &one["out_of_bag"]), (&two["squared_error"], &two["out_of_bag"]));
    assert!(near(&one["predicted"], one["squared_error"].as_f64().unwrap()), "{one}");
    assert_eq!((of_runs(&one, "seed"), one["k"].clone()), (vec![json!(0), json!(1), json!(2)], json!(3)));
    // A member alone, as train makes it, is the same.
    let recipe = place.text("one/member-3/recipe.toml");
    assert!(recipe.contains("bootstrap = true") && recipe.contains("split_seed = 0"), "{recipe}");
    place.done("train --recipe one/member-3/recipe.toml --device cpu --quiet --out alone");
    assert!(place.read("alone/model.safetensors") == place.read("one/member-3/model.safetensors"));
    assert_eq!(place.json("eval one/ensemble.safetensors table.csv --device cpu")[0]["n"], json!(60));
}

/// The samples are drawn again, and each training row is answered by the files of the members that have not drawn it.
#[test]
fn the_out_of_bag_error_is_that_of_the_members_that_have_not_seen_the_row() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let told = place.json(&format!("bag table.csv --k 3 --device cpu --batch 16 --steps 20 {LAYERS} --out bag"));
    let recipe = Recipe::open(&place.path("bag/member-1/recipe.toml")).unwrap();
    let (job, _) = prepare(&Recipe { bootstrap: None, ..recipe }, None).unwrap();
    let train = &job.split.train;
    let bags: Vec<Vec<u32>> = (0..3).map(|seed| bootstrap(train, seed)).collect();
    let answers: Vec<Vec<Value>> = (1..=3)
        .map(|member| place.json(&format!("predict bag/member-{member}/model.safetensors table.csv --device cpu")))
        .collect();
    let (labels, names) = job.dataset.targets.classes().unwrap();
    let (mut n, mut wrong, mut squared) = (0, 0, 0.0);
    for &row in train {
        let out: Vec<&Value> = (0..3)
            .filter(|&of| !bags[of].contains(&row))
            .map(|of| &answers[of][row as usize]["probabilities"])
            .collect();
        if out.is_empty() {
            continue;
        }
        let right = labels[row as usize] as usize;
        assert_eq!(names[right], rows(60)[row as usize][2]);
        let [first, second] =
            [0, 1].map(|class| out.iter().map(|of| of[class].as_f64().unwrap()).sum::<f64>() / out.len() as f64);
        n += 1;
        wrong += usize::from((second > first) != (right == 1));
        squared += [first, second].iter().enumerate().map(|(at, p)| (p - f64::from(at == right)).powi(2)).sum::<f64>();
    }
    // Some rows are in all samples, and some answers are wrong, or the numbers would say nothing.
    assert!((20..train.len()).contains(&n) && (1..n).contains(&wrong), "{n} of {}, {wrong} wrong", train.len());
    let bag = &told[0]["out_of_bag"];
    assert_eq!(bag["n"], json!(n));
    // Of shares with the same numerator and denominator.
    assert!((bag["error"].as_f64().unwrap() - wrong as f64 / n as f64).abs() < 1e-12, "{wrong} of {n}: {bag}");
    assert!(near(&bag["squared_error"], squared / n as f64), "{squared} of {n}: {bag}");
}

#[test]
fn members_vary_as_asked() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = "bag table.csv --k 3 --device cpu --batch 16 --steps 4 --hidden 8,4";
    let differs = |vary: &str, out: &str| {
        let told = place.json(&format!("{line} --vary {vary} --out {out}")).remove(0);
        assert_eq!(told["out_of_bag"], json!(null));
        of_runs(&told, "differs")
    };
    assert_eq!(differs("seed", "seed"), ["seed 0", "seed 1", "seed 2"]);
    assert_eq!(differs("init", "init"), ["init he", "init xavier", "init glorot"]);
    assert_eq!(differs("init --init small", "own"), ["init small", "init he", "init xavier"]);
    assert_eq!(differs("optimizer", "optimizer")[0], "optimizer adamw");
    let layers = |first: usize, second: usize| format!("linear {first}, relu, linear {second}, relu, linear 2");
    assert_eq!(differs("layers", "layers"), [layers(8, 4), layers(4, 2), layers(16, 8)]);
    place.refused(&format!("{line} --vary loss --out loss"), &["the only loss", "--vary"]);
    place.refused(&format!("{line} --bootstrap=false"), &["--bootstrap", "--vary"]);
    let ran = place.run("bag table.csv --k 1");
    assert!(ran.code == Some(2) && ran.err.contains("--k"), "{ran:?}");
    place.refused(&format!("{line} --out seed"), &["seed", "--out"]);
    // Rates at which nothing can be trained.
    let ran = place.run(&format!("{line} --vary seed --lr 1e30 --quiet --out far"));
    assert!(ran.code == Some(1) && ran.err.contains("member 2, seed 1, failed and is left out"), "{ran:?}");
    assert!(ran.err.ends_with("error: 0 of 3 members could be trained, and an ensemble has at least two\n"), "{ran:?}");
    sentence("far", &place.run("bag nowhere.csv"), &["nowhere.csv"]);
}

/// A bag that chooses has the members that `ensemble --greedy` takes of the same runs, as often.
#[test]
fn a_bag_chooses_as_an_ensemble_does() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = "bag table.csv --k 3 --device cpu --batch 16 --steps 4 --hidden 8,4 --vary seed --greedy";
    let text = place.done(&format!("{line} --out said"));
    for told in ["member 1, seed 0: best epoch", "member 2, seed 1: best epoch", "member 3, seed 2: best epoch"] {
        assert!(text.contains(told), "{text}");
    }
    let bag = place.json(&format!("{line} --out bag")).remove(0);
    let all = [1, 2, 3].map(|member| format!("bag/member-{member}/model.safetensors"));
    let chosen = place.json(&format!("ensemble {} --greedy --out chosen.safetensors", all.join(" "))).remove(0);
    for field in ["members", "k", "error", "squared_error", "predicted"] {
        assert_eq!(bag[field], chosen[field], "{field}");
    }
    let counts: Vec<&Value> = chosen["members"].as_array().unwrap().iter().map(|member| &member["count"]).collect();
    assert_ne!(counts, [1, 1, 1], "a choice that takes all once is none");
    let answers = ["bag/ensemble", "chosen"]
        .map(|model| place.json(&format!("predict {model}.safetensors table.csv --device cpu")));
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn members_that_would_be_alike_are_refused_or_told() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = "bag table.csv --device cpu --batch 16 --steps 2 --quiet";
    let own = "--layers 'linear 8 init=he, relu, linear init=xavier'";
    place.refused(&format!("{line} {own} --vary init --out x"), &["--vary init", "init= of its own"]);
    place.refused(&format!("{line} --layers linear --vary layers --out x"), &["--vary layers", "hidden linear layer"]);
    place.refused(
        &format!("{line} --layers 'residual(linear 2), linear' --vary layers --out x"),
        &["--vary layers", "hidden linear layer"],
    );
    // The network is as wide as its rows, where these two draw alike.
    let square = "--layers 'linear 2, tanh, linear' --loss cross_entropy";
    let drawn = place.json(&format!("{line} {square} --k 3 --vary init --out square")).remove(0);
    assert_eq!(of_runs(&drawn, "differs"), ["init he", "init xavier", "init he_uniform"]);
    // Three times ½, ¾ and 3/2 are 2, 2 and 5.
    let ran = place.run(&format!("{line} --hidden 3 --k 5 --vary layers --json --out narrow"));
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let layers = |width: usize| format!("linear {width}, relu, linear 2");
    let wanted = [layers(3), layers(2), layers(6), layers(5), format!("{}, seed 1", layers(3))];
    assert_eq!(of_runs(&told, "differs"), wanted);
    assert_eq!(of_runs(&told, "seed"), [0, 0, 0, 0, 1]);
    assert!(ran.err.contains("note: --vary layers makes 4 different members here: from member 5 on"), "{}", ran.err);
}

#[test]
fn members_of_other_widths_can_all_be_trained() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = "bag table.csv --device cpu --batch 16 --steps 2 --quiet --k 5 --vary layers";
    for (layers, out) in [
        ("linear 30, maxout 2, linear", "maxout"),
        ("linear 8, residual(linear 6; relu; linear 8), relu, linear", "block"),
        ("residual(linear 6; relu; linear 2), linear 5, relu, linear 1, sigmoid", "first"),
    ] {
        let told = place.json(&format!("{line} --layers '{layers}' --out {out}")).remove(0);
        let differs: BTreeSet<String> = of_runs(&told, "differs").iter().map(ToString::to_string).collect();
        assert_eq!((differs.len(), &told["k"]), (5, &json!(5)), "{differs:?}");
    }
}

/// No member is trained before the settings of all are found to go together.
#[test]
fn every_member_is_checked_before_the_first_is_trained() {
    let place = Place::new();
    place.write("table.csv", table(60));
    let line = "bag table.csv --device cpu --batch 16 --steps 2 --hidden 4 --k 3 --out x";
    let sgd = "--optimizer sgd --momentum 0.9 --vary optimizer";
    place.refused(&format!("{line} {sgd}"), &["member 2, optimizer ", "momentum"]);
}

/// What a member warns of is what `wgrad train` of its recipe warns of.
#[test]
fn warnings_of_members_are_told() {
    let place = Place::new();
    let layers = "--layers 'linear 32, relu, linear 32, relu, linear'";
    let line = format!("bag digits --k 2 --device cpu --vary seed {layers} --optimizer sgd --lr 3 --epochs 1");
    let ran = place.run(&format!("{line} --json --out bag"));
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    for (number, warnings) in of_runs(&told, "health_warnings").iter().enumerate() {
        let member = number + 1;
        let recipe = format!("--recipe bag/member-{member}/recipe.toml --device cpu");
        let alone = place.json(&format!("train {recipe} --out alone-{member}")).pop().unwrap();
        assert_eq!(*warnings, alone["health_warnings"]);
        assert_eq!((&warnings[0]["layer"], &warnings[0]["cause"]), (&json!("1.relu"), &json!("dead")), "{warnings}");
        assert!(ran.err.contains(&format!("member {member}: warning: layer 1 `relu`: ")), "{}", ran.err);
    }
}

//! Rare classes under balanced class weights.

use super::place::Place;
use std::path::Path;

fn case(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)).unwrap()
}

/// Of 4,000 rows, 5 % ones. Scikit-learn's balanced logistic regression finds 0.71 of them.
#[test]
fn a_rare_class_is_found() {
    let place = Place::new();
    place.write("imb.csv", case("imb.csv"));
    let train = "train imb.csv --device cpu --quiet --class-weights balanced --lr 0.02 --epochs 40 --layers \
                 'linear 32, relu, linear'";
    let (mut recall, mut balanced) = (0.0, 0.0);
    for seed in 0..5 {
        let lines = place.json(&format!("{train} --seed {seed} --out run-{seed}"));
        let test = &lines[lines.len() - 1]["test"];
        recall += test["recall"][1].as_f64().unwrap() / 5.0;
        balanced += test["balanced_accuracy"].as_f64().unwrap() / 5.0;
    }
    assert!(recall >= 0.65 && balanced >= 0.71, "recall {recall}, balanced accuracy {balanced}");
}

/// With few rows of a class the default recipe is a simple one, and holds none of them out; it says so.
#[test]
fn the_default_recipe_follows_from_the_rows_of_the_rarest_class() {
    let place = Place::new();
    let row =
        |i: usize| format!("{},{},{}\n", i * 37 % 101, i * 53 % 97, if i.is_multiple_of(40) { "yes" } else { "no" });
    place.write("rare.csv", std::iter::once("a,b,rare\n".to_owned()).chain((0..400).map(row)).collect::<String>());
    let out = place.done("train rare.csv --device cpu --class-weights balanced --steps 2 --out few");
    assert!(out.contains("(8 rows of the rarest)") && out.contains("320 to train, 0 to validate"), "{out}");
    let recipe = place.text("few/recipe.toml");
    assert!(recipe.contains("layers = [\"linear 2\"]") && recipe.contains("validation = 0.0"), "{recipe}");
    place.done("train rare.csv --device cpu --steps 2 --out plain");
    assert!(place.text("plain/recipe.toml").contains("linear 128"));
}

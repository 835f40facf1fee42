//! Gradients of a user's own network.

use super::place::{Place, table};

#[test]
fn gradients_of_a_network_are_checked_tensor_by_tensor() {
    let place = Place::new();
    let layers = "--layers 'linear 8, batch_norm, tanh, dropout 0.2, linear'";
    let told = place.json(&format!("gradcheck digits {layers} --rows 8"));
    let names: Vec<&str> = told.iter().map(|line| line["tensor"].as_str().unwrap()).collect();
    assert_eq!(names, ["0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"]);
    for line in &told {
        let [error, bound] = ["error", "bound"].map(|name| line[name].as_f64().unwrap());
        assert!(line["ok"] == true && error <= bound && bound < 0.01, "{line}");
    }
    // Many units of a layer pass a kink when its weights move by little.
    let layers = "--layers 'conv 4 kernel=3 padding=1, relu, max_pool 2, conv 4 kernel=3, relu, flatten, linear'";
    for line in place.json(&format!("gradcheck digits {layers} --rows 8 --seed 3")) {
        assert!(line["ok"] == true && line["bound"].as_f64().unwrap() < 0.1, "{line}");
    }
    place.write("table.csv", table(60));
    let text = place.done("gradcheck table.csv --target x --layers 'linear 6, relu, linear' --rows 8");
    for part in ["0.weight", "gradient's norm", "all 4 gradients agree", "kept in float32", "can hide"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_has_no_gradient_or_too_few_rows_is_refused() {
    let place = Place::new();
    place.refused("gradcheck digits --rows 1", &["--rows", "from 2 to 256"]);
    place.refused("gradcheck digits --weight-decay 0.1", &["--weight-decay", "no effect here"]);
    place.refused("gradcheck digits --layers 'flatten, linear' --freeze 0..2 --json", &["frozen"]);
}

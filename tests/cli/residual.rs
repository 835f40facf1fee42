//! Residual blocks on the command line: trained, resumed, evaluated, exported, and refused.

use super::place::Place;
use wgrad::export::Model;

const BLOCK: &str =
    "residual(linear 8 lr=0.05 max_norm=0.5; batch_norm statistics=population; relu; dropout 0.1; linear 8)";

#[test]
fn a_network_with_blocks_is_trained_and_used() {
    let place = Place::new();
    let flags = format!("--device cpu --batch 100 --seed 2 --quiet --layers 'linear 8, {BLOCK}, linear'");
    place.done(&format!("train digits {flags} --epochs 2 --out run"));
    assert!(place.text("run/recipe.toml").contains(&format!("\"{BLOCK}\",")), "{}", place.text("run/recipe.toml"));
    let model = Model::read(&place.path("run/model.safetensors")).unwrap();
    assert_eq!(model.metadata.as_ref().unwrap().layers[1], BLOCK);
    // A unit's weights are held to their norm by the block's own setting.
    let rows = model.floats("1.body.0.weight", &[8, 8]).unwrap().chunks(8);
    assert!(rows.map(|row| row.iter().map(|w| w * w).sum::<f32>().sqrt()).all(|norm| norm <= 0.5001));
    let eval = place.json("eval run/model.safetensors digits --device cpu");
    let right = eval[0]["accuracy"].as_f64().unwrap();
    assert!(right > 0.5, "{eval:?}");
    // Resumed, it ends as if it had not stopped.
    place.done(&format!("train digits {flags} --epochs 3 --out whole"));
    place.done("train --resume run --epochs 3 --device cpu --quiet");
    let last = |run: &str| Model::read(&place.path(&format!("{run}/last.safetensors"))).unwrap().tensors;
    assert!(last("run") == last("whole"));
    // Its weights start another run, and its batch norm folds away.
    place.done(&format!("train digits {flags} --epochs 1 --init-from run/model.safetensors --out more"));
    let told = place.done("export run/model.safetensors --fold --out folded.safetensors");
    assert!(told.contains("1.body.1.batch_norm"), "{told}");
    let folded = place.json("eval folded.safetensors digits --device cpu");
    let whole = place.json("eval run/model.safetensors digits --device cpu");
    let loss = |of: &[serde_json::Value]| of[0]["loss"].as_f64().unwrap();
    // Roundings of weights, in a mean over all rows.
    assert!((loss(&folded) - loss(&whole)).abs() < 1e-5 * loss(&whole), "{folded:?} {whole:?}");
    let plan = place.done("plan digits --device cpu --layers 'linear 8, residual(linear 8; relu; linear 8), linear'");
    assert!(plan.contains("1  residual(linear 8; relu; linear 8)") && plan.contains("144"), "{plan}");
}

#[test]
fn a_recipe_takes_blocks_as_items_and_as_one_text() {
    let place = Place::new();
    let head = "[data]\nsource = \"digits\"\n[train]\nepochs = 1\n[model]\n";
    place.write("list.toml", format!("{head}layers = [\"linear 8\", \"residual(linear 8; relu)\", \"linear\"]\n"));
    place.write("text.toml", format!("{head}layers = \"linear 8, residual(Linear(8, bias=true); relu), linear\"\n"));
    for name in ["list", "text"] {
        place.done(&format!("train --recipe {name}.toml --device cpu --quiet --out {name}"));
    }
    let tensors = |name: &str| Model::read(&place.path(&format!("{name}/model.safetensors"))).unwrap().tensors;
    assert!(tensors("list") == tensors("text"));
    place.write("wrong.toml", format!("{head}layers = [\"linear 8\", \"residual(linear 8; rleu)\", \"linear\"]\n"));
    let names = ["wrong.toml", "line 6", "layer 1", "body.1", "mean relu?"];
    place.refused("train --recipe wrong.toml --device cpu --out run", &names);
}

#[test]
fn what_is_no_block_is_refused_in_a_sentence_with_its_place() {
    let place = Place::new();
    for (layers, names) in [
        ("linear 8, residual(linear 8; relu, linear", &["layer 1", "a ( without its )"][..]),
        ("linear 8, residual(linear 8; relu)), linear", &["layer 1", "a ) without its ("]),
        ("linear 8, residual(), linear", &["layer 1", "no layers", "residual(linear 64; relu; linear 64)"]),
        ("linear 8, residual, linear", &["layer 1", "no layers"]),
        ("linear 8, residual(relu;;relu), linear", &["layer 1", "body.1", "the text is empty"]),
        ("linear 8, residual(relu, linear 8), linear", &["layer 1", "body.0", "separated by `;`"]),
        ("linear 8, relu(linear 8; relu), linear", &["layer 1", "only residual has layers inside, not relu"]),
        ("linear 8, residual(linear 8; linear 9), linear", &["layer 1.residual", "give 9 values a row and take 8"]),
        ("linear 8, residual(linear 8; rleu), linear", &["layer 1", "body.1", "\"rleu\"", "mean relu?"]),
        ("linear 8, residual(linear 8) shortcut=wide, linear", &["layer 1", "shortcut cannot be"]),
        (
            "linear 8, residual(linear 8; residual(linear)), linear",
            &["layer 1.body.1.body.0.linear", "only the last linear"],
        ),
        ("linear 8, residual(linear 8 lr=1e-60), linear", &["layer 1.body.0", "lr"]),
        ("residual(linear 64; linear), linear", &["layer 0.body.1.linear", "only the last linear"]),
    ] {
        place.refused(&format!("train digits --device cpu --out run --layers '{layers}'"), names);
    }
}

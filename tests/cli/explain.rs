//! Where a network sees a class.

use super::images::{picture, pictures};
use super::place::{Place, table, trained};
use serde_json::Value;

const POOLED: &str = "conv 4 kernel=3 padding=1, batch_norm, relu, global_avg_pool, dropout 0.2, linear";

/// A model of the three colours in `NAME/model.safetensors`.
fn model(place: &Place, layers: &str, name: &str) -> String {
    let settings = "--device cpu --batch 8 --steps 4 --quiet";
    place.done(&format!("train colours {settings} --layers '{layers}' --out {name}"));
    format!("{name}/model.safetensors")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Holds that the map's mean and the bias make the logit, and gives the size of the map: height and width.
fn held(told: &Value) -> [usize; 2] {
    let rows: Vec<Vec<f64>> = serde_json::from_value(told["map"].clone()).unwrap();
    let mean = rows.concat().iter().sum::<f64>() / rows.concat().len() as f64;
    let [bias, logit] = ["bias", "logit"].map(|field| number(&told[field]));
    assert!((mean + bias - logit).abs() < 1e-4 * logit.abs(), "{told}");
    [rows.len(), rows[0].len()]
}

#[test]
fn a_map_is_drawn_over_a_picture() {
    let place = Place::new();
    pictures(&place, "colours", 8, 0);
    let large = image::imageops::resize(&picture(2, 77), 20, 30, image::imageops::FilterType::Triangle);
    large.save(place.path("new.png")).unwrap();
    let model = model(&place, POOLED, "run");
    let explain = format!("explain {model} --device cpu");
    let told = place.json(&format!("{explain} new.png")).remove(0);
    let predicted = place.json(&format!("predict {model} new.png --device cpu")).remove(0);
    assert_eq!((held(&told), &told["class"], &told["out"]), ([8, 8], &predicted["class"], &"new-cam.png".into()));
    let all: Vec<f64> = serde_json::from_value(predicted["probabilities"].clone()).unwrap();
    assert!((number(&told["probability"]) - all.iter().copied().fold(0.0, f64::max)).abs() < 1e-5, "{told}");
    let [x, y]: [u32; 2] = serde_json::from_value(told["peak"].clone()).unwrap();
    assert!(x < 20 && y < 30 && told["where"].is_string(), "{told}");
    let drawn = image::open(place.path("new-cam.png")).unwrap().to_rgb8();
    assert!(drawn.dimensions() == (20, 30) && drawn != large);

    let out = place.done(&format!("{explain} new.png --class green --out green.png"));
    assert!(out.contains("new.png: green ") && out.contains("most at pixel ") && out.contains("green.png"), "{out}");
    let out = place.done(&format!("{explain} colours/red/000.png colours/red/001.png --invert"));
    assert!(out.lines().count() == 3 && place.path("001-cam.png").is_file(), "{out}");
    // A network of blocks, by name.
    let blocks = self::model(&place, "resnet8", "blocks");
    let told = place.json(&format!("explain {blocks} new.png --device cpu --out blocks.png")).remove(0);
    assert_eq!(held(&told), [2, 2]);
}

#[test]
fn what_has_no_map_is_refused() {
    let place = Place::new();
    pictures(&place, "colours", 8, 0);
    picture(1, 5).save(place.path("new.png")).unwrap();
    let [flat, pooled] =
        [("flatten, linear", "flat"), (POOLED, "run")].map(|(layers, name)| model(&place, layers, name));
    let refused = |model: &str, words: &str, names: &[&str]| {
        place.refused(&format!("explain {model} {words} --device cpu"), names);
    };
    refused(&flat, "new.png", &["flat/model.safetensors", "global_avg_pool", "--layers resnet8"]);
    refused(&pooled, "new.png --class gren", &["\"gren\"", "green"]);
    refused(&pooled, "nosuch.png", &["nosuch.png"]);
    refused(&pooled, "new.png --out new.png", &["new.png", "not overwritten"]);
    refused(&pooled, "new.png --out map.jpg", &["map.jpg", ".png"]);
    refused(&pooled, "new.png colours/red/000.png --out map.png", &["--out", "2 pictures"]);
    refused(&pooled, "colours/red/000.png colours/blue/000.png", &["red/000.png", "blue/000.png", "000-cam.png"]);
    place.write("points.csv", table(40));
    refused(&pooled, "points.csv", &["points.csv", "table"]);
    let points = trained(&place, "points.csv", "points");
    refused(&points, "new.png", &["points/model.safetensors", "rows of a table"]);
}

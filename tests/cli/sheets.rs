//! Sheets of pictures, and the rows behind the numbers of an evaluation.

use super::images::pictures;
use super::place::{Place, idx_folder, images, table, trained};
use serde_json::Value;
use std::fs;

fn size(place: &Place, name: &str) -> (u32, u32) {
    image::image_dimensions(place.path(name)).unwrap()
}

fn falls(rows: &Value, field: &str) -> bool {
    let numbers: Vec<f64> = rows.as_array().unwrap().iter().map(|row| row[field].as_f64().unwrap()).collect();
    numbers.is_sorted_by(|a, b| a >= b)
}

#[test]
fn a_cell_lists_as_many_rows_as_the_matrix_counts() {
    let place = Place::new();
    let model = trained(&place, "digits", "run");
    let eval = format!("eval {model} digits --device cpu");
    let matrix: Vec<Vec<usize>> = serde_json::from_value(place.json(&eval).remove(0)["confusion"].clone()).unwrap();
    let cells = || (0..100).map(|i| (i / 10, i % 10));
    let most = cells().filter(|(truth, said)| truth != said).max_by_key(|&(truth, said)| matrix[truth][said]).unwrap();
    let none = cells().find(|&(truth, said)| matrix[truth][said] == 0).unwrap();
    assert!(matrix[most.0][most.1] > 0, "{matrix:?}");
    for (truth, said) in [(0, 0), most, none] {
        let told = place.json(&format!("{eval} --cell {truth},{said}")).remove(0);
        let rows = &told["cell"]["rows"];
        assert_eq!(rows.as_array().unwrap().len(), matrix[truth][said], "{truth},{said}");
        assert!(falls(rows, "probability"), "{told}");
        assert_eq!(told["cell"]["true"], format!("{truth}"));
    }
    let out = place.done(&format!("{eval} --cell {},{}", most.0, most.1));
    let lines = out.lines().filter(|line| line.starts_with("row ") && line.contains('%')).count();
    assert_eq!(lines, matrix[most.0][most.1], "{out}");

    let wrong = cells().filter(|(truth, said)| truth != said).map(|(truth, said)| matrix[truth][said]).sum::<usize>();
    let told = place.json(&format!("{eval} --worst worst.png")).remove(0);
    let rows = &told["worst"]["rows"];
    assert_eq!(rows.as_array().unwrap().len(), wrong.min(64));
    assert!(falls(rows, "loss") && rows[0]["true"] != rows[0]["predicted"], "{told}");
    let [columns, lines] = [wrong.min(8), wrong.min(64).div_ceil(8)].map(|count| count as u32);
    assert_eq!(size(&place, "worst.png"), (2 + 66 * columns, 2 + 66 * lines));
    place.refused(&format!("{eval} --worst worst.png"), &["worst.png", "not overwritten"]);
    place.refused(&format!("{eval} --cell 3"), &["--cell", "TRUE,PREDICTED"]);
    place.refused(&format!("{eval} --cell 3,x"), &["\"x\"", "class names"]);
}

/// The classes of the folders are not those of the pictures in them.
#[test]
fn rows_of_a_folder_are_named_by_their_paths() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    let model = trained(&place, "shapes", "run");
    let (pixels, labels) = images(15);
    for (i, (picture, label)) in pixels.chunks(16).zip(&labels).enumerate() {
        let folder = place.path(&format!("files/{}", (label + 1) % 3));
        fs::create_dir_all(&folder).unwrap();
        image::GrayImage::from_raw(4, 4, picture.to_vec()).unwrap().save(folder.join(format!("{i}.png"))).unwrap();
    }
    let told = place.json(&format!("eval {model} files --device cpu --worst worst.png")).remove(0);
    let first = &told["worst"]["rows"][0];
    let path = first["path"].as_str().unwrap().replace('\\', "/");
    assert!(path.starts_with(&format!("files/{}/", first["true"].as_str().unwrap())), "{told}");
    assert!(place.path(&path).is_file() && place.path("worst.png").is_file(), "{told}");
    let cell = [&first["true"], &first["predicted"]].map(|name| name.as_str().unwrap()).join(",");
    let out = place.done(&format!("eval {model} files --device cpu --cell {cell} --worst again.png"));
    assert!(out.replace('\\', "/").contains(&path) && out.contains("again.png"), "{out}");
    assert!(place.read("worst.png") == place.read("again.png"));
}

#[test]
fn rows_of_a_table_are_listed_and_not_drawn() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let model = trained(&place, "points.csv", "run");
    let eval = format!("eval {model} points.csv --device cpu");
    let told = place.json(&format!("{eval} --cell over,under")).remove(0);
    let count = told["confusion"][0][1].as_u64().unwrap() as usize;
    assert_eq!(told["cell"]["rows"].as_array().unwrap().len(), count, "{told}");
    place.refused(&format!("{eval} --worst worst.png"), &["points.csv", "no pictures", "--cell"]);
    place.refused(&format!("{eval} --cell over,undr"), &["\"undr\"", "under"]);
    place.done("train points.csv --target y --ignore label --device cpu --steps 5 --layers linear --quiet --out line");
    let line = "eval line/model.safetensors points.csv --device cpu --cell a,b";
    place.refused(line, &["line/model.safetensors", "--cell", "leave it out"]);
}

#[test]
fn augmented_pictures_are_drawn_epoch_by_epoch() {
    let place = Place::new();
    let augment = "--flip alternate --crop '8 padding=1' --brightness 0.3";
    let out = place.done(&format!("data preview digits {augment} --rows 3 --epochs 4 --out sheet.png"));
    assert!(out.contains("3 pictures of digits") && out.contains("epochs 1 to 4"), "{out}");
    assert_eq!(size(&place, "sheet.png"), (2 + 66 * 5, 2 + 66 * 3));
    let ran = place.run("data preview digits --rows 2 --epochs 1 --out plain.png");
    assert!(ran.code == Some(0) && ran.err.contains("as they are: --flip"), "{ran:?}");
    let plain = image::open(place.path("plain.png")).unwrap().to_rgb8();
    assert_eq!(plain.dimensions(), (2 + 66 * 2, 2 + 66 * 2));
    assert!((0..132).all(|y| (0..66).all(|x| plain.get_pixel(x, y) == plain.get_pixel(x + 66, y))));
    pictures(&place, "colours", 4, 0);
    // More lines than pictures to train on.
    place.done("data preview colours --flip 0.5 --rows 20 --epochs 2 --out colours.png");
    let (width, height) = size(&place, "colours.png");
    assert!(width == 2 + 66 * 3 && height < 2 + 66 * 12, "{width}x{height}");

    let refused = |line: &str, names: &[&str]| place.refused(&format!("data preview {line}"), names);
    refused("digits --flip 0.5 --out sheet.png", &["sheet.png", "not overwritten"]);
    refused("digits --out sheet.bmp", &["sheet.bmp", ".png"]);
    refused("digits --rows 0 --out new.png", &["--rows", "1 to 64"]);
    refused("digits --epochs 65 --out new.png", &["--epochs", "1 to 64"]);
    refused("digits --flp 0.5 --out new.png", &["--flp", "--flip"]);
    place.write("points.csv", table(40));
    refused("points.csv --out new.png", &["points.csv", "no pictures"]);
}

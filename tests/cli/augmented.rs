//! Augmented runs that are gone on with, and several looks at one picture.

use super::place::{Place, idx_folder, trained};
use serde_json::Value;

const AUGMENT: &str = "--flip 0.5 --crop '8 padding=1 mode=reflect' --brightness 0.3 --contrast 0.3";
const DENSE: &str = "--layers 'linear 16, relu, linear'";
const RUN: &str = "--device cpu --batch 64 --schedule constant --lr 0.05 --seed 5 --quiet";

/// Stopped within an epoch and behind one, and gone on with: what is drawn depends on the epoch and the row alone.
#[test]
fn an_augmented_run_ends_alike_however_often_it_is_resumed() {
    let place = Place::new();
    place.done(&format!("train {AUGMENT} {DENSE} {RUN} --epochs 3 --out whole"));
    let per_epoch = (place.text("whole/steps.csv").lines().count() - 1) / 3;
    assert!(per_epoch > 12, "{per_epoch}");
    place.done(&format!("train {AUGMENT} {DENSE} {RUN} --steps 7 --out run"));
    place.done(&format!("train --resume run --steps {} --device cpu --quiet", 2 * per_epoch));
    place.done(&format!("train --resume run --steps {} --device cpu --quiet", 3 * per_epoch));
    for file in ["last.safetensors", "model.safetensors", "steps.csv"] {
        assert!(place.read(&format!("run/{file}")) == place.read(&format!("whole/{file}")), "{file} differs");
    }
    place.done(&format!("train {DENSE} {RUN} --epochs 3 --out plain"));
    assert_ne!(place.text("plain/steps.csv"), place.text("whole/steps.csv"));
}

/// A grey picture.
#[derive(Clone)]
struct Grey {
    width: usize,
    rows: Vec<Vec<f64>>,
}

impl Grey {
    /// Of 12x16 pixels, no two lines alike.
    fn new(seed: usize) -> Self {
        let pixel = |y: usize, x: usize| ((y * 29 + x * 13 + x * y * 5 + seed * 71) % 251) as f64;
        Self { width: 16, rows: (0..12).map(|y| (0..16).map(|x| pixel(y, x)).collect()).collect() }
    }

    fn turned(&self) -> Self {
        let rows = (0..self.width).map(|x| self.rows.iter().map(|row| row[x]).collect()).collect();
        Self { width: self.rows.len(), rows }
    }

    /// Each row brought to a width, rounded to whole numbers: Pillow's bilinear filter, a triangle as wide as the larger
    /// of two old and two new pixels.
    fn wide(&self, width: usize) -> Self {
        let scale = self.width as f64 / width as f64;
        let reach = scale.max(1.0);
        let weights = |x: usize| -> Vec<f64> {
            let centre = (x as f64 + 0.5) * scale;
            (0..self.width).map(|at| (1.0 - ((at as f64 + 0.5 - centre) / reach).abs()).max(0.0)).collect()
        };
        let of_row = |row: &Vec<f64>| {
            let mean = |w: Vec<f64>| w.iter().zip(row).map(|(w, p)| w * p).sum::<f64>() / w.iter().sum::<f64>();
            (0..width).map(|x| mean(weights(x)).round()).collect()
        };
        Self { width, rows: self.rows.iter().map(of_row).collect() }
    }

    /// Brought to a shorter side: rows first, then columns.
    fn brought(&self, short: usize) -> Self {
        self.wide(self.width * short / self.rows.len()).turned().wide(short).turned()
    }

    fn save(&self, place: &Place, name: &str) {
        let bytes = self.rows.iter().flatten().map(|p| *p as u8).collect();
        let [width, height] = [self.width, self.rows.len()].map(|side| side as u32);
        let path = place.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_raw(width, height, bytes).unwrap().save(path).unwrap();
    }

    /// The middle and the four corners of 4x4 pixels, each also mirrored.
    fn ten(&self) -> Vec<Self> {
        let [down, right] = [self.rows.len() - 4, self.width - 4];
        let middle = |room: usize| (room as f64 / 2.0).round_ties_even() as usize;
        let cut = |[top, left]: [usize; 2]| {
            let rows: Vec<Vec<f64>> = self.rows[top..top + 4].iter().map(|row| row[left..left + 4].to_vec()).collect();
            let mirrored = rows.iter().map(|row| row.iter().rev().copied().collect()).collect();
            [Self { width: 4, rows }, Self { width: 4, rows: mirrored }]
        };
        [[middle(down), middle(right)], [0, 0], [0, right], [down, 0], [down, right]]
            .into_iter()
            .flat_map(cut)
            .collect()
    }
}

/// A network of pictures of 6x6 pixels learns larger ones from their middles, as if they were cut by hand.
#[test]
fn kept_features_of_larger_pictures_are_those_of_their_middle() {
    let place = Place::new();
    for (class, seed) in (0..24).map(|seed| (["a", "b"][seed % 2], seed)) {
        let picture = Grey::new(seed);
        picture.save(&place, &format!("large/{class}/{seed}.png"));
        let rows = picture.rows[3..9].iter().map(|row| row[5..11].to_vec()).collect();
        Grey { width: 6, rows }.save(&place, &format!("cut/{class}/{seed}.png"));
    }
    let layers = "--layers 'conv 4 kernel=3, relu, flatten, linear'";
    let run = "--device cpu --batch 8 --epochs 3 --lr 0.05 --seed 5";
    place.done(&format!("train cut {layers} {run} --quiet --out trunk"));
    let kept = format!("--init-from trunk/model.safetensors --new-head --freeze 0..3 --cache-features {run}");
    place.done(&format!("train cut {kept} --quiet --out by-hand"));
    let said = place.done(&format!("train large {kept} --crop 6 --scale 12 --out middles"));
    assert!(said.contains("its middle"), "{said}");
    assert_eq!(place.text("middles/steps.csv"), place.text("by-hand/steps.csv"));
    // The model that is made says how pictures come to it, and serves in its turn.
    let again = kept.replace("trunk/", "middles/");
    place.done(&format!("train large {again} --quiet --out again"));
    for drawn in ["--flip 0.5", "--crop '6 padding=1' --scale 12", "--crop 6 --scale 12..14", "--brightness 0.1"] {
        let line = format!("train large {again} {layers} {drawn} --quiet --out none");
        place.refused(&line, &["--cache-features", "pictures that are drawn anew"]);
    }
}

fn probabilities(told: &Value) -> Vec<f64> {
    serde_json::from_value(told["probabilities"].clone()).unwrap()
}

/// Thirty single views of a picture, cut and resized here, predicted one by one and averaged by hand.
#[test]
fn ten_crops_at_three_scales_are_the_mean_of_thirty_single_views() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    let model = trained(&place, "shapes", "run");
    let mut log = 0.0;
    for (seed, class) in ["0", "1", "2"].into_iter().enumerate() {
        let picture = Grey::new(seed);
        picture.save(&place, &format!("files/{class}/a.png"));
        let views: Vec<Grey> = [12, 6, 24].into_iter().flat_map(|short| picture.brought(short).ten()).collect();
        assert_eq!(views.len(), 30);
        let names: Vec<String> = (0..views.len()).map(|i| format!("views/{seed}-{i}.png")).collect();
        views.iter().zip(&names).for_each(|(view, name)| view.save(&place, name));
        let single = place.json(&format!("predict {model} {} --device cpu", names.join(" ")));
        let each: Vec<Vec<f64>> = single.iter().map(probabilities).collect();
        let mean: Vec<f64> = (0..3).map(|j| each.iter().map(|p| p[j]).sum::<f64>() / 30.0).collect();
        let apart = each.iter().flat_map(|p| p.iter().zip(&mean).map(|(p, m)| (p - m).abs())).fold(0.0, f64::max);
        assert!(apart > 0.02, "the views hardly differ: {apart}");
        let line = format!("predict {model} files/{class}/a.png --crops 10 --scales 12,6,24 --device cpu");
        let told = probabilities(&place.json(&line)[0]);
        // The means become logits in float32, with a rounding of a few units of their last place.
        told.iter().zip(&mean).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{told:?}, by hand {mean:?}"));
        log -= mean[seed].ln();
    }
    let told = place.json(&format!("eval {model} files --crops 10 --scales 12,6,24 --device cpu")).remove(0);
    let loss = told["loss"].as_f64().unwrap();
    assert!(told["n"] == 3 && (loss - log / 3.0).abs() < 1e-5, "{told}, by hand {}", log / 3.0);
}

//! What a model file and a table of predictions hold, which are passed on.

use super::place::{Place, table, trained};
use wgrad::export::Model;

/// Under masks the table of predictions has their mean and spread too.
#[test]
fn predictions_under_masks_are_written() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let model = trained(&place, "points.csv", "run");
    place.done(&format!("predict {model} points.csv --samples 5 --device cpu --out out.csv"));
    let text = place.text("out.csv");
    let header = text.lines().next().unwrap();
    let names = "probability_over,probability_under,sampled_mean_over,sampled_mean_under,sampled_deviation_over,\
                 sampled_deviation_under";
    assert!(header.ends_with(names), "{header}");
    let answers = place.json(&format!("predict {model} points.csv --samples 5 --device cpu"));
    for (line, answer) in text.lines().skip(1).zip(&answers) {
        let fields: Vec<f64> = line.split(',').skip(6).map(|field| field.parse().unwrap()).collect();
        let numbers = |what: &str| -> Vec<f64> {
            answer["sampled"][what].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
        };
        assert_eq!(fields, [numbers("mean"), numbers("deviation")].concat());
    }
    // A file that is there stays.
    let names = ["out.csv", "is there", "--out"];
    place.refused(&format!("predict {model} points.csv --device cpu --out out.csv"), &names);
    place.write("numbers.csv", "x,y\n1,2.5\n2,3.5\n3,4.5\n4,6\n5,7\n");
    let layers = "--layers 'linear 4, dropout 0.5, linear'";
    place.done(&format!("train numbers.csv --device cpu --steps 2 {layers} --quiet --out numbers"));
    place.done("predict numbers/model.safetensors numbers.csv --samples 3 --device cpu --out n.csv");
    let text = place.text("n.csv");
    assert!(text.starts_with("x,y,prediction,sampled_mean,sampled_deviation\n"), "{text}");
}

#[test]
fn an_exported_model_is_no_run() {
    let place = Place::new();
    place.write("points.csv", table(60));
    trained(&place, "points.csv", "run");
    place.done("export run/last.safetensors --out out.safetensors");
    let metadata = Model::read(&place.path("out.safetensors")).unwrap().metadata.unwrap();
    assert!(metadata.progress.is_none() && metadata.fingerprint.is_none() && metadata.best.is_none(), "{metadata:?}");
    place.done("export run/model.safetensors --out best.safetensors");
    let metadata = Model::read(&place.path("best.safetensors")).unwrap().metadata.unwrap();
    assert!(metadata.best.is_none(), "{:?}", metadata.best);
}

//! What initial weights do to a user's own network.

use super::place::Place;

#[test]
fn every_kind_of_initial_weights_is_shown_and_one_recommended() {
    let place = Place::new();
    let deep = "--layers 'linear 40, tanh, linear 40, tanh, linear 40, tanh, linear 40, tanh, linear'";
    let line = format!("init-lab digits {deep} --rows 64 --device cpu --normalize standardize");
    let told = place.json(&format!("{line} --out lab.svg"));
    let names: Vec<&str> = told.iter().map(|line| line["init"].as_str().unwrap()).collect();
    assert_eq!(names, ["he", "xavier", "glorot", "small", "large"]);
    let best: Vec<&str> =
        told.iter().filter(|line| line["recommended"] == true).map(|l| l["init"].as_str().unwrap()).collect();
    assert!(best.len() == 1 && ["he", "xavier", "glorot"].contains(&best[0]), "{best:?}");
    let spread = |at: usize| told[at]["spread"].as_f64().unwrap();
    assert!(spread(3) > 100.0 * spread(1), "{} {}", spread(3), spread(1));
    assert!(told[4]["layers"][7]["saturated"].as_f64().unwrap() > 0.3, "{}", told[4]);
    assert_eq!(told[0]["layers"].as_array().unwrap().len(), 9);
    let drawing = place.text("lab.svg");
    assert!(drawing.matches("<path ").count() == 20 && drawing.contains(">7.tanh</text>"), "{drawing}");
    let text = place.done(&line);
    for part in ["init small: loss", "saturated", "next     --init ", "1 is the best", "gradient's mean"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let with_own = place.json(&format!("{line} --init normal:0.1"));
    assert_eq!(with_own[5]["init"], "normal:0.1");
    // Of one layer every kind has a spread of 1; large weights begin with answers that are sure and wrong.
    let one = place.json("init-lab digits --layers linear --rows 64 --device cpu");
    let bad: Vec<&str> =
        one.iter().filter(|line| line["bad_start"] == true).map(|line| line["init"].as_str().unwrap()).collect();
    assert!(bad == ["large"] && one.iter().all(|line| line["spread"] == 1.0), "{one:?}");
    place.refused("init-lab digits --optimizer sgd", &["--optimizer", "no effect here"]);
    place.refused("init-lab digits --rows 64 --device cpu --out lab.svg", &["lab.svg", "is there", "--out"]);
    place.refused("init-lab digits --rows 1 --device cpu", &["--rows"]);
}

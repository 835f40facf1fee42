//! Which error to work on next.

use super::place::Place;
use serde_json::json;

#[test]
fn gaps_are_told_with_the_next_step() {
    let place = Place::new();
    let line = "diagnose --human-error 0 --train-error 0.1 --train-dev-error 0.11 --validation-error 0.2";
    let told = place.json(line).remove(0);
    assert_eq!((&told["problems"], &told["avoidable_bias"]), (&json!(["bias", "mismatch"]), &json!(0.1)));
    assert_eq!((&told["validation_overfit"], &told["test_error"]), (&json!(null), &json!(null)));
    let text = place.done(line);
    for part in ["bias", "0.0 %", "10.0 %", "10.0  problem", "next     bias: take a larger network (--layers)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("not known, as an error is missing: validation_overfit"), "{text}");
    let text = place.done("diagnose --train-error 0.1 --validation-error 0.11");
    assert!(text.contains("no known gap reaches 2.0 points"), "{text}");
    let text = place.done("diagnose --train-error 0.1 --validation-error 0.11 --threshold 0.01");
    assert!(text.contains("next     variance: bring more training data"), "{text}");
}

#[test]
fn what_is_no_share_or_makes_no_gap_is_refused() {
    let place = Place::new();
    for wrong in ["5", "-0.1", "nan", "inf", "5%"] {
        let ran = place.run(&format!("diagnose --train-error={wrong} --validation-error 0.2"));
        assert!(ran.code == Some(2) && ran.err.contains("give a share from 0 to 1"), "{wrong}: {}", ran.err);
    }
    place.refused("diagnose", &["--train-error", "--validation-error"]);
    place.refused("diagnose --train-error 0.1 --test-error 0.3", &["--validation-error"]);
    place.refused("diagnose --train-error 0.1 --validation-error 0.3 --threshold 0", &["--threshold"]);
}

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn numbers(texts: &[&str]) -> (Vec<Field>, Notation) {
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    let reading = Reading::of(&texts, &vec![1; texts.len()], &["?!".to_owned()]);
    (reading.fields, reading.notation)
}

fn values(texts: &[&str]) -> Vec<f64> {
    let value = |field: &Field| if let Field::Number(number) = field { *number } else { f64::NAN };
    numbers(texts).0.iter().map(value).collect()
}

#[test]
fn amounts_are_numbers() {
    assert_eq!(values(&["1,000.50", "12", "-1,234,567", "0.5"]), [1000.5, 12.0, -1_234_567.0, 0.5]);
    assert_eq!(values(&["$1,000.50", "-$5", "$-5", "($7.25)", "$ 8"]), [1000.5, -5.0, -5.0, -7.25, 8.0]);
    assert_eq!(values(&["5 €", "1.000,50 €", "-2,5 €"]), [5.0, 1000.5, -2.5]);
    assert_eq!(values(&["12%", "0.5 %", "-3%"]), [12.0, 0.5, -3.0]);
    assert_eq!(values(&["1 000", "12 345,5"]), [1000.0, 12345.5]);
    assert_eq!(values(&["12,34,567", "1'000", "\u{2212}5"]), [1_234_567.0, 1000.0, -5.0]);
    assert_eq!(numbers(&["$1,000", "$5"]).1, Notation { groups: true, sign: "$".into(), ..Notation::default() });
    assert_eq!(numbers(&["1,5", "2,25"]).1, Notation { decimal_comma: true, ..Notation::default() });
    assert_eq!(numbers(&["1", "1e-3", ".5", "5."]).1, Notation::default());
}

#[test]
fn what_is_no_amount_is_a_text() {
    for text in
        ["1,00", "1,0000", "1.2.3", "12-05", "$", "%", "a5", "5a", "$5%", "1,000,00", "()", ",", "1 00", "5 kg", "0x10"]
    {
        assert_eq!(numbers(&[text, "1.5"]).0[0], Field::Other, "{text:?}");
    }
    // Amounts in two currencies are no numbers to compare.
    assert_eq!(numbers(&["$5", "€5", "7"]).0, [Field::Other, Field::Other, Field::Number(7.0)]);
    for text in ["", "NA", "?", "n/a", "NaN", "-nan", "null", "None", "-", "--", "#N/A", "?!"] {
        assert_eq!(numbers(&[text]).0, [Field::Missing], "{text:?}");
    }
    for text in ["inf", "-Infinity", "1e39", "1e400"] {
        assert_eq!(numbers(&[text]).0, [Field::TooLarge], "{text:?}");
    }
}

#[test]
fn the_decimal_mark_is_what_makes_most_fields_numbers() {
    assert_eq!(values(&["1.234", "2.500"]), [1.234, 2.5]);
    assert_eq!(values(&["1,234", "2,500"]), [1234.0, 2500.0]);
    assert_eq!(values(&["1,234", "2,5"]), [1.234, 2.5]);
    assert_eq!(values(&["1.234,5", "2.500"]), [1234.5, 2500.0]);
}

#[test]
fn a_known_notation_takes_nothing_else() {
    let plain = Notation::default();
    assert_eq!((plain.number("1.5"), plain.number("1,000"), plain.number("5%")), (Some(1.5), None, None));
    let money = Notation { groups: true, sign: "$".into(), missing_words: vec!["free".into()], ..plain };
    assert_eq!((money.number("$1,000"), money.number("7"), money.number("7 €")), (Some(1000.0), Some(7.0), None));
    assert!(money.is_missing("free") && money.is_missing("NA") && !money.is_missing("gift"));
    let comma = Notation { decimal_comma: true, ..Notation::default() };
    assert_eq!((comma.number("1,5"), comma.number("1.5")), (Some(1.5), None));
}

#[test]
fn whole_numbers_that_float64_rounds_are_known() {
    let rounded = |text: &str| is_rounded(text, text.parse().unwrap());
    assert!(rounded("9007199254740993") && rounded("-123456789012345678901"));
    assert!(!rounded("9007199254740992") && !rounded("1e300") && !rounded("12345678901234567890.5") && !rounded("5"));
}

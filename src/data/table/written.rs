//! Numbers as tables write them: plain, or with digits in groups, a currency or a percent sign.

use crate::data::decimal::ExactNumber;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Words that stand for a missing number, in any case.
const MISSING_WORDS: [&str; 9] = ["?", "na", "n/a", "nan", "null", "none", "-", "--", "#n/a"];

/// What may stand before or behind a number; longer ones come first.
const CURRENCIES: [&str; 30] = [
    "US$", "R$", "C$", "A$", "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "BRL", "PLN", "SEK", "NOK",
    "DKK", "kr", "zł", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₪", "฿",
];

/// Signs between groups of digits, beside the mark that is not the decimal one.
pub(super) const BETWEEN_GROUPS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '’'];

/// Whole numbers up to this one float64 holds exactly: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How the numbers of a column are written; the default is plain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notation {
    /// Whether the decimal mark is a comma, where that of the file is a point.
    #[serde(default, skip_serializing_if = "is_false")]
    pub decimal_comma: bool,
    /// Whether digits may stand in groups, as in 1,000,000.
    #[serde(default, skip_serializing_if = "is_false")]
    pub groups: bool,
    /// The currency or percent sign that may stand before or behind the digits; it does not change the number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sign: String,
    /// Texts that stand for a missing number, beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_words: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Notation {
    /// The number that a field holds, if it is written in this way.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        if let Some(number) = plain(field)
            && !self.decimal_comma
        {
            return Some(number);
        }
        let Written { number, groups, sign } = written(field, self.decimal_comma)?;
        ((self.groups || !groups) && sign.is_none_or(|sign| sign == self.sign)).then_some(number)
    }

    /// Whether a field stands for a missing number. That is to be asked first: a word for a missing one may be a number.
    pub(super) fn is_missing(&self, field: &str) -> bool {
        is_missing(field) || is_one_of(&self.missing_words, field)
    }

    /// The same for a file, of whose numbers those with a decimal comma are written with a point by now.
    pub(super) fn of_file(&self, has_decimal_comma: bool) -> Self {
        Self { decimal_comma: self.decimal_comma && !has_decimal_comma, ..self.clone() }
    }

    /// What is not plain of it, in words.
    pub(in crate::data) fn told(&self) -> Option<String> {
        let marks = [
            (self.groups, "thousands separators"),
            (self.decimal_comma, "decimal commas"),
            (!self.sign.is_empty(), self.sign.as_str()),
        ];
        let told: Vec<&str> = marks.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
        (!told.is_empty()).then(|| told.join(" and "))
    }
}

/// Whether a field is empty, or one of the usual words for a missing number.
pub(in crate::data) fn is_missing(field: &str) -> bool {
    field.is_empty()
        || MISSING_WORDS.iter().any(|word| field.eq_ignore_ascii_case(word))
        || field.parse::<f64>().is_ok_and(f64::is_nan)
}

/// Whether a field is one of some words that stand for a missing one: the same text, or the same number.
pub(in crate::data) fn is_one_of(words: &[String], field: &str) -> bool {
    let is_number = |number: f64| words.iter().any(|word| plain(word) == Some(number));
    words.iter().any(|word| word == field) || !words.is_empty() && plain(field).is_some_and(is_number)
}

/// Whether a number is finite, and no larger than float32 takes.
pub(super) fn fits(number: f64) -> bool {
    number.abs() <= f64::from(f32::MAX)
}

/// A plain number, which may be infinite.
pub(super) fn plain(field: &str) -> Option<f64> {
    field.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// Whether a field is a whole number that float64 does not hold, so that two of them may become one.
pub(super) fn is_rounded(field: &str, number: f64) -> bool {
    let digits = field.trim_start_matches(['+', '-']);
    number.abs() >= EXACT
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && ExactNumber::parse(field) != ExactNumber::parse(&format!("{number}"))
}

/// A number and what it was written with.
#[derive(Debug, PartialEq)]
struct Written<'a> {
    number: f64,
    groups: bool,
    sign: Option<&'a str>,
}

/// Reads a number with one currency or percent sign, with digits in groups, or in brackets where it is negative.
fn written(field: &str, comma: bool) -> Option<Written<'_>> {
    let (inner, bracketed) = match field.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner.trim(), true),
        None => (field, false),
    };
    let (minus, rest) = without_minus(inner);
    let (before, rest) = match CURRENCIES.iter().find_map(|sign| Some((*sign, rest.strip_prefix(sign)?))) {
        Some((sign, rest)) => (Some(sign), rest.trim_start()),
        None => (None, rest),
    };
    let (behind_sign, rest) = if minus { (false, rest) } else { without_minus(rest) };
    let behind = CURRENCIES.iter().chain(&["%"]).find_map(|sign| Some((*sign, rest.strip_suffix(sign)?)));
    let (sign, digits) = match (before, behind) {
        (Some(_), Some(_)) => return None,
        (before, Some((sign, rest))) => (before.or(Some(sign)), rest.trim_end()),
        (before, None) => (before, rest),
    };
    let (number, groups) = digits_of(digits, comma)?;
    let negative = minus || behind_sign || bracketed;
    Some(Written { number: if negative { -number } else { number }, groups, sign })
}

fn without_minus(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The number that digits without any sign are, and whether they stand in groups.
fn digits_of(text: &str, comma: bool) -> Option<(f64, bool)> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',') {
        return None;
    }
    let (mark, other) = if comma { (',', '.') } else { ('.', ',') };
    let (whole, fraction) = text.split_once(mark).unwrap_or((text, ""));
    let between = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(between) = between else {
        let plain = format!("{whole}.{fraction}0");
        let exponent = fraction.contains(['e', 'E']);
        let number = if exponent { format!("{whole}.{fraction}").parse() } else { plain.parse() };
        return number.ok().filter(|_| !(whole.is_empty() && fraction.is_empty())).map(|number| (number, false));
    };
    if between != other && !BETWEEN_GROUPS.contains(&between) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let groups: Vec<&str> = whole.split(between).collect();
    let last = groups.len() - 1;
    let right = |(i, group): (usize, &&str)| {
        let digits = group.bytes().all(|byte| byte.is_ascii_digit());
        let length = group.len();
        digits
            && if i == last {
                length == 3
            } else if i == 0 {
                (1..=3).contains(&length)
            } else {
                (2..=3).contains(&length)
            }
    };
    let whole = groups.concat();
    groups
        .iter()
        .enumerate()
        .all(right)
        .then(|| format!("{whole}.{fraction}0").parse().ok())
        .flatten()
        .map(|n| (n, true))
}

/// What a text is in a column of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field {
    /// The text is a finite number.
    Number(f64),
    /// A number that is infinite or larger than float32 takes.
    TooLarge,
    /// One of the usual words for a missing number, or one that was given.
    Missing,
    /// The text is anything else.
    Other,
}

/// The different texts of a column, read as numbers.
#[derive(Debug)]
pub(super) struct Reading {
    /// How they are written.
    pub(super) notation: Notation,
    /// What each text is.
    pub(super) fields: Vec<Field>,
    /// Whether whole numbers among them are not exact in float64.
    pub(super) rounded: bool,
}

impl Reading {
    /// Reads the texts of a column in the way that makes most of its rows numbers; `counts` has the rows of each text.
    pub(super) fn of(texts: &[String], counts: &[usize], missing: &[String]) -> Self {
        let point = Self::with_mark(texts, missing, false);
        let needs_comma = texts.iter().any(|text| text.contains(','));
        if !needs_comma {
            return point;
        }
        let comma = Self::with_mark(texts, missing, true);
        if comma.rows(counts) > point.rows(counts) { comma } else { point }
    }

    fn with_mark(texts: &[String], missing: &[String], comma: bool) -> Self {
        let mut notation = Notation { decimal_comma: comma, ..Notation::default() };
        let (mut signs, mut rounded) = (HashSet::new(), false);
        let mut field = |text: &String| {
            if is_missing(text) || is_one_of(missing, text) {
                return Field::Missing;
            }
            let number = match plain(text) {
                Some(number) if !comma => number,
                _ => match written(text, comma) {
                    Some(Written { number, groups, sign }) => {
                        notation.groups |= groups;
                        signs.extend(sign.map(str::to_owned));
                        number
                    }
                    None => return Field::Other,
                },
            };
            rounded |= is_rounded(text, number);
            if fits(number) { Field::Number(number) } else { Field::TooLarge }
        };
        let mut fields: Vec<Field> = texts.iter().map(&mut field).collect();
        if signs.len() > 1 {
            // Amounts in several currencies are not to be compared.
            let has_sign = |text: &String| written(text, comma).is_some_and(|written| written.sign.is_some());
            fields
                .iter_mut()
                .zip(texts)
                .filter(|(_, text)| has_sign(text))
                .for_each(|(field, _)| *field = Field::Other);
        } else {
            notation.sign = signs.into_iter().next().unwrap_or_default();
        }
        Self { notation, fields, rounded }
    }

    /// Reads texts in a way that is known.
    pub(super) fn by(notation: Notation, texts: &[String]) -> Self {
        let field = |text: &String| match notation.number(text) {
            _ if notation.is_missing(text) => Field::Missing,
            Some(number) if fits(number) => Field::Number(number),
            Some(_) => Field::TooLarge,
            None => Field::Other,
        };
        let fields = texts.iter().map(field).collect();
        Self { notation, fields, rounded: false }
    }

    /// Rows that hold numbers.
    pub(super) fn rows(&self, counts: &[usize]) -> usize {
        self.sum(counts, |field| matches!(field, Field::Number(_) | Field::TooLarge))
    }

    /// Rows that hold other texts.
    pub(super) fn other_rows(&self, counts: &[usize]) -> usize {
        self.sum(counts, |field| *field == Field::Other)
    }

    /// Different texts of a kind.
    pub(super) fn different(&self, is: impl Fn(&Field) -> bool) -> usize {
        self.fields.iter().filter(|field| is(field)).count()
    }

    fn sum(&self, counts: &[usize], is: impl Fn(&Field) -> bool) -> usize {
        self.fields.iter().zip(counts).filter(|(field, _)| is(field)).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;

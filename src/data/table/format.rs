//! How the text of a table is written.

use super::written::{BETWEEN_GROUPS, Notation};
use crate::data::DataError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How the text of a table is written; what is `None` is recognised from the text, and told in a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// What separates the fields of a row.
    pub separator: Option<Separator>,
    /// What stands between the whole part of a number and its fraction.
    pub decimal: Option<Decimal>,
    /// Whether the first row holds the names of the columns.
    pub header: Option<bool>,
}

/// How the table was written that a model was trained on. What a later file leaves open is read in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialect {
    /// What separates the fields of a row.
    pub separator: Separator,
    /// The decimal mark of its numbers.
    pub decimal: Decimal,
    /// Whether its first row holds the names of the columns.
    pub header: bool,
    /// How the numbers of each target column are written; empty where the targets are no numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Notation>,
}

/// What separates the fields of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Separator {
    /// The comma, `,`, as in CSV.
    Comma,
    /// The semicolon, `;`, usual beside decimal commas.
    Semicolon,
    /// The tab character, as in TSV.
    Tab,
    /// The vertical bar, a pipe: `|`.
    Pipe,
    /// One or more spaces or tabs.
    Blanks,
}

impl Separator {
    /// All separators that a table can have.
    pub const ALL: [Self; 5] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe, Self::Blanks];

    /// The byte between the fields, once runs of blanks are tabs.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab | Self::Blanks => b'\t',
            Self::Pipe => b'|',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
            Self::Blanks => "blanks",
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Separator {
    type Err = DataError;

    /// The name in any case, or the character itself; a tab also as `\t`.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let lower = text.to_lowercase();
        match lower.as_str() {
            "," => Ok(Self::Comma),
            ";" => Ok(Self::Semicolon),
            "\t" | "\\t" => Ok(Self::Tab),
            "|" => Ok(Self::Pipe),
            " " | "blank" | "space" => Ok(Self::Blanks),
            name => Self::ALL.into_iter().find(|separator| separator.name() == name).ok_or_else(|| {
                DataError::UnknownSeparator { name: text.to_owned(), known: Self::ALL.map(Self::name).to_vec() }
            }),
        }
    }
}

/// What stands between the whole part of a number and its fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decimal {
    /// The point, `.`, as in 1257.5.
    #[default]
    Point,
    /// `,`, as in 1257,5 or 1.257,5
    Comma,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Point { "point" } else { "comma" })
    }
}

impl FromStr for Decimal {
    type Err = DataError;

    /// The name in any case, or the character itself.
    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.to_lowercase().as_str() {
            "point" | "." => Ok(Self::Point),
            "comma" | "," => Ok(Self::Comma),
            _ => Err(DataError::UnknownDecimal { name: text.to_owned(), known: vec!["point", "comma"] }),
        }
    }
}

impl Decimal {
    /// A field as it would be written with a decimal point: with this mark "1257,5" and "-1.257,50 €" are "1257.5" and
    /// "-1257.50 €", where points, blanks or apostrophes before the comma separate thousands. A field that is no such number
    /// stays as it is.
    pub(super) fn with_point(self, field: &str) -> Cow<'_, str> {
        let changed = match self {
            Self::Point => None,
            Self::Comma => Run::of(field).and_then(|run| run.with_point(field)),
        };
        changed.map_or(Cow::Borrowed(field), Cow::Owned)
    }
}

/// The digits of a field that holds one number, perhaps between a sign, a currency and a unit, with the marks between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    start: usize,
    digits: &'a str,
}

impl<'a> Run<'a> {
    /// Of a field that has a comma, a point or a mark between groups of digits in its only number, and no letter before it.
    pub(super) fn of(field: &'a str) -> Option<Self> {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
        let start = field.find(is_part)?;
        let rest = &field[start..];
        let mut end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        // Three digits behind a blank or an apostrophe are a group of the number before it.
        while let Some(group) = rest[end..].strip_prefix(BETWEEN_GROUPS)
            && group.bytes().take_while(u8::is_ascii_digit).count() == 3
            && rest[..end].ends_with(|c: char| c.is_ascii_digit())
        {
            end = rest.len() - group.len();
            end += rest[end..].find(|c| !is_part(c)).unwrap_or(group.len());
        }
        let (digits, tail) = rest.split_at(end);
        let exponent = tail.strip_prefix(['e', 'E']).and_then(|power| power.parse::<i32>().ok());
        let alone = exponent.is_some() || !tail.contains(|c: char| c.is_ascii_digit());
        let marked = digits.contains(|c: char| !c.is_ascii_digit()) && digits.contains(|c: char| c.is_ascii_digit());
        let bare = !field[..start].contains(char::is_alphanumeric);
        (alone && marked && bare).then_some(Self { start, digits })
    }

    /// The mark that this number can only have been written with, if it is so.
    pub(super) fn vote(self) -> Option<Decimal> {
        let comma = parts(self.digits, '.', ',');
        let point = parts(self.digits, ',', '.');
        match (comma, point) {
            (Some(_), None) => Some(Decimal::Comma),
            (None, Some(_)) => Some(Decimal::Point),
            // One group of three digits, as in 1,257, is a fraction or thousands; 0,257 is no thousands.
            _ => None,
        }
    }

    /// Whether the number can have been written with a decimal comma, and has one.
    pub(super) fn may_be_comma(self) -> bool {
        parts(self.digits, '.', ',').is_some_and(|(_, fraction)| !fraction.is_empty())
    }

    fn with_point(self, field: &str) -> Option<String> {
        let (whole, fraction) = parts(self.digits, '.', ',')?;
        let (before, after) = (&field[..self.start], &field[self.start + self.digits.len()..]);
        let point = if fraction.is_empty() { "" } else { "." };
        let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
        Some(format!("{before}{whole}{point}{fraction}{after}"))
    }
}

/// The whole part and the fraction of a number with this mark before the fraction, and between thousands either the other
/// mark or one of [`BETWEEN_GROUPS`].
fn parts(digits: &str, thousands: char, decimal: char) -> Option<(&str, &str)> {
    let (whole, fraction) = digits.split_once(decimal).unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let thousands = whole.chars().find(|c| BETWEEN_GROUPS.contains(c)).unwrap_or(thousands);
    let mut groups = whole.split(thousands);
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(thousands);
    let first_fits = all_digits(first) && (!grouped || (1..=3).contains(&first.len()) && first != "0");
    let fits = first_fits && groups.all(|group| group.len() == 3 && all_digits(group)) && all_digits(fraction);
    (fits && digits.len() > 1).then_some((whole, fraction))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn names_and_characters_are_read() {
        for separator in Separator::ALL {
            assert_eq!(separator.to_string().to_uppercase().parse::<Separator>().unwrap(), separator);
        }
        for (text, separator) in [(";", Separator::Semicolon), ("\\t", Separator::Tab), (" ", Separator::Blanks)] {
            assert_eq!(text.parse::<Separator>().unwrap(), separator);
        }
        assert!("semicolons".parse::<Separator>().unwrap_err().to_string().contains("did you mean semicolon?"));
        assert_eq!(
            ("Comma".parse::<Decimal>().unwrap(), ".".parse::<Decimal>().unwrap()),
            (Decimal::Comma, Decimal::Point)
        );
        assert!("coma".parse::<Decimal>().unwrap_err().to_string().contains("did you mean comma?"));
    }

    #[test]
    fn numbers_with_a_decimal_comma_are_rewritten_and_nothing_else() {
        for (field, with_point) in [
            ("0,1257", "0.1257"),
            ("-1257,5", "-1257.5"),
            (",5", ".5"),
            ("1.257,50", "1257.50"),
            ("1.234.567", "1234567"),
            ("1.257", "1257"),
            ("-1.257,50 €", "-1257.50 €"),
            ("$12,5", "$12.5"),
            ("12,5%", "12.5%"),
            ("1,5e-3", "1.5e-3"),
            ("1 234,50", "1234.50"),
            ("-1\u{a0}234\u{a0}567", "-1234567"),
            ("1'234'567,5 €", "1234567.5 €"),
            ("1\u{202f}234", "1234"),
        ] {
            assert_eq!(Decimal::Comma.with_point(field), with_point);
            assert_eq!(Decimal::Point.with_point(field), field);
        }
        for field in [
            "",
            "12",
            "0.5",
            "01.05.2020",
            "1,2,3",
            "1.25,5",
            "a1,5",
            "1,5 2,5",
            "1,5e3,5",
            ",",
            ".",
            "Paris, 3",
            "1 234 56",
            "1 234'567,5",
        ] {
            assert_eq!(Decimal::Comma.with_point(field), field);
        }
    }

    #[test]
    fn a_number_votes_for_the_mark_that_it_can_only_have() {
        let vote = |field| Run::of(field).and_then(Run::vote);
        for field in ["0,257", "1257,5", "1,25", "1.257,5", "1.234.567", "-,5"] {
            assert_eq!(vote(field), Some(Decimal::Comma), "{field}");
        }
        for field in ["0.257", "1257.5", "1.25", "1,257.5", "1,234,567", "$1,000.50"] {
            assert_eq!(vote(field), Some(Decimal::Point), "{field}");
        }
        for field in ["1 234,5", "1 234,567", "12’345,6"] {
            assert_eq!(vote(field), Some(Decimal::Comma), "{field}");
        }
        for field in ["1 234.5", "1'234.567"] {
            assert_eq!(vote(field), Some(Decimal::Point), "{field}");
        }
        for field in ["1,257", "1.257", "12", "", "1,2,3", "01.05.2020", "1 234", "1,5 250", "12 34,5", "1234 567,5"] {
            assert_eq!(vote(field), None, "{field}");
        }
        assert!(Run::of("1,257").unwrap().may_be_comma() && !Run::of("1.257").unwrap().may_be_comma());
        assert!(!Run::of("31,").unwrap().may_be_comma());
    }
}

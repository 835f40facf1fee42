//! Numbers as they are written, compared exactly: float64 takes 9007199254740992 and 9007199254740993 for one number.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A finite decimal number, ±0.DIGITS · 10^exponent, where the digits begin and end with none that is 0. Equal numbers are
/// equal, however they are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactNumber {
    negative: bool,
    exponent: i64,
    /// Decimal digits, highest first; empty for 0.
    digits: Vec<u8>,
}

impl ExactNumber {
    /// Reads `1`, `1.0`, `01`, `+1`, `.5`, `1e0` and the like.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        let end = rest.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(rest.len());
        let (mantissa, power) = rest.split_at(end);
        let power: i64 = match power {
            [] => 0,
            [_, power @ ..] => std::str::from_utf8(power).ok()?.parse().ok()?,
        };
        let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
        let mut digits: Vec<u8> = mantissa[..point].to_vec();
        digits.extend(mantissa.get(point + 1..).unwrap_or_default());
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..zeros);
        digits.truncate(digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1));
        if digits.is_empty() {
            return Some(Self { negative: false, exponent: 0, digits });
        }
        let exponent = power.checked_add(i64::try_from(point).ok()?)?.checked_sub(i64::try_from(zeros).ok()?)?;
        Some(Self { negative, exponent, digits })
    }
}

impl Ord for ExactNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let size = |number: &Self| (number.exponent, number.digits.clone());
        sign(self).cmp(&sign(other)).then_with(|| match self.negative {
            true => size(other).cmp(&size(self)),
            false => size(self).cmp(&size(other)),
        })
    }
}

impl PartialOrd for ExactNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What makes two names the same: the number, if they are numbers, else the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name<'a> {
    /// The number that the name denotes.
    Number(ExactNumber),
    /// Any other text, taken as it is.
    Text(Cow<'a, str>),
}

impl<'a> Name<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        ExactNumber::parse(text).map_or(Self::Text(Cow::Borrowed(text)), Self::Number)
    }

    /// The same, to be kept beyond the text.
    pub(super) fn into_owned(self) -> Name<'static> {
        match self {
            Self::Number(number) => Name::Number(number),
            Self::Text(text) => Name::Text(Cow::Owned(text.into_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn one_number_is_equal_however_it_is_written() {
        for (number, others) in [
            ("1", ["1.0", "01", "+1", "1e0", "1.", "10e-1", "0.1E1", "000.00100e+03"].as_slice()),
            ("0", &["-0", "0.0", ".0", "0e99", "+00"]),
            ("-2.5", &["-2.50", "-25e-1", "-02.5"]),
            ("9007199254740993", &["9007199254740993.0", "9.007199254740993e15"]),
        ] {
            for other in others {
                assert_eq!(ExactNumber::parse(other), ExactNumber::parse(number), "{other}");
            }
        }
        assert_ne!(ExactNumber::parse("9007199254740993"), ExactNumber::parse("9007199254740992"));
        assert_ne!(ExactNumber::parse("1"), ExactNumber::parse("-1"));
        assert_ne!(ExactNumber::parse("1"), ExactNumber::parse("10"));
    }

    #[test]
    fn what_is_no_finite_number_is_a_text() {
        for text in [
            "",
            "+",
            ".",
            "-.",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "0x1",
            "inf",
            "nan",
            "1 0",
            "--1",
            "1e99999999999999999999",
        ] {
            assert_eq!(ExactNumber::parse(text), None, "{text:?}");
        }
        assert_eq!(Name::of("a"), Name::Text("a".into()));
        assert_eq!(Name::of("1.0"), Name::of("1"));
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let rising = [
            "-1e300",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "1e-400",
            "0.5",
            "1",
            "1.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e300",
        ];
        let numbers: Vec<ExactNumber> = rising.iter().map(|text| ExactNumber::parse(text).unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
    }
}

//! What a field looks like, as far as that tells names from values.

/// Fields that say nothing of their column.
const MISSING: [&str; 8] = ["?", "-", "na", "n/a", "nan", "null", "none", "."];

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Missing,
    /// One number with a decimal point.
    Number,
    /// Digits without letters that are no such number: a date, an amount, a number with a decimal comma.
    Quantity,
    Text,
}

impl Class {
    pub(super) fn of(field: &str) -> Self {
        if field.is_empty() || MISSING.iter().any(|word| field.eq_ignore_ascii_case(word)) {
            Self::Missing
        } else if field.parse::<f64>().is_ok_and(f64::is_finite) {
            Self::Number
        } else if field.contains(|c: char| c.is_ascii_digit()) && !field.contains(char::is_alphabetic) {
            Self::Quantity
        } else {
            Self::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn fields_are_told_apart() {
        for (fields, class) in [
            (&["", "?", "NA", "-", "None"][..], Class::Missing),
            (&["0", "-1.5", "1e3", ".5", "+2"], Class::Number),
            (&["2011-01-01", "1,5", "$1,000.50", "12%", "12:30", "< 5"], Class::Quantity),
            (&["a", "x1", "inf", "5 kg", "Private", "<=50K"], Class::Text),
        ] {
            fields.iter().for_each(|field| assert_eq!(Class::of(field), class, "{field:?}"));
        }
    }
}

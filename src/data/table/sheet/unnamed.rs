//! Columns without a name.

/// A name that pandas gives a column without one when it reads a file, and so writes the next time.
const PANDAS: &str = "Unnamed: ";

/// Whether a name is none.
pub(super) fn is_none(name: &str) -> bool {
    let number = name.strip_prefix(PANDAS);
    name.is_empty()
        || number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The places of the columns without a name, and of the first and the last one.
pub(super) fn places(names: &[String]) -> impl Iterator<Item = usize> {
    let last = names.len().saturating_sub(1);
    names
        .iter()
        .enumerate()
        .filter(move |&(place, name)| place == 0 || place == last || is_none(name))
        .map(|(place, _)| place)
}

/// What the fields of one column say of whether it is needed.
#[derive(Debug)]
pub(super) struct Unnamed {
    pub(super) place: usize,
    is_empty: bool,
    /// The fields, as long as all are whole numbers that are not negative.
    counts: Option<Vec<u64>>,
}

impl Unnamed {
    pub(super) fn new(place: usize) -> Self {
        Self { place, is_empty: true, counts: Some(vec![]) }
    }

    pub(super) fn add(&mut self, field: &str) {
        self.is_empty &= field.is_empty();
        match (field.parse(), &mut self.counts) {
            (Ok(number), Some(counts)) => counts.push(number),
            (_, counts) => *counts = None,
        }
    }

    /// Whether no row has anything in it.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether it counts the rows: from row to row one more, or, as the first column of rows that were chosen or mixed,
    /// never the same whole number.
    pub(super) fn counts_rows(&self) -> bool {
        let Some(counts) = self.counts.as_ref().filter(|counts| !counts.is_empty()) else { return false };
        let one_more = counts.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let all_different = || {
            let mut sorted = counts.clone();
            sorted.sort_unstable();
            sorted.windows(2).all(|pair| pair[0] < pair[1])
        };
        one_more || self.place == 0 && all_different()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(place: usize, fields: &[&str]) -> Unnamed {
        let mut column = Unnamed::new(place);
        fields.iter().for_each(|field| column.add(field));
        column
    }

    #[test]
    fn names_that_are_none_are_known() {
        assert!(is_none("") && is_none("Unnamed: 0") && is_none("Unnamed: 12"));
        assert!(!is_none("x") && !is_none("Unnamed: ") && !is_none("Unnamed: x") && !is_none("unnamed"));
        let names = ["a", "", "b", "c"].map(str::to_owned);
        assert_eq!(places(&names).collect::<Vec<_>>(), [0, 1, 3]);
    }

    #[test]
    fn columns_that_count_rows_are_known() {
        assert!(column(3, &["0", "1", "2"]).counts_rows() && column(3, &["7", "8"]).counts_rows());
        assert!(column(0, &["5", "2", "9"]).counts_rows());
        for (place, fields) in
            [(3, &["5", "2", "9"][..]), (0, &["5", "2", "5"]), (0, &["0.5", "1"]), (0, &["1", ""]), (0, &[])]
        {
            assert!(!column(place, fields).counts_rows(), "{fields:?}");
        }
        assert!(column(0, &["", ""]).is_empty() && !column(0, &["", "1"]).is_empty());
    }
}

//! Class names and the labels that index them.

use super::{DataError, Dataset};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Collects one class name a row and numbers the names in their sorted order at the end.
#[derive(Default)]
pub(super) struct Labels {
    numbers: HashMap<String, u32>,
    labels: Vec<u32>,
}

impl Labels {
    /// Adds the class name of the next row.
    pub(super) fn push(&mut self, name: &str) {
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => *self.numbers.entry(name.to_owned()).or_insert(next),
        };
        self.labels.push(number);
    }

    /// The label of each row, and the class names they index: by value if all are numbers, else by text.
    pub(super) fn finish(self) -> (Vec<u32>, Vec<String>) {
        let mut named: Vec<(String, u32)> = self.numbers.into_iter().collect();
        let numeric = named.iter().all(|(name, _)| value(name).is_some());
        named.sort_by(|(a, _), (b, _)| {
            let by_value = match (value(a), value(b)) {
                (Some(a), Some(b)) if numeric => a.total_cmp(&b),
                _ => Ordering::Equal,
            };
            by_value.then_with(|| a.cmp(b))
        });
        let mut place = vec![0; named.len()];
        for (index, (_, number)) in named.iter().enumerate() {
            place[*number as usize] = index as u32;
        }
        let labels = self.labels.into_iter().map(|number| place[number as usize]).collect();
        (labels, named.into_iter().map(|(name, _)| name).collect())
    }
}

fn value(name: &str) -> Option<f64> {
    name.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The labels of a data set as indices into a model's classes, one a row; names are compared as they are written.
///
/// # Errors
///
/// When the data set has a class that the model does not know.
pub fn labels_for(dataset: &Dataset, classes: &[String]) -> Result<Vec<u32>, DataError> {
    let place = |class: &String| {
        classes.iter().position(|known| known == class).map(|index| index as u32).ok_or_else(|| {
            DataError::UnknownClass { name: dataset.name.clone(), class: class.clone(), known: classes.to_vec() }
        })
    };
    let places: Vec<u32> = dataset.classes.iter().map(place).collect::<Result<_, _>>()?;
    Ok(dataset.labels.iter().map(|&label| places[label as usize]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::fixture::labelled;

    fn numbered(names: &[&str]) -> (Vec<u32>, Vec<String>) {
        let mut labels = Labels::default();
        names.iter().for_each(|name| labels.push(name));
        labels.finish()
    }

    #[test]
    fn numbers_sort_by_value() {
        let (labels, classes) = numbered(&["10", "2", "-1.5", "2"]);
        assert_eq!(classes, ["-1.5", "2", "10"]);
        assert_eq!(labels, [2, 1, 0, 1]);
    }

    #[test]
    fn one_text_makes_all_sort_by_text() {
        let (labels, classes) = numbered(&["10", "b", "2", "a"]);
        assert_eq!(classes, ["10", "2", "a", "b"]);
        assert_eq!(labels, [0, 3, 1, 2]);
        // "nan" parses, but has no place among numbers.
        assert_eq!(numbered(&["nan", "2", "10"]).1, ["10", "2", "nan"]);
    }

    #[test]
    fn labels_follow_the_order_of_the_model() {
        let dataset = labelled(vec![0, 1, 2, 1]);
        let model: Vec<String> = ["2", "7", "1", "0"].map(str::to_owned).to_vec();
        assert_eq!(labels_for(&dataset, &model).unwrap(), [3, 2, 0, 2]);
        let message = labels_for(&dataset, &model[..3]).unwrap_err().to_string();
        assert!(message.contains("made up") && message.contains("class \"0\""), "{message}");
    }
}

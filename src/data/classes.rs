//! Texts that repeat, and the class names among them.

use super::decimal::Name;
use super::{DataError, Dataset};
use std::collections::HashMap;

/// The number of a text that is missing.
pub(super) const MISSING: u32 = u32::MAX;

/// Collects one text a row and keeps each text once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<String, u32>,
    rows: Vec<u32>,
}

impl Texts {
    /// Adds the text of the next row; says whether it is new.
    pub(super) fn push(&mut self, text: &str) -> bool {
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(text) {
            Some(&number) => number,
            None => *self.numbers.entry(text.to_owned()).or_insert(next),
        };
        self.rows.push(number);
        number == next
    }

    /// Adds a row that has no text.
    pub(super) fn push_missing(&mut self) {
        self.rows.push(MISSING);
    }

    /// The number of each row's text, and the texts by number, in the order in which they came.
    pub(super) fn finish(self) -> (Vec<u32>, Vec<String>) {
        let mut texts = vec![String::new(); self.numbers.len()];
        for (text, number) in self.numbers {
            texts[number as usize] = text;
        }
        (self.rows, texts)
    }
}

/// The label of each row, and the class names they index: by value if all are numbers, else by text. Names that are equal
/// numbers, as `1`, `1.0`, `01`, `+1` and `1e0`, are one class, named as it is first written.
pub(super) fn sorted(mut rows: Vec<u32>, texts: Vec<String>) -> (Vec<u32>, Vec<String>) {
    let names: Vec<Name<'_>> = texts.iter().map(|text| Name::of(text)).collect();
    let mut first = HashMap::with_capacity(names.len());
    let same: Vec<usize> = names.iter().enumerate().map(|(i, name)| *first.entry(name).or_insert(i)).collect();
    let mut order: Vec<usize> = (0..texts.len()).filter(|&i| same[i] == i).collect();
    let numeric = names.iter().all(|name| matches!(name, Name::Number(_)));
    order.sort_by(|&a, &b| match (&names[a], &names[b]) {
        (Name::Number(a), Name::Number(b)) if numeric => a.cmp(b),
        _ => texts[a].cmp(&texts[b]),
    });
    let mut place = vec![0; texts.len()];
    order.iter().zip(0..).for_each(|(&i, index)| place[i] = index);
    rows.iter_mut().for_each(|row| *row = place[same[*row as usize]]);
    let sorted = order.iter().map(|&i| texts[i].clone()).collect();
    (rows, sorted)
}

/// The labels of a data set as indices into a model's classes, one a row; names are the same if they are equal numbers or
/// the same text.
///
/// # Errors
///
/// When the data set has other targets than classes, or a class that the model does not know.
pub fn labels_for(dataset: &Dataset, classes: &[String]) -> Result<Vec<u32>, DataError> {
    let Some((labels, names)) = dataset.targets.classes() else {
        return Err(DataError::NotClasses { name: dataset.name.clone(), what: dataset.targets.what() });
    };
    let known: HashMap<&String, u32> = classes.iter().zip(0..).collect();
    let numbers: HashMap<Name<'_>, u32> = classes.iter().map(|class| Name::of(class)).zip(0..).collect();
    let place = |class: &String| {
        known.get(class).or_else(|| numbers.get(&Name::of(class))).copied().ok_or_else(|| DataError::UnknownClass {
            name: dataset.name.clone(),
            class: class.clone(),
            known: classes.to_vec(),
        })
    };
    let places: Vec<u32> = names.iter().map(place).collect::<Result<_, _>>()?;
    Ok(labels.iter().map(|&label| places[label as usize]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::{Targets, fixture::labelled};

    fn numbered(names: &[&str]) -> (Vec<u32>, Vec<String>) {
        let mut texts = Texts::default();
        names.iter().for_each(|name| _ = texts.push(name));
        let (rows, texts) = texts.finish();
        sorted(rows, texts)
    }

    #[test]
    fn each_text_is_kept_once() {
        let mut texts = Texts::default();
        assert!(texts.push("b") && texts.push("a") && !texts.push("b"));
        texts.push_missing();
        assert_eq!(texts.finish(), (vec![0, 1, 0, MISSING], vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn numbers_sort_by_value() {
        let (labels, classes) = numbered(&["10", "2", "-1.5", "2"]);
        assert_eq!(classes, ["-1.5", "2", "10"]);
        assert_eq!(labels, [2, 1, 0, 1]);
    }

    #[test]
    fn equal_numbers_are_one_class_named_as_first_written() {
        let (labels, classes) = numbered(&["1.0", "0", "01", "+1", "1e0", "0.0", "2"]);
        assert_eq!((labels, classes), (vec![1, 0, 1, 1, 1, 0, 2], vec!["0".into(), "1.0".into(), "2".into()]));
        // Beyond 2^53, where float64 takes neighbours for one number.
        let (labels, classes) = numbered(&["9007199254740993", "9007199254740992"]);
        assert_eq!((labels, classes), (vec![1, 0], vec!["9007199254740992".into(), "9007199254740993".into()]));
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
        let written: Vec<String> = ["2.0", "7", "01", "0e0"].map(str::to_owned).to_vec();
        assert_eq!(labels_for(&dataset, &written).unwrap(), [3, 2, 0, 2]);
        let message = labels_for(&dataset, &model[..3]).unwrap_err().to_string();
        assert!(message.contains("made up") && message.contains("class \"0\""), "{message}");
    }

    #[test]
    fn targets_that_are_no_classes_have_no_labels() {
        let targets = Targets::Numbers { values: vec![0.5, 1.0], names: vec!["y".to_owned()] };
        let message = labels_for(&Dataset { targets, ..labelled(vec![0, 1]) }, &[]).unwrap_err().to_string();
        assert!(message.contains("made up: the targets are numbers"), "{message}");
    }
}

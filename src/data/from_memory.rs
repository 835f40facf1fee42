//! Data sets out of a program's own memory.

use super::opened::{Content, Opened};
use super::{DataError, Targets};

/// What such a data set is called in messages and in model files.
const NAME: &str = "data in memory";

/// Rows of numbers with their targets, to train on without any file. `values` are `[rows, features]` row-major, and `shape` is
/// that of one row: `[features]`, or `[channels, height, width]` for pictures. They are normalised as the recipe says.
///
/// The features of a row without further axes are called `x0`, `x1` and so on, unless [`Opened::named`] names them.
///
/// # Errors
/// The values are no whole rows of this shape, one is not finite, or the targets are not one for each row.
///
/// ```
/// use wgrad::data::{self, Targets};
///
/// let x = [0.5, 1.0, 0.1, 0.2, 0.7, 0.9];
/// let data = data::from_floats(&x, &[2], Targets::of_labels(&[1, 0, 1]))?.named(&["width", "height"])?;
/// assert_eq!(data.rows(), 3);
/// # Ok::<(), wgrad::data::DataError>(())
/// ```
pub fn from_floats(values: &[f32], shape: &[usize], targets: Targets) -> Result<Opened, DataError> {
    check(values.len(), shape, &targets)?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let features: usize = shape.iter().product();
        return Err(wrong(format!("value {} of row {} is {}", at % features, at / features, values[at])));
    }
    let columns = match shape {
        [features] => (0..*features).map(|feature| format!("x{feature}")).collect(),
        _ => vec![],
    };
    Ok(opened(Content::Floats { values: values.to_vec(), shape: shape.to_vec(), columns }, targets))
}

/// Rows of bytes with their targets, such as the pixels of pictures: `values` are `[rows, channels, height, width]` row-major,
/// and `shape` is that of one row.
///
/// # Errors
/// The values are no whole rows of this shape, the shape has not three sizes, or the targets are not one for each row.
pub fn from_bytes(values: &[u8], shape: &[usize], targets: Targets) -> Result<Opened, DataError> {
    check(values.len(), shape, &targets)?;
    if shape.len() != 3 {
        return Err(wrong(format!("pictures have channels, height and width, but the shape is {shape:?}")));
    }
    Ok(opened(Content::Images { bytes: values.to_vec(), shape: shape.to_vec(), largest: 255.0 }, targets))
}

impl Opened {
    /// Names the features of rows of numbers, so that a model can be used on tables with such columns.
    ///
    /// # Errors
    /// There is not one name for each feature, two are the same, or the data have no features to name.
    pub fn named(mut self, names: &[&str]) -> Result<Self, DataError> {
        let Content::Floats { columns, .. } = &mut self.content else {
            return Err(wrong("only rows of floats have features to name".into()));
        };
        if names.len() != columns.len() {
            return Err(wrong(format!("{} names were given for {} features", names.len(), columns.len())));
        }
        if let Some((at, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(wrong(format!("the feature {at} is called {name:?}, as another is")));
        }
        *columns = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(self)
    }

    /// Has the last rows be the test part.
    ///
    /// # Errors
    /// There are not more rows than that.
    pub fn with_test(mut self, rows: usize) -> Result<Self, DataError> {
        let all = self.rows();
        if rows == 0 || rows >= all {
            return Err(wrong(format!("{rows} of {all} rows cannot be the test part")));
        }
        self.test = Some(all - rows..all);
        Ok(self)
    }
}

impl Targets {
    /// A class for each row by its number. The classes are all numbers from 0 to the largest.
    pub fn of_labels(labels: &[u32]) -> Self {
        let classes = labels.iter().max().map_or(0, |largest| largest.saturating_add(1));
        Self::Classes { labels: labels.to_vec(), names: (0..classes).map(|class| class.to_string()).collect() }
    }

    /// A class for each row by its name. The classes are in the order of their names.
    pub fn of_names<S: AsRef<str>>(classes: &[S]) -> Self {
        let mut names: Vec<String> = classes.iter().map(|class| class.as_ref().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let place = |class: &S| names.partition_point(|name| name.as_str() < class.as_ref()) as u32;
        Self::Classes { labels: classes.iter().map(place).collect(), names }
    }

    /// Numbers for each row, `[rows, names]` row-major: a regression.
    pub fn of_numbers(values: &[f64], names: &[&str]) -> Self {
        Self::Numbers { values: values.to_vec(), names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Labels that hold for a row or do not, `[rows, names]` row-major.
    pub fn of_flags(flags: &[bool], names: &[&str]) -> Self {
        let values = flags.iter().map(|&flag| f32::from(u8::from(flag))).collect();
        Self::Labels { values, names: names.iter().map(|name| (*name).to_owned()).collect() }
    }
}

fn opened(content: Content, targets: Targets) -> Opened {
    Opened::of(NAME.to_owned(), targets, content)
}

fn wrong(what: String) -> DataError {
    DataError::InMemory { what }
}

fn check(values: usize, shape: &[usize], targets: &Targets) -> Result<(), DataError> {
    let features = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size)).unwrap_or(0);
    let names = targets.names().len();
    let (of_targets, uneven) = match targets {
        Targets::Classes { .. } => (targets.rows(), false),
        Targets::Labels { values, .. } => (targets.rows(), names == 0 || !values.len().is_multiple_of(names)),
        Targets::Numbers { values, .. } => (targets.rows(), names == 0 || !values.len().is_multiple_of(names)),
    };
    if features == 0 || values == 0 || !values.is_multiple_of(features) {
        return Err(wrong(format!("{values} values are no whole rows of shape {shape:?}")));
    }
    if uneven || of_targets != values / features {
        return Err(wrong(format!("there are {} rows, but targets of {of_targets}", values / features)));
    }
    match targets {
        Targets::Classes { labels, .. } if names < 2 || labels.iter().any(|&label| label as usize >= names) => {
            Err(wrong(format!("there are {names} classes, and labels must be below that and of at least two")))
        }
        Targets::Numbers { values, .. } if values.iter().any(|value| !value.is_finite()) => {
            Err(wrong("a target is not finite".into()))
        }
        Targets::Labels { values, .. } if values.iter().any(|&value| value != 0.0 && value != 1.0) => {
            Err(wrong("a label is neither 0 nor 1".into()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::{Normalize, Values};

    #[test]
    fn floats_are_normalised_by_the_training_rows_alone() {
        let data = from_floats(&[1.0, 10.0, 3.0, 10.0, 99.0, 20.0], &[2], Targets::of_labels(&[0, 1, 0])).unwrap();
        let encoded = data.named(&["a", "b"]).unwrap().encode(&[0, 1], Normalize::Standardize).unwrap();
        // Means 2 and 10, deviations 1 and 0, which standardize leaves as it is.
        assert_eq!(encoded.dataset.values, Values::Floats(vec![-1.0, 0.0, 1.0, 0.0, 97.0, 10.0]));
        assert_eq!((encoded.constant, encoded.dataset.columns), (vec![1], vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(encoded.dataset.encoding.features(), ["a", "b"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let labels = || Targets::of_labels(&[0, 1]);
        for (values, shape, targets, what) in [
            (&[1.0, 2.0, 3.0][..], &[2][..], labels(), "no whole rows"),
            (&[], &[2], labels(), "no whole rows"),
            (&[1.0], &[0], labels(), "no whole rows"),
            (&[1.0, 2.0, 3.0], &[1], labels(), "3 rows, but targets of 2"),
            (&[1.0, f32::NAN], &[1], labels(), "value 0 of row 1 is NaN"),
            (&[1.0, 2.0], &[1], Targets::of_labels(&[0, 0]), "at least two"),
            (&[1.0, 2.0], &[1], Targets::of_numbers(&[1.0, f64::INFINITY], &["y"]), "not finite"),
            (&[1.0, 2.0], &[1], Targets::of_numbers(&[1.0, 2.0, 3.0], &["y", "z"]), "2 rows, but targets of 1"),
            (&[1.0, 2.0], &[1], Targets::of_numbers(&[], &[]), "2 rows, but targets of 0"),
        ] {
            let error = from_floats(values, shape, targets).unwrap_err().to_string();
            assert!(error.contains(what), "{error}, not {what}");
        }
        assert!(from_bytes(&[1, 2], &[1], labels()).is_err() && from_bytes(&[1, 2], &[1, 1, 1], labels()).is_ok());
        let data = || from_floats(&[1.0, 2.0], &[1], labels()).unwrap();
        assert!(data().named(&[]).is_err() && data().with_test(0).is_err() && data().with_test(2).is_err());
        assert_eq!(data().with_test(1).unwrap().test, Some(1..2));
    }

    #[test]
    fn names_of_classes_are_sorted() {
        let Targets::Classes { labels, names } = Targets::of_names(&["b", "a", "b"]) else { panic!("classes") };
        assert_eq!((labels, names), (vec![1, 0, 1], vec!["a".to_owned(), "b".to_owned()]));
    }
}

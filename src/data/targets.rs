//! What a network is to give for each row.

use super::DataError;
use std::fmt;
use std::str::FromStr;

/// What is learnt of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `classification`: one class a row, or several labels that hold or do not.
    Classification,
    /// `regression`: one or more numbers a row.
    Regression,
}

impl Task {
    const ALL: [Self; 2] = [Self::Classification, Self::Regression];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Task {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Self::ALL.into_iter().find(|task| task.name() == name);
        found.ok_or_else(|| DataError::UnknownTask { name: name.to_owned(), known: Self::ALL.map(Self::name).to_vec() })
    }
}

/// The targets of all rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class a row.
    Classes {
        /// The class of each row, an index into `names`.
        labels: Vec<u32>,
        /// The class names as in the data, sorted: by value if all are numbers ("2" before "10"), else by text.
        names: Vec<String>,
    },
    /// Labels that hold for a row or do not, any number of them.
    Labels {
        /// 0 or 1, `[rows, names]` row-major.
        values: Vec<f32>,
        /// The names of the columns.
        names: Vec<String>,
    },
    /// One or more numbers for each row.
    Numbers {
        /// Finite, `[rows, names]` row-major, as in the data: float32 may not hold them.
        values: Vec<f64>,
        /// The names of the columns.
        names: Vec<String>,
    },
}

impl Targets {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Labels { values, names } => values.len() / names.len().max(1),
            Self::Numbers { values, names } => values.len() / names.len().max(1),
        }
    }

    /// The names of the classes, or of the columns.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Classes { names, .. } | Self::Labels { names, .. } | Self::Numbers { names, .. } => names,
        }
    }

    /// The class of each row and the names of the classes, if there is one class a row.
    pub fn classes(&self) -> Option<(&[u32], &[String])> {
        match self {
            Self::Classes { labels, names } => Some((labels, names)),
            Self::Labels { .. } | Self::Numbers { .. } => None,
        }
    }

    /// Those of some rows, in their order.
    #[cfg(feature = "cli")]
    pub(crate) fn picked(self, rows: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
            rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
        }
        match self {
            Self::Classes { labels, names } => Self::Classes { labels: of(&labels, 1, rows), names },
            Self::Labels { values, names } => Self::Labels { values: of(&values, names.len(), rows), names },
            Self::Numbers { values, names } => Self::Numbers { values: of(&values, names.len(), rows), names },
        }
    }

    /// The task that such targets are of.
    pub fn task(&self) -> Task {
        match self {
            Self::Classes { .. } | Self::Labels { .. } => Task::Classification,
            Self::Numbers { .. } => Task::Regression,
        }
    }

    /// What they are, in the plural.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Classes { .. } => "classes",
            Self::Labels { .. } => "labels of 0 and 1",
            Self::Numbers { .. } => "numbers",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn rows_are_counted_by_columns() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let numbers = Targets::Numbers { values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], names: names.clone() };
        assert_eq!((numbers.rows(), numbers.names(), numbers.classes()), (3, &names[..], None));
        assert_eq!(numbers.task(), Task::Regression);
        let labels = Targets::Labels { values: vec![0.0, 1.0], names: names.clone() };
        assert_eq!((labels.rows(), labels.task()), (1, Task::Classification));
        let classes = Targets::Classes { labels: vec![1, 0, 1], names: names.clone() };
        assert_eq!((classes.rows(), classes.task()), (3, Task::Classification));
        assert_eq!(classes.classes(), Some((&[1, 0, 1][..], &names[..])));
    }

    #[test]
    fn tasks_go_both_ways_and_others_are_refused() {
        for task in Task::ALL {
            assert_eq!(task.to_string().parse::<Task>().unwrap(), task);
        }
        let message = "regresion".parse::<Task>().unwrap_err().to_string();
        assert!(message.contains("\"regresion\"; did you mean regression?"), "{message}");
    }
}

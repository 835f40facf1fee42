//! Rows that stand in two parts.

use super::{Finding, Part};
use crate::data::{Dataset, Split, Targets, Values};
use std::collections::HashMap;
use std::hash::BuildHasher;

/// Where rows of equal features have one target no more often than this share of the way from chance to always, the
/// features are coarse, as a few categories are, and equal rows are no copies (Cohen 1960, "A coefficient of agreement").
const AGREEMENT: f64 = 0.5;

/// The rows of held-out parts that stand in another part too.
pub(super) fn find(dataset: &Dataset, split: &Split, first: [u32; 2]) -> Vec<Finding> {
    let rows = Rows::new(dataset);
    let train = rows.index(&split.train);
    let [validation_first, test_first] = first;
    let held_out =
        [(Part::Validation, &split.validation[..], validation_first), (Part::Test, &split.test[..], test_first)];
    let mut findings = vec![];
    for (part, held, first) in held_out {
        findings.extend(rows.copies((part, held, first), (Part::Train, &train, 0)));
    }
    if !split.validation.is_empty() && !split.test.is_empty() {
        let validation = rows.index(&split.validation);
        let among = (Part::Validation, &validation, validation_first);
        findings.extend(rows.copies((Part::Test, &split.test[..], test_first), among));
    }
    findings
}

/// The first row of each hash.
type Index = HashMap<u64, u32, foldhash::fast::FixedState>;

struct Rows<'a> {
    dataset: &'a Dataset,
    features: usize,
    hasher: foldhash::fast::FixedState,
}

impl<'a> Rows<'a> {
    fn new(dataset: &'a Dataset) -> Self {
        Self { dataset, features: dataset.features(), hasher: foldhash::fast::FixedState::default() }
    }

    fn bytes(&self, row: u32) -> &'a [u8] {
        let from = row as usize * self.features;
        match &self.dataset.values {
            Values::Bytes(values) => &values[from..from + self.features],
            Values::Floats(values) => bytemuck::cast_slice(&values[from..from + self.features]),
        }
    }

    fn index(&self, rows: &[u32]) -> Index {
        let mut index = Index::default();
        for &row in rows {
            index.entry(self.hasher.hash_one(self.bytes(row))).or_insert(row);
        }
        index
    }

    /// The copies of one part's rows among those of another, if they are no chance.
    fn copies(&self, (part, rows, first): (Part, &[u32], u32), among: (Part, &Index, u32)) -> Option<Finding> {
        let (other, index, other_first) = among;
        let pair = |&row: &u32| {
            let bytes = self.bytes(row);
            let copy = *index.get(&self.hasher.hash_one(bytes))?;
            (self.bytes(copy) == bytes).then_some((row, copy))
        };
        let pairs: Vec<(u32, u32)> = rows.iter().filter_map(pair).collect();
        let copies: Vec<(u32, u32)> = pairs.iter().copied().filter(|&(a, b)| self.same_target(a, b)).collect();
        let &(row, copy) = copies.first()?;
        let (found, chance) = (copies.len() as f64 / pairs.len() as f64, self.chance());
        if found - chance <= AGREEMENT * (1.0 - chance) {
            return None;
        }
        let example = ((row - first) as usize + 1, (copy - other_first) as usize + 1);
        Some(Finding::Copies { part, other, count: copies.len(), of: rows.len(), example })
    }

    fn same_target(&self, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        match &self.dataset.targets {
            Targets::Classes { labels, .. } => labels[a] == labels[b],
            Targets::Labels { values, names } => equal(values, names.len(), a, b),
            Targets::Numbers { values, names } => equal(values, names.len(), a, b),
        }
    }

    /// How often two rows have one target by chance.
    fn chance(&self) -> f64 {
        let Some((labels, names)) = self.dataset.targets.classes() else { return 0.0 };
        let mut counts = vec![0.0; names.len()];
        labels.iter().for_each(|&label| counts[label as usize] += 1.0);
        counts.iter().map(|count| (count / labels.len() as f64).powi(2)).sum()
    }
}

/// Whether two rows of a matrix hold the same values.
fn equal<T: PartialEq>(values: &[T], width: usize, a: usize, b: usize) -> bool {
    values[a * width..][..width] == values[b * width..][..width]
}

//! Columns as features: filled in, normalised in float64, and rounded to float32 at the end.

use super::cells::{Cells, is_missing_number};
use super::dates;
use super::encoding::{Column, Encoding, Kind};
use super::written::is_missing;
use crate::data::Affine;
use crate::data::decimal::Name;
use crate::data::normalize::FeatureMoments;
use std::collections::HashMap;

impl Encoding {
    /// Mean and deviation of each feature over the rows `train` of the columns, and which features are indicators: they
    /// say which text a field holds, or that it is missing.
    pub(in crate::data) fn moments<'a>(
        &self,
        columns: impl Iterator<Item = &'a Cells>,
        train: &[u32],
    ) -> (FeatureMoments, Vec<bool>) {
        let (mut moments, mut indicators) = (FeatureMoments::default(), vec![]);
        for (column, cells) in self.columns.iter().zip(columns) {
            let encoder = Encoder::new(column, cells);
            match column.kind {
                Kind::Text { .. } => {
                    let mut counts = vec![0.0; encoder.width];
                    for place in train.iter().filter_map(|&row| encoder.place(row as usize)) {
                        counts[place] += 1.0;
                    }
                    counts.iter().for_each(|count| moments.add_share(count / train.len() as f64));
                    indicators.extend(vec![true; encoder.width]);
                }
                _ => {
                    for feature in 0..encoder.width {
                        moments.add(|| train.iter().map(|&row| encoder.value(row as usize, feature)));
                        indicators.push(feature >= encoder.numbers);
                    }
                }
            }
        }
        (moments, indicators)
    }

    /// The columns as normalised features, `[rows, features]` row-major, and what was done. The columns are those of this
    /// encoding, in its order, each of its kind.
    pub(in crate::data) fn apply<'a>(
        &'a self,
        columns: impl Iterator<Item = &'a Cells>,
        rows: usize,
        affine: &Affine,
    ) -> (Vec<f32>, Done<'a>) {
        let mut encoders: Vec<Encoder<'a>> =
            self.columns.iter().zip(columns).map(|(column, cells)| Encoder::new(column, cells)).collect();
        let mut values = Vec::with_capacity(rows * self.width());
        for row in 0..rows {
            let start = values.len();
            for encoder in &mut encoders {
                let feature = values.len() - start;
                encoder.push(row, (affine, feature), &mut values);
            }
        }
        let done = encoders.into_iter().map(|encoder| Counts {
            column: encoder.column,
            cells: encoder.cells,
            missing: encoder.missing,
            unseen: encoder.unseen,
            largest: encoder.largest,
        });
        (values, Done(done.collect()))
    }
}

/// A column that is being made into features.
struct Encoder<'a> {
    column: &'a Column,
    cells: &'a Cells,
    /// For each text of the column, its feature.
    places: Vec<Option<usize>>,
    width: usize,
    /// The features that are no indicators; they come first.
    numbers: usize,
    missing: usize,
    unseen: (usize, Option<u32>),
    /// The largest magnitude of a number, once normalised.
    largest: f64,
}

impl<'a> Encoder<'a> {
    fn new(column: &'a Column, cells: &'a Cells) -> Self {
        let places = match (&column.kind, cells) {
            (Kind::Text { values, missing, .. }, Cells::Texts { texts, .. }) => {
                let known: HashMap<&String, usize> = values.iter().zip(0..).collect();
                let numbers: HashMap<Name<'_>, usize> = values.iter().map(|value| Name::of(value)).zip(0..).collect();
                // A model of an earlier version counts the usual words as missing.
                let place = |text: &String| {
                    let same = known.get(text).or_else(|| numbers.get(&Name::of(text))).copied();
                    same.or_else(|| (*missing && is_missing(text)).then_some(values.len()))
                };
                texts.iter().map(place).collect()
            }
            _ => vec![],
        };
        let numbers = match &column.kind {
            Kind::Number { .. } | Kind::Imputed { .. } => 1,
            Kind::Date { means, .. } => means.len(),
            Kind::Text { .. } => 0,
        };
        let width = column.width();
        Self { column, cells, places, width, numbers, missing: 0, unseen: (0, None), largest: 0.0 }
    }

    /// Whether a row has no number or date, or no text that was trained on.
    fn is_missing(&self, row: usize) -> bool {
        match self.cells {
            Cells::Numbers { values, .. } => values[row].is_nan(),
            Cells::Dates { seconds, .. } => seconds[row].is_nan(),
            Cells::Texts { rows, .. } => is_missing_number(rows[row]),
        }
    }

    /// A feature of a row, before it is normalised.
    fn value(&self, row: usize, feature: usize) -> f64 {
        match (&self.column.kind, self.cells) {
            _ if feature >= self.numbers => f64::from(u8::from(self.is_missing(row))),
            (&(Kind::Number { mean, .. } | Kind::Imputed { mean, .. }), Cells::Numbers { values, .. }) => {
                if values[row].is_nan() { mean } else { values[row] }
            }
            (Kind::Date { means, .. }, _) if self.is_missing(row) => means[feature],
            (Kind::Date { format, parts, .. }, Cells::Dates { seconds, .. }) => match feature {
                0 => dates::number(format, seconds[row]),
                part => parts[part - 1].of(seconds[row]),
            },
            _ => unreachable!("a column is read as its kind"),
        }
    }

    /// The feature of a text that is 1 in a row, if there is one.
    fn place(&self, row: usize) -> Option<usize> {
        match (&self.column.kind, self.cells) {
            (Kind::Text { values, missing, .. }, Cells::Texts { rows, .. }) => match rows[row] {
                number if is_missing_number(number) => missing.then_some(values.len()),
                number => self.places[number as usize],
            },
            _ => unreachable!("a column is read as its kind"),
        }
    }

    fn push(&mut self, row: usize, (affine, first): (&Affine, usize), out: &mut Vec<f32>) {
        let missing = self.is_missing(row);
        if let Cells::Texts { rows, .. } = self.cells {
            let place = self.place(row);
            self.missing += usize::from(missing && place.is_some());
            if place.is_none() {
                self.unseen.0 += 1;
                self.unseen.1.get_or_insert(rows[row]);
            }
            let value = |i: usize| if place == Some(i) { 1.0 } else { 0.0 };
            out.extend((0..self.width).map(|i| affine.apply(first + i, value(i)) as f32));
            return;
        }
        self.missing += usize::from(missing);
        for feature in 0..self.width {
            let value = affine.apply(first + feature, self.value(row, feature));
            if feature == 0 {
                self.largest = self.largest.max(value.abs());
            }
            out.push(value as f32);
        }
    }
}

/// What was counted of a column.
pub(super) struct Counts<'a> {
    pub(super) column: &'a Column,
    pub(super) cells: &'a Cells,
    /// Rows with a missing field.
    pub(super) missing: usize,
    /// Rows with a text that was not trained on, and the first of them.
    pub(super) unseen: (usize, Option<u32>),
    /// The largest magnitude of its first number, once normalised.
    pub(super) largest: f64,
}

/// What was done to each column.
pub(in crate::data) struct Done<'a>(pub(super) Vec<Counts<'a>>);

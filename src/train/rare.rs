//! What balanced class weights leave of the rows to learn from.
//!
//! A rare class of which each row weighs as much as a hundred others is learnt from its own few rows alone: so many rows
//! teach a network no more than this many of equal weight would, (Σ w)² / Σ w² (Kish 1965, "Survey sampling", section 8.2).
//! With balanced weights that is the number of classes times the harmonic mean of their rows.

use super::settings::ClassWeights;
use crate::data::Targets;

/// Rows of the rarest class from which on some are held out to choose the best epoch by, and a network has hidden layers: of
/// fewer, what is held out is missed more than the choice is worth.
pub(super) const FEWEST: usize = 100;

/// The share of the rows from which on weights teach as much as none would, so that no class is rare.
const EVEN: f64 = 0.9;

/// The rows to learn from, as balanced class weights count them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rare {
    /// Rows of the rarest class.
    pub(super) rows: usize,
    /// The share of all rows that as many rows of equal weight would be, at most 1.
    pub(super) share: f64,
}

impl Rare {
    /// So many rows in rows of equal weight.
    pub(super) fn effective(&self, rows: usize) -> usize {
        (rows as f64 * self.share).round() as usize
    }

    /// The same for a share of the rows.
    pub(super) fn of_share(self, share: f64) -> Self {
        Self { rows: (self.rows as f64 * share).round() as usize, ..self }
    }
}

/// The rarest class of these rows, where class weights are balanced and classes are not about equally frequent.
pub(super) fn rare(
    weights: Option<&ClassWeights>,
    targets: &Targets,
    rows: impl Iterator<Item = usize>,
) -> Option<Rare> {
    let (Some(ClassWeights::Balanced), Targets::Classes { labels, names }) = (weights, targets) else { return None };
    let mut counts = vec![0usize; names.len()];
    rows.for_each(|row| counts[labels[row] as usize] += 1);
    // A class without a row to learn from weighs nothing.
    counts.retain(|count| *count > 0);
    let all: usize = counts.iter().sum();
    let harmonic = counts.iter().map(|&count| 1.0 / count as f64).sum::<f64>();
    let effective = (counts.len() * counts.len()) as f64 / harmonic;
    let share = effective / all as f64;
    (share < EVEN).then_some(Rare { rows: counts.into_iter().min()?, share })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: two rows weigh 50 each, and 198 rows 100/198 each.
    #[test]
    fn the_share_is_that_of_equal_weights() {
        let labels = (0..200).map(|row| u32::from(row < 2)).collect();
        let targets = Targets::Classes { labels, names: vec!["a".into(), "b".into()] };
        let found = rare(Some(&ClassWeights::Balanced), &targets, 0..200);
        let share = 200.0 * 200.0 / (2.0 * 50.0f64.powi(2) + 198.0 * (100.0f64 / 198.0).powi(2)) / 200.0;
        assert!(found.is_some_and(|r| r.rows == 2 && (r.share - share).abs() < 1e-12), "{found:?} {share}");
        assert_eq!(rare(None, &targets, 0..200), None);
        let even = rare(Some(&ClassWeights::Balanced), &targets, [0, 1, 2, 3].into_iter());
        assert_eq!(even, None);
        // 40 and 60 rows of 100 are 2² / (1/40 + 1/60) = 96; 30 and 70 are 84.
        let of_first = |count| Targets::Classes {
            labels: (0..100).map(|row| u32::from(row < count)).collect(),
            names: vec!["a".into(), "b".into()],
        };
        assert_eq!(rare(Some(&ClassWeights::Balanced), &of_first(40), 0..100), None);
        let uneven = rare(Some(&ClassWeights::Balanced), &of_first(30), 0..100);
        assert!(uneven.is_some_and(|r| r.rows == 30 && (r.share - 0.84).abs() < 1e-12), "{uneven:?}");
    }
}

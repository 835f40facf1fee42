//! The order of the rows, and the batches of an epoch.

use crate::kernel::Step;
use crate::random::{Domain, Stream};
use rand::seq::SliceRandom;

/// The rows of an epoch in the order in which they are trained on: a permutation from the seed, or the file's order.
pub(crate) fn epoch_order(rows: &[u32], shuffle: bool, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = rows.to_vec();
    if shuffle {
        order.shuffle(&mut Stream::new(seed, Domain::Order, epoch as u32));
    }
    order
}

/// Batches of an epoch of `rows` rows, the last one smaller; a last batch of one row is left out where a layer needs two.
pub(crate) fn count(rows: usize, batch: usize, needs_two_rows: bool) -> usize {
    let batches = rows.div_ceil(batch);
    let last = rows - batches.saturating_sub(1) * batch;
    batches - usize::from(needs_two_rows && last == 1)
}

/// The step table of an epoch. `first_step` counts updates from the first of the training, and so does what `rate` takes.
pub(crate) fn steps(
    rows: usize,
    batch: usize,
    needs_two_rows: bool,
    rate: impl Fn(u64) -> f32,
    first_step: u64,
) -> Vec<Step> {
    let line = |at: usize| {
        let (start, step) = (at * batch, first_step + at as u64);
        Step { start: start as u32, rows: batch.min(rows - start) as u32, rate: rate(step), step: step as u32 }
    };
    (0..count(rows, batch, needs_two_rows)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_batch_is_smaller_and_one_row_is_left_out_only_where_it_must() {
        let sizes = |rows, two| steps(rows, 4, two, |_| 0.1, 0).iter().map(|s| s.rows).collect::<Vec<_>>();
        assert_eq!(sizes(10, true), [4, 4, 2]);
        assert_eq!(sizes(9, true), [4, 4]);
        assert_eq!(sizes(9, false), [4, 4, 1]);
        assert_eq!(sizes(3, true), [3]);
        assert_eq!(steps(9, 4, true, |t| t as f32, 7)[1], Step { start: 4, rows: 4, rate: 8.0, step: 8 });
        assert_eq!((sizes(1, true), steps(1, 1, true, |_| 0.1, 0)), (vec![], vec![]));
    }

    #[test]
    fn epochs_differ_and_keep_all_rows() {
        let rows: Vec<u32> = (10..200).collect();
        let (first, second) = (epoch_order(&rows, true, 1, 0), epoch_order(&rows, true, 1, 1));
        assert_ne!(first, second);
        assert_ne!(first, epoch_order(&rows, true, 2, 0));
        assert_eq!(first, epoch_order(&rows, true, 1, 0));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, rows);
        assert_eq!(epoch_order(&rows, false, 1, 0), rows);
    }
}

//! The CPU path's form: bands of rows on several threads, blocks of columns that the compiler vectorises. Bands are merged in
//! their order, so that the result is the same for any number of threads.

use super::{Args, COUNTS, MAGNITUDES, is_positive, size};
use crate::ops::batch_norm::fast::{COLUMNS, moments};
use crate::{simd, threads};

/// Most rows, or pixels of rows, whose sums are taken at a time.
const BAND: usize = 2048;

/// What a band gives: its rows, mean and variance of each unit, and the counts.
struct Band {
    rows: usize,
    moments: Vec<f32>,
    counts: Vec<u32>,
}

/// The counts of the columns from `first` on. Where units are few and divide the columns, several rows are taken at once.
#[inline(always)]
fn count(a: Args, x: &[f32], first: usize) -> [[u32; COLUMNS]; COUNTS] {
    let features = a.features as usize;
    let at_once = if features < COLUMNS && COLUMNS.is_multiple_of(features) { COLUMNS } else { features };
    let mut counts = [[0; COLUMNS]; COUNTS];
    for row in x.chunks(at_once) {
        let rest = &row[first..];
        let mut values = [0.0; COLUMNS];
        match rest.first_chunk::<COLUMNS>() {
            Some(block) => values = *block,
            None => values[..rest.len()].copy_from_slice(rest),
        }
        for (j, v) in values.into_iter().enumerate() {
            counts[0][j] += u32::from(is_positive(v));
        }
        // What is behind a row's end is 0, which may lie at an end of the range.
        for (j, v) in values.into_iter().enumerate() {
            counts[1][j] += u32::from(j < rest.len() && a.is_at_end(v));
        }
        let sizes = values.map(size);
        for (counts, least) in counts[2..].iter_mut().zip(MAGNITUDES) {
            for (count, size) in counts.iter_mut().zip(sizes) {
                *count += u32::from(size >= least.to_bits());
            }
        }
    }
    counts
}

fn band(a: Args, x: &[f32]) -> Band {
    let features = a.features as usize;
    let rows = x.len() / features;
    let (mut means, mut totals) = (vec![0.0; 2 * features], vec![0; COUNTS * features]);
    for first in (0..features).step_by(COLUMNS) {
        let width = COLUMNS.min(features - first);
        let (of_moments, of_counts) = simd::run(
            #[inline(always)]
            || (moments(x, features, first), count(a, x, first)),
        );
        for (at, column) in of_moments.iter().enumerate() {
            means[at * features + first..][..width].copy_from_slice(&column[..width]);
        }
        for (at, column) in of_counts.iter().enumerate() {
            let total = &mut totals[at * features + first..][..width];
            // Of several rows at once, each unit has several columns.
            let taken = if first == 0 && COLUMNS.is_multiple_of(features) { COLUMNS } else { width };
            column[..taken].iter().enumerate().for_each(|(j, count)| total[j % width] += count);
        }
    }
    Band { rows, moments: means, counts: totals }
}

pub(super) fn units(a: Args, x: &[f32], rows: usize, (moments, counts): (&mut [f32], &mut [u32])) {
    let features = a.features as usize;
    let x = &x[..rows * a.pixels as usize * features];
    let pieces: Vec<&[f32]> = x.chunks(BAND * features).collect();
    let bands = match &pieces[..] {
        [one] => vec![band(a, one)],
        _ => threads::map(&pieces, |piece| band(a, piece)),
    };
    counts.fill(0);
    for band in &bands {
        counts.iter_mut().zip(&band.counts).for_each(|(sum, count)| *sum += count);
    }
    for f in 0..features {
        // Chan's formula, the paper's equation 2.1.
        let (mut before, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for band in &bands {
            let (count, off) = (band.rows as f64, f64::from(band.moments[f]) - mean);
            let all = before + count;
            squares += count * f64::from(band.moments[features + f]) + off * off * before * count / all;
            (before, mean) = (all, mean + off * count / all);
        }
        (moments[f], moments[features + f]) = (mean as f32, (squares / before) as f32);
    }
}

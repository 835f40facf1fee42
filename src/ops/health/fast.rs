//! The CPU path's form: bands of rows on several threads, blocks of columns that the compiler vectorises. Bands are merged in
//! their order, so that the result is the same for any number of threads.

use super::{Args, COUNTS, MAGNITUDES, is_positive, size};
use crate::ops::batch_norm::fast::{COLUMNS, moments, takes_several};
use crate::{simd, threads};

/// Most rows, or pixels of rows, whose sums are taken at a time.
const BAND: usize = 2048;

/// Rows whose values are counted at a time: they stay in the first cache while each count goes over them.
const ROWS: usize = 32;

/// What a band gives: its rows, mean and variance of each unit, and the counts.
struct Band {
    rows: usize,
    moments: Vec<f32>,
    counts: Vec<u32>,
}

/// Adds to the count of each column how many of its values, given by their bits, are of a kind. The sums are float32, which is
/// exact for so few rows. Whole numbers may be added in any order, and with them the compiler makes vectors of one column's rows,
/// whose values do not lie side by side: that took seven times as long.
#[inline(always)]
fn tally(counts: &mut [u32; COLUMNS], rows: &[[u32; COLUMNS]], is_counted: impl Fn(u32) -> bool) {
    let mut sums = [0.0_f32; COLUMNS];
    for row in rows {
        for j in 0..COLUMNS {
            sums[j] += f32::from(u8::from(is_counted(row[j])));
        }
    }
    counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum as u32);
}

/// The counts of the columns from `first` on. Where units are few and divide the columns, several rows are taken at once.
#[inline(always)]
fn count(a: Args, x: &[f32], first: usize) -> [[u32; COLUMNS]; COUNTS] {
    let features = a.features as usize;
    let at_once = if takes_several(features) { COLUMNS } else { features };
    let mut counts = [[0; COLUMNS]; COUNTS];
    for rows in x.chunks(ROWS * at_once) {
        let (mut bits, mut taken) = ([[0; COLUMNS]; ROWS], 0);
        for row in rows.chunks(at_once) {
            let rest = &row[first..];
            match rest.first_chunk::<COLUMNS>() {
                Some(block) => bits[taken] = bytemuck::cast(*block),
                None => bits[taken].iter_mut().zip(rest).for_each(|(bits, v)| *bits = v.to_bits()),
            }
            taken += 1;
        }
        let bits = &bits[..taken];
        tally(
            &mut counts[0],
            bits,
            #[inline(always)]
            |bits| is_positive(f32::from_bits(bits)),
        );
        tally(
            &mut counts[1],
            bits,
            #[inline(always)]
            |bits| a.is_at_end(f32::from_bits(bits)),
        );
        // Behind the last of several rows lie zeros, which may be at an end of the range. No other count has them.
        if at_once == COLUMNS && rows.len() % COLUMNS > 0 && a.is_at_end(0.0) {
            counts[1][rows.len() % COLUMNS..].iter_mut().for_each(|count| *count -= 1);
        }
        for (counts, least) in counts[2..].iter_mut().zip(MAGNITUDES) {
            tally(
                counts,
                bits,
                #[inline(always)]
                |bits| size(f32::from_bits(bits)) >= least.to_bits(),
            );
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

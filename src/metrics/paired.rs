//! Two models on the same rows: whether one is better by more than chance.

use crate::random::{Domain, Stream};
use crate::threads;
use rand::Rng;
use std::f64::consts::LN_2;

/// The two-sided p-value of McNemar's exact test (McNemar 1947; Fagerland, Lydersen & Laake 2013, "The McNemar test for binary
/// matched-pairs data", equation 2): of rows that exactly one of two models answers rightly, `first` are answered by the
/// first and `second` by the second. If the models are equally good, `first` is a binomial count with the share 1/2. Without
/// such rows it is 1.
pub fn mcnemar(first: usize, second: usize) -> f64 {
    let (n, least) = ((first + second) as f64, first.min(second) as f64);
    let log_choices = libm::lgamma(n + 1.0) - libm::lgamma(least + 1.0) - libm::lgamma(n - least + 1.0);
    let (mut term, mut sum, mut k) = ((log_choices - n * LN_2).exp(), 0.0, least);
    while k >= 0.0 && term > sum * f64::EPSILON / 4.0 {
        sum += term;
        term *= k / (n - k + 1.0);
        k -= 1.0;
    }
    (2.0 * sum).min(1.0)
}

/// P-values of several tests, corrected so that the chance of one wrong claim among all stays that of a single test (Holm 1979,
/// "A simple sequentially rejective multiple test procedure"); in the order of the tests.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut corrected, mut least) = (vec![0.0; p.len()], 0.0f64);
    for (rank, &test) in order.iter().enumerate() {
        least = least.max(((p.len() - rank) as f64 * p[test]).min(1.0));
        corrected[test] = least;
    }
    corrected
}

/// A mean over rows, and what it could have been with other rows of the same kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampled {
    /// The mean over the rows themselves.
    pub mean: f64,
    /// The 95 % interval: the percentiles 2.5 and 97.5 of the means of the resampled rows.
    pub interval: [f64; 2],
    /// The two-sided p-value of a mean of 0: twice the smaller share of resampled means that are at most, or at least, 0.
    pub p: f64,
}

/// Times that rows are drawn.
const DRAWS: u32 = 10_000;

/// Draws of one piece of work for a thread.
const AT_ONCE: u32 = 100;

/// The bootstrap (Efron & Tibshirani 1993, "An introduction to the bootstrap", chapters 13 and 16) of the mean of one value for
/// each row, by 10,000 draws with repetition. Of the differences of two models on the same rows it is the paired bootstrap. The
/// same seed gives the same numbers. There is none of no rows, or of values that are not finite.
pub fn resample(values: &[f64], seed: u64) -> Option<Resampled> {
    if values.is_empty() || values.len() > u32::MAX as usize || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let n = values.len() as u64;
    let mean_of = |draw: u32| {
        let mut words = Stream::new(seed, Domain::Resample, draw);
        // A word of 32 bits as a row: shares of rows differ by less than n / 2³².
        let sum: f64 = (0..n).map(|_| values[((u64::from(words.next_u32()) * n) >> 32) as usize]).sum();
        sum / n as f64
    };
    let firsts: Vec<u32> = (0..DRAWS).step_by(AT_ONCE as usize).collect();
    let pieces = threads::map(&firsts, |&first| (first..first + AT_ONCE).map(mean_of).collect::<Vec<f64>>());
    let mut means = pieces.concat();
    means.sort_unstable_by(f64::total_cmp);
    let percentile = |share: f64| {
        let at = share * (means.len() - 1) as f64;
        let (low, part) = (at as usize, at.fract());
        means[low] + part * (means[(low + 1).min(means.len() - 1)] - means[low])
    };
    // The sample itself counts as one draw, so that no p-value is 0.
    let share = |count: usize| (count + 1) as f64 / (means.len() + 1) as f64;
    let [below, above] =
        [means.iter().filter(|mean| **mean <= 0.0).count(), means.iter().filter(|mean| **mean >= 0.0).count()];
    Some(Resampled {
        mean: values.iter().sum::<f64>() / n as f64,
        interval: [percentile(0.025), percentile(0.975)],
        p: (2.0 * share(below).min(share(above))).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.x: `scipy.stats.binomtest(first, first + second, 0.5).pvalue`.
    #[test]
    fn mcnemar_is_the_exact_binomial_test() {
        for (first, second, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 5, 1.0),
            (3, 10, 0.092_285_156_25),
            (10, 3, 0.092_285_156_25),
            (0, 12, 0.000_488_281_25),
            (121, 59, 4.434_449_263_755_164_5e-6),
            (1500, 1400, 0.065_987_349_665_184_63),
            (40_000, 39_000, 0.000_378_949_009_704_682_65),
            (2, 60, 8.474_124_180_146_703e-16),
        ] {
            let found = mcnemar(first, second);
            // Logarithms of factorials of 79,000 are near 8e5, and known to some 1e-10.
            assert!((found / p - 1.0).abs() < 2e-9, "{first} {second}: {found} is not {p}");
        }
    }

    /// By hand: 0.01 · 3, then 0.03 · 2, then 0.04 · 1, which may not be less than the one before.
    #[test]
    fn holm_corrects_in_the_order_of_size() {
        let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&holm(&[0.04, 0.01, 0.03]), &[0.06, 0.03, 0.06]));
        assert!(near(&holm(&[0.5, 0.9]), &[1.0, 1.0]) && near(&holm(&[0.2]), &[0.2]) && holm(&[]).is_empty());
    }

    /// SciPy's `scipy.stats.bootstrap` of the mean of these values with 200,000 draws (percentile): 0.09040 to 0.29174, a
    /// standard error of 0.05154, and a p-value, counted in its distribution, of 0.00022. An end of 10,000 draws has a
    /// standard error of √(0.025 · 0.975 / 10,000) / φ(1.96) = 0.027 standard errors of the mean: 0.0014; five of them are
    /// allowed. One draw of 10,000 moves p by 0.0002.
    #[test]
    fn resampled_means_are_those_of_scipy() {
        let value = |i: i32| f64::from(i) * 1.7;
        let values: Vec<f64> = (0..200).map(|i| value(i).sin() + 0.12 + if i % 7 == 0 { 0.5 } else { 0.0 }).collect();
        let found = resample(&values, 0).expect("finite values");
        assert!((found.mean - 0.191_402_038_276_250_1).abs() < 1e-12);
        let [low, high] = found.interval;
        assert!((low - 0.09040).abs() < 0.007 && (high - 0.29174).abs() < 0.007, "{found:?}");
        assert!(found.p > 0.0 && found.p < 0.0014, "{found:?}");
        assert_eq!(resample(&values, 0), Some(found));
        assert_ne!(resample(&values, 1), Some(found));
        let centred: Vec<f64> = values.iter().map(|value| value - found.mean).collect();
        assert!(resample(&centred, 0).expect("finite values").p > 0.9);
        assert_eq!((resample(&[], 0), resample(&[f64::NAN], 0)), (None, None));
        assert_eq!(resample(&[0.0; 3], 0).map(|all| (all.interval, all.p)), Some(([0.0; 2], 1.0)));
    }
}

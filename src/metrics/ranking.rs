//! How well scores put the rows that are of a kind before those that are not.

/// Area under the ROC curve, and average precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranking {
    /// The probability that a row of the kind has a higher score than one that is not; an equal score counts one half.
    pub(super) roc_auc: f64,
    /// Σ (R_n − R_{n−1}) P_n over the different scores, from the highest down: precision P_n and recall R_n of the rows
    /// with at least that score. No points between are made up.
    pub(super) average_precision: f64,
}

/// Ranks rows by scores. There is nothing to rank where all rows are of the kind or none is, or a score is NaN.
///
/// Only the rows of the kind are sorted, so that many small classes take little more than reading the scores.
pub(super) fn ranking(scores: &[f64], is_of_kind: impl Fn(usize) -> bool) -> Option<Ranking> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut of_kind: Vec<f64> = (0..scores.len()).filter(|&row| is_of_kind(row)).map(|row| scores[row]).collect();
    of_kind.sort_unstable_by(|a, b| b.total_cmp(a));
    let (positives, negatives) = (of_kind.len(), scores.len() - of_kind.len());
    if positives == 0 || negatives == 0 {
        return None;
    }
    // The different scores of the kind, and how many rows of it have at least each.
    let (mut steps, mut found): (Vec<f64>, Vec<usize>) = (vec![], vec![]);
    for (i, &score) in of_kind.iter().enumerate() {
        if steps.last() != Some(&score) {
            steps.push(score);
            found.push(0);
        }
        found[steps.len() - 1] = i + 1;
    }
    // Other rows: how many have a score between a step and the one before, and how many have that of the step.
    let (mut between, mut equal) = (vec![0usize; steps.len() + 1], vec![0usize; steps.len()]);
    for row in (0..scores.len()).filter(|&row| !is_of_kind(row)) {
        let step = steps.partition_point(|&step| step > scores[row]);
        match steps.get(step) {
            Some(&same) if same == scores[row] => equal[step] += 1,
            _ => between[step] += 1,
        }
    }
    let (mut pairs, mut precision, mut others, mut before) = (0.0, 0.0, 0, 0);
    for step in 0..steps.len() {
        let here = (found[step] - before) as f64;
        pairs += before as f64 * (between[step] + equal[step]) as f64 + here / 2.0 * equal[step] as f64;
        others += between[step] + equal[step];
        precision += here * found[step] as f64 / (found[step] + others) as f64;
        before = found[step];
    }
    pairs += positives as f64 * between[steps.len()] as f64;
    Some(Ranking {
        roc_auc: pairs / (positives as f64 * negatives as f64),
        average_precision: precision / positives as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scores: &[f64], kind: &[usize]) -> Option<(f64, f64)> {
        ranking(scores, |row| kind.contains(&row)).map(|found| (found.roc_auc, found.average_precision))
    }

    /// By hand: the pairs in the right order, and the precision at each row of the kind.
    #[test]
    fn ranks_are_those_of_the_definitions() {
        assert_eq!(of(&[0.9, 0.8, 0.2, 0.1], &[0, 1]), Some((1.0, 1.0)));
        assert_eq!(of(&[0.9, 0.8, 0.2, 0.1], &[2, 3]), Some((0.0, (1.0 / 3.0 + 0.5) / 2.0)));
        assert_eq!(of(&[0.9, 0.8, 0.2, 0.1], &[0, 2]), Some((0.75, (1.0 + 2.0 / 3.0) / 2.0)));
        // All equal: each pair counts one half, and every threshold takes all rows.
        assert_eq!(of(&[0.5; 4], &[0, 2, 3]), Some((0.5, 0.75)));
        assert_eq!(of(&[f64::INFINITY, 0.5, 0.5, -1.0], &[0, 1]), Some((0.875, (1.0 + 2.0 / 3.0) / 2.0)));
    }

    #[test]
    fn nothing_is_ranked_without_two_kinds() {
        assert_eq!(
            [of(&[0.1, 0.2], &[]), of(&[0.1, 0.2], &[0, 1]), of(&[], &[]), of(&[0.1, f64::NAN], &[0])],
            [None; 4]
        );
    }
}

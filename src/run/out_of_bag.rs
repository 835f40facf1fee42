//! What an ensemble answers to the rows that it was trained on, by the members that were not (Breiman 1996, "Out-of-bag
//! estimation").

use super::mean::Mean;
use crate::nn::Problem;

/// The outputs for the rows that are out of some member's bag, each the mean of those members alone; and the places of these
/// rows among all.
///
/// `each` member has its outputs for all rows, `[rows, outputs]`, and `bags[i][row]` says whether member i was trained on
/// the row.
///
/// # Panics
/// There is not one bag for each member, or it has too few rows.
pub fn out_of_bag(mean: &Mean, problem: &Problem, each: &[Vec<f32>], bags: &[Vec<bool>]) -> (Vec<f32>, Vec<usize>) {
    assert_eq!(each.len(), bags.len(), "one bag for each member");
    let width = problem.head().outputs;
    let (mut outputs, mut places) = (vec![], vec![]);
    for row in 0..each.first().map_or(0, |of| of.len() / width) {
        let members = each.iter().zip(bags).zip(&mean.counts).filter(|((_, bag), _)| !bag[row]);
        let (own, counts): (Vec<&[f32]>, Vec<u32>) =
            members.map(|((of, _), &count)| (&of[row * width..][..width], count)).unzip();
        if !own.is_empty() {
            outputs.extend(Mean { average: mean.average, counts }.outputs(problem, &own));
            places.push(row);
        }
    }
    (outputs, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Average;
    use crate::nn::{Answer, Loss};

    /// Row 0 is in no bag, row 1 in that of the second, which counts three times, row 2 in all.
    #[test]
    fn rows_are_answered_by_members_that_have_not_seen_them() {
        let problem = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: vec!["y".into()] };
        let mean = Mean { average: Average::Probabilities, counts: vec![1, 3] };
        let each = [vec![1.0, 2.0, 3.0], vec![5.0, 6.0, 7.0]];
        let bags = [vec![false, false, true], vec![false, true, true]];
        assert_eq!(out_of_bag(&mean, &problem, &each, &bags), (vec![4.0, 2.0], vec![0, 1]));
    }
}

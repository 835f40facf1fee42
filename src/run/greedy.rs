//! Choosing members of an ensemble by what they add to it (Caruana, Niculescu-Mizil, Crew & Ksikes 2004, "Ensemble selection from
//! libraries of models", sections 2 and 2.1).

use super::mean::Mean;
use crate::data::Targets;
use crate::export::Average;
use crate::metrics::mean_loss;
use crate::nn::{Problem, TargetScale, Weighing};

/// Additions that are tried. Each is one of all models, so that a good one may come again and count more.
const ADDITIONS: usize = 20;

/// How often each model counts in the ensemble with the least mean loss, plain as an evaluation has it, of those that begin with
/// no model and add, one after the other, the model that lowers the mean loss most or raises it least. Of equal models the
/// first is added, and of equal ensembles the smallest is taken.
///
/// The outputs of each model are `[rows, outputs]`.
///
/// # Panics
/// There is no model, or the targets are of another kind than the problem: a fault of ours.
pub fn greedy(
    (problem, scale): (&Problem, &TargetScale),
    average: Average,
    each: &[Vec<f32>],
    (targets, rows): (&Targets, &[u32]),
) -> Vec<u32> {
    let all: Vec<&[f32]> = each.iter().map(Vec::as_slice).collect();
    let loss = |counts: &[u32]| {
        let kept = all.iter().zip(counts).filter(|(_, count)| **count > 0);
        let (outputs, counts): (Vec<&[f32]>, Vec<u32>) = kept.map(|(of, count)| (*of, *count)).unzip();
        let outputs = Mean { average, counts }.outputs(problem, &outputs);
        mean_loss(problem, scale, (&outputs, targets, rows), &Weighing::default())
    };
    let mut counts = vec![0; each.len()];
    let mut best: Option<(f64, Vec<u32>)> = None;
    for _ in 0..ADDITIONS {
        let with = |at: usize| {
            let mut counts = counts.clone();
            counts[at] += 1;
            (loss(&counts), counts)
        };
        let added = (0..each.len()).map(with).min_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((found, next)) = added else { panic!("there is a model to choose") };
        counts.clone_from(&next);
        if best.as_ref().is_none_or(|(least, _)| found < *least) {
            best = Some((found, next));
        }
    }
    best.map_or(counts, |(_, counts)| counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Answer, Loss};

    /// Targets 0 on two rows and three models with the errors (3, 3), (−1, 0), (2, 0). Alone, the second is best (half squares
    /// ½); with the third once ⅛; with the second twice 0, which nothing betters.
    #[test]
    fn members_are_chosen_with_repetition() {
        let names = vec!["y".to_owned()];
        let problem = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: names.clone() };
        let targets = Targets::Numbers { values: vec![0.0, 0.0], names };
        let each = [vec![3.0, 3.0], vec![-1.0, 0.0], vec![2.0, 0.0]];
        let chosen = greedy((&problem, &TargetScale::none(1)), Average::Probabilities, &each, (&targets, &[0, 1]));
        assert_eq!(chosen, [0, 2, 1]);
    }
}

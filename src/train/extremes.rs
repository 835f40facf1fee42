//! What follows from settings that are allowed and that hardly anyone means.

use super::settings::{HeldOut, Length, Settings};
use crate::data::Split;

/// Rows of a held-out part from which on its figures are not said to rest on few: with ten rows an accuracy moves in steps of
/// ten points.
const FEW: usize = 10;

/// What the user should know of these settings on rows that are split so, in clauses.
pub(super) fn extremes(settings: &Settings, split: &Split) -> Vec<String> {
    let mut told = vec![];
    let share = |held_out: Option<&HeldOut>| held_out.map_or(0.0, HeldOut::share);
    let shares = [share(settings.test.as_ref()), share(Some(&settings.validation))];
    let parts = [("test", &split.test), ("validation", &split.validation)];
    for ((part, rows), share) in parts.into_iter().zip(shares) {
        match rows.len() {
            0 if share > 0.0 => told.push(format!("{part} {share} is less than one row: the {part} part has no rows")),
            1 => told.push(format!("the {part} part has 1 row: its figures say next to nothing")),
            few @ 2..FEW => told.push(format!("the {part} part has {few} rows: its figures say little")),
            _ => {}
        }
    }
    let held_out: usize =
        shares.iter().zip(parts).filter(|(share, _)| **share > 0.0).map(|(_, (_, rows))| rows.len()).sum();
    let (train, all) = (split.train.len(), split.train.len() + held_out);
    if 2 * train < all && settings.other_source.is_none() {
        told.push(format!("most rows are held out: {train} of {all} are left to train on"));
    }
    let (lr, decay) = (settings.lr, settings.weight_decay);
    if lr == 0.0 {
        told.push("lr is 0, so training changes no weight".into());
    } else if ["sgd", "adamw"].contains(&settings.optimizer.as_str()) && lr * decay >= 1.0 {
        let product = lr * decay;
        told.push(format!(
            "lr times weight_decay is {product}: from 1 on, every step loses all that the weights have learnt"
        ));
    }
    if let (Some(patience), Length::Epochs(epochs)) = (settings.early_stopping, settings.length())
        && patience >= epochs
    {
        told.push(format!("early_stopping {patience} never stops a run of {epochs} epochs early"));
    }
    told
}

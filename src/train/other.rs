//! Training on rows of another source than the one that counts, as where few rows are like those of later use (Ng, "Machine
//! Learning Yearning", chapters 36 to 41): the source that counts validates and tests, the other one trains, and a train-dev part
//! of it tells variance from data mismatch.

use super::settings::{HeldOut, Recipe};
use crate::data::{self, DataError, Dataset, Encoded, Fractions, Opened, Options, Split};
use crate::error::Error;
use std::path::Path;

/// The share of the training source that is held out as train-dev part.
const TRAIN_DEV: f64 = 0.1;

/// The share of the source that counts which tests, where it has no test part of its own.
const TEST: f64 = 0.5;

/// Splits the source to train on into training and train-dev rows, by class and from the seed, and fills in the share of the
/// latter. Says in a clause which of its rows are in no part.
///
/// # Errors
/// No row is left to train on.
pub(super) fn split(recipe: &mut Recipe, opened: &Opened) -> Result<(Split, Option<String>), Error> {
    let fractions = Fractions { validation: *recipe.train_dev.get_or_insert(TRAIN_DEV), test: 0.0 };
    let Split { train, validation: train_dev, test: own, .. } =
        data::split(opened, fractions, recipe.split_seed.or(recipe.seed).unwrap_or(0))?;
    let unused = (!own.is_empty())
        .then(|| format!("the {} rows of the test part of {} are in no part: `source` tests", own.len(), opened.name));
    Ok((Split { train, train_dev, ..Split::default() }, unused))
}

/// Adds the rows of the source that counts, all of which validate and test unless the recipe gives both a share that leaves some
/// over, and fills in the shares. What the user should know comes along, in clauses.
///
/// # Errors
/// The rows are not of the kind of those to train on, or have a class that those lack.
pub(super) fn add_rows_that_count(
    recipe: &mut Recipe,
    (encoded, split): (&mut Encoded, &mut Split),
    options: &Options<'_>,
    data_dir: Option<&Path>,
) -> Result<Vec<String>, Error> {
    let source = recipe.source.clone().unwrap_or_default();
    let (part, mut notes) = data::read_whole(&source, options, encoded, data_dir)?;
    let fractions = shares(recipe, &part)?;
    let of_part =
        data::share_out(&part.targets, part.test.clone(), fractions, recipe.split_seed.or(recipe.seed).unwrap_or(0));
    let name = part.name.clone();
    let done = match [&of_part.validation, &of_part.test].map(Vec::is_empty) {
        [true, _] => "tested",
        [_, true] => "validated",
        _ => "validated and tested",
    };
    notes.push(format!("trained on rows of {}, {done} on rows of {name}", encoded.dataset.name));
    if !of_part.train.is_empty() {
        notes.push(format!("{} of {} rows of {name} are in no part", of_part.train.len(), part.rows()));
    }
    let first = encoded.dataset.append(part)?.start;
    encoded.dataset.test = None;
    let moved = |rows: Vec<u32>| rows.into_iter().map(|row| first + row).collect();
    (split.validation, split.test, split.first) = (moved(of_part.validation), moved(of_part.test), [first; 2]);
    Ok(notes)
}

/// The shares of the source that counts that validate and test. What is left out of the recipe is the rest of what is given.
fn shares(recipe: &mut Recipe, part: &Dataset) -> Result<Fractions, DataError> {
    // Shares of whole millionths read better in the run's recipe, and sum up to 1.
    let rest = |of: &Option<HeldOut>| {
        let share = of.as_ref().map_or(0.0, HeldOut::share);
        HeldOut::Share(((1.0 - share) * 1e6).round() / 1e6)
    };
    if let Some(own) = &part.test {
        if recipe.test.as_ref().is_some_and(|test| *test != HeldOut::Share(0.0)) {
            return Err(DataError::OwnTestPart { name: part.name.clone(), rows: own.len() });
        }
    } else if recipe.test.is_none() {
        recipe.test = Some(if recipe.validation.is_some() { rest(&recipe.validation) } else { TEST.into() });
    }
    let test = recipe.test.as_ref().map_or(0.0, HeldOut::share);
    if recipe.validation.is_none() {
        recipe.validation = Some(rest(&recipe.test));
    }
    Ok(Fractions { test, validation: recipe.validation.as_ref().map_or(0.0, HeldOut::share) })
}

//! From settings to a job: the data opened, split and measured.

use super::recipe::Settings;
use super::trainer::Job;
use crate::data::{self, Fractions, Normalize};
use crate::error::Error;
use std::path::Path;

/// Opens the data that settings name, splits them, and takes the normalisation from the training part. What the user
/// should know of the data comes along, in sentences.
///
/// # Errors
/// The data are not there, are broken, or cannot be split so.
pub fn prepare(mut settings: Settings, data_dir: Option<&Path>) -> Result<(Job, Vec<String>), Error> {
    let dataset = data::open(&settings.source, settings.target.as_deref(), data_dir)?;
    let replaced = settings.test_is_default && dataset.test.is_some();
    let test = if replaced { 0.0 } else { settings.fractions.test };
    let split = data::split(&dataset, Fractions { test, ..settings.fractions }, settings.seed)?;
    let kind = settings.normalize.unwrap_or(if dataset.is_image() { Normalize::Scale } else { Normalize::Standardize });
    let fit = data::fit(kind, &dataset, &split.train);
    let mut notes = vec![];
    if settings.batch_is_default && settings.batch > split.train.len() {
        settings.batch = split.train.len();
        notes.push(format!("fewer rows to train on than a batch usually has, so all {} are one", settings.batch));
    }
    if !fit.constant.is_empty() && kind == Normalize::Standardize {
        let names = match dataset.columns.as_slice() {
            [] => format!("{} of {} features", fit.constant.len(), dataset.features()),
            columns => fit.constant.iter().map(|&i| columns[i].as_str()).collect::<Vec<_>>().join(", "),
        };
        notes.push(format!("constant in the training part, so of no use: {names}"));
    }
    Ok((
        Job { dataset, split, normalize: (kind, fit.affine), settings, init_from: None, resume: None, best: None },
        notes,
    ))
}

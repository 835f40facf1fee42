//! The rows of an array of NumPy.

use super::super::{setting, show};
use super::{Inputs, Reading, input_side};
use crate::data::{Framing, Kind, Values, read_rows};
use crate::error::Error;
use crate::export::Metadata;
use std::path::Path;

/// Reads an NPY file whose rows are as those that the model was trained on.
pub(super) fn read(path: &Path, reading: Reading<'_>) -> Result<Inputs, Error> {
    let Reading { meta, turns, views, fields, .. } = reading;
    let shown = path.display();
    let given = turns.given().or((!views.is_empty()).then_some("--crops or --scales"));
    if let Some(flag) = given {
        return Err(setting(format!("{shown} is an array, and {flag} is for files of pictures: leave it out")));
    }
    if fields && !meta.encoding.is_empty() {
        return Err(setting(format!("{shown} is an array, which has no fields to write with --out: leave it out")));
    }
    let features = meta.input.iter().product();
    if !meta.encoding.is_empty() && !takes_arrays(meta, features) {
        let model = reading.model.display();
        return Err(setting(format!("{model} takes the columns of a table, and {shown} has none: give a table")));
    }
    let (values, shape) = read_rows(path)?;
    if shape != meta.input || !sees_all(meta) {
        let (found, wanted) = (show::sizes(&shape), show::sizes(&meta.input));
        let size = if sees_all(meta) { "" } else { " out of larger pictures: give files of pictures" };
        return Err(setting(format!("{shown} has rows of {found}, the model takes {wanted}{size}")));
    }
    let values = match values {
        Values::Floats(mut floats) => {
            let affine = meta.normalize.affine(features);
            let each = floats.iter_mut().enumerate();
            each.for_each(|(at, value)| *value = affine.apply(at % features, f64::from(*value)) as f32);
            Values::Floats(floats)
        }
        Values::Bytes(bytes) => Values::Bytes(bytes),
    };
    let names = (1..=values.len() / features).map(|row| format!("{shown}:{row}")).collect();
    Ok(Inputs { names, values, fields: None })
}

/// Whether a model of rows of numbers was trained on an array, whose columns have no names but their numbers.
fn takes_arrays(meta: &Metadata, features: usize) -> bool {
    let columns = &meta.encoding.columns;
    let numbered = columns
        .iter()
        .enumerate()
        .all(|(at, column)| column.name == format!("x{at}") && matches!(column.kind, Kind::Number { .. }));
    numbered && columns.len() == features
}

/// Whether the model sees all of a picture of the size of its input.
fn sees_all(meta: &Metadata) -> bool {
    match meta.framing {
        Framing::Middle { short } => short == input_side(meta),
        _ => true,
    }
}

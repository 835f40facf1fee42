//! Pictures whose paths stand in a column of a table.

use super::opened::Opened;
use super::table::Like;
use super::{DataError, Options};
use std::path::Path;

/// Opens the pictures that a table names in the column of the option `image`. Targets are as tables have them, or of the kind
/// of others.
#[cfg(feature = "cli")]
pub(super) fn open(
    name: String,
    table: &Path,
    options: &Options<'_>,
    like: Option<Like<'_>>,
) -> Result<Opened, DataError> {
    let mut pictured = super::Pictured::read(table, options, like)?;
    let list = super::folder::List {
        name,
        paths: &pictured.paths,
        targets: pictured.targets.clone(),
        test: None,
        notes: std::mem::take(&mut pictured.notes),
    };
    let placed = |row, fault| pictured.placed(table, row, fault);
    let opened = super::folder::open_list(table, list, &options.pictures, &placed)?;
    Ok(Opened { target: Some(pictured.target), dialect: Some(pictured.dialect), ..opened })
}

/// Says that pictures are not read.
#[cfg(not(feature = "cli"))]
pub(super) fn open(_: String, table: &Path, _: &Options<'_>, _: Option<Like<'_>>) -> Result<Opened, DataError> {
    Err(super::FolderError::NoReader { folder: table.to_owned() }.into())
}

#[cfg(test)]
#[cfg(feature = "cli")]
#[path = "listed_tests.rs"]
mod tests;

//! Tables with a column of the paths of pictures, which are the features in place of the other columns.

use super::cells::{Column, Found, Reader, TextColumn, read};
use super::sheet::{Sheet, Text};
use super::{Dialect, Notation, Wish, joined, targets, wishes};
use crate::data::faults::Faults;
use crate::data::folder_error::FolderError;
use crate::data::{DataError, Options, Targets};
use crate::names::few;
use std::path::{Path, PathBuf};

/// What is known of the targets, by a model or by rows to train on.
#[derive(Clone, Copy, Debug)]
pub struct Like<'a> {
    /// Targets of the same kind.
    pub targets: &'a Targets,
    /// How the table was written that it was trained on.
    pub dialect: Option<&'a Dialect>,
}

/// The pictures of a table and their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictured {
    /// The files, one a row. Paths that are not absolute are those from the folder of the table.
    pub paths: Vec<PathBuf>,
    /// The line of the table on which each path first stands.
    pub lines: Vec<usize>,
    /// The column of the paths.
    pub image: String,
    /// The targets of all rows.
    pub targets: Targets,
    /// The names of the target columns, separated by commas.
    pub target: String,
    /// How the table is written.
    pub dialect: Dialect,
    /// What was taken for the target, what was recognised, and what is not read, in clauses.
    pub notes: Vec<String>,
}

impl Pictured {
    /// Reads the columns of paths and of targets. The pictures themselves are not read. Targets are of the kind of others if
    /// there are some, else of that which their fields are of, and vary then.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a column is not there, an option says how columns become features, or a path or a target
    /// is missing or not of its kind.
    pub fn read(path: &Path, options: &Options<'_>, like: Option<Like<'_>>) -> Result<Self, DataError> {
        let known = like.and_then(|like| like.dialect);
        let image = options.image.unwrap_or_default().trim();
        let text = Text::read(path, options.format, known)?;
        let mut sheet = Sheet::new(&text, options.format, &[image], known)?;
        let place = place(path, &sheet, options)?;
        let mut faults = Faults::default();
        let wishes = wishes(&sheet, options, &mut faults);
        let is_taken = |other: usize| other == place || wishes[other] == Wish::Ignored;
        let (places, why) = match targets::choose(&sheet, options, &is_taken) {
            Ok(chosen) => chosen,
            Err(fault) => return Err(faults.and(fault)),
        };
        faults.check()?;
        let all = std::iter::once(&place).chain(&places);
        let mut readers: Vec<_> = all.map(|&place| (place, Reader::Target(TextColumn::default()))).collect();
        let mut faults = Faults::default();
        read(&mut sheet, &mut readers, &mut faults)?;
        faults.check()?;
        let columns = readers.into_iter().filter_map(|(place, reader)| match reader.finish() {
            Found::Texts(texts) => Some(texts.finish(&sheet.header[place])),
            _ => None,
        });
        let mut columns: Vec<Column> = columns.collect();
        let files = columns.remove(0);
        let target = joined(&columns);
        let (targets, notations, inferred) = built(path, columns, options, like)
            .map_err(|fault| if like.is_some() { fault } else { why.told(&target, fault) })?;
        let is_read = |other: &usize| *other == place || places.contains(other);
        let others: Vec<String> =
            (0..sheet.header.len()).filter(|other| !is_read(other)).map(|other| sheet.header[other].clone()).collect();
        let mut notes: Vec<String> = sheet.notes.iter().cloned().chain([why.note(&target)]).chain(inferred).collect();
        if !others.is_empty() {
            notes.push(format!("columns that are not read, for the features are pictures: {}", few(&others)));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            paths: files.rows.iter().map(|&row| folder.join(&files.texts[row as usize])).collect(),
            lines: files.rows.iter().map(|&row| files.lines[row as usize]).collect(),
            image: sheet.header[place].clone(),
            targets,
            target,
            dialect: Dialect {
                separator: text.separator,
                decimal: sheet.decimal,
                header: sheet.has_header,
                targets: notations,
            },
            notes,
        })
    }

    /// A fault of the picture of a row, with the line of the table.
    pub fn placed(&self, table: &Path, row: usize, fault: DataError) -> DataError {
        let (table, column) = (table.to_owned(), self.image.clone());
        DataError::InTable { table, line: self.lines[row], column, fault: Box::new(fault) }
    }
}

/// The targets of columns, how their numbers are written, and why they are of their kind where that was not known.
fn built(
    path: &Path,
    columns: Vec<Column>,
    options: &Options<'_>,
    like: Option<Like<'_>>,
) -> Result<(Targets, Vec<Notation>, Option<String>), DataError> {
    if let Some(Like { targets, dialect }) = like {
        let notations = dialect.map(|dialect| dialect.targets.clone()).unwrap_or_default();
        return Ok((targets::build_like(path, columns, targets, &notations)?, notations, None));
    }
    let mut faults = Faults::default();
    let built = targets::for_training(path, columns, options, &mut faults);
    faults.check()?;
    built.ok_or_else(|| DataError::NoRows { path: path.to_owned() })
}

/// The place of the column of paths, with which some options and targets do not go.
fn place(path: &Path, sheet: &Sheet<'_>, options: &Options<'_>) -> Result<usize, DataError> {
    let image = options.image.unwrap_or_default().trim().to_owned();
    let given = [
        ("categorical", !options.categorical.is_empty()),
        ("numeric", !options.numeric.is_empty()),
        ("day_first", options.day_first.is_some()),
        ("group", options.group.is_some()),
    ];
    if let Some((setting, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(FolderError::SettingOfColumns { table: path.to_owned(), setting, image }.into());
    }
    let Some(place) = sheet.find(&image) else {
        let (path, columns) = (path.to_owned(), sheet.header.clone());
        return Err(DataError::UnknownListed { path, column: image, list: "image", columns });
    };
    let is_target = options.target.is_some_and(|target| target.split(',').any(|name| name.trim() == image));
    let is_ignored = options.ignore.iter().any(|name| name.trim() == image);
    if is_target || is_ignored {
        let setting = if is_target { "target" } else { "ignore" };
        return Err(FolderError::ImageTwice { table: path.to_owned(), image, setting }.into());
    }
    Ok(place)
}

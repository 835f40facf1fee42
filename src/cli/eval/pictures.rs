//! Folders of pictures to judge a model by.

use super::super::args::FormatArgs;
use super::super::inputs::{self, Inputs, Reading, read_each};
use super::super::setting;
use super::{Asked, Opened};
use crate::data::{self, DataError, Dataset, Encoding, Filed, Like, Pictured, Targets, Values, is_picture};
use crate::error::Error;
use std::path::{Path, PathBuf};

/// The one source.
///
/// # Errors
/// There are several, or it is a picture, whose class nothing says.
pub(super) fn only(sources: &[String]) -> Result<&str, Error> {
    match sources {
        [source] if !is_picture(Path::new(source)) => Ok(source),
        [first, ..] if is_picture(Path::new(first)) => Err(setting(format!(
            "{first}: nothing says which class this picture has: put pictures into a folder for each class, as \
             FOLDER/CLASS/a.png, and give FOLDER; wgrad predict answers without knowing it"
        ))),
        _ => Err(setting(format!("{} data sets are given: eval takes one", sources.len()))),
    }
}

/// The path of a folder of pictures.
pub(super) fn folder(source: &str) -> Result<Option<&Path>, Error> {
    let path = Path::new(source);
    Ok((!data::is_known(source) && data::holds_pictures(path)?).then_some(path))
}

/// The pictures of a folder as the model takes them, each of the class that its own folder is named as: those of the test
/// part if there is one, else all; those that cannot be read are left out if that is asked for.
///
/// # Errors
/// A file is no picture or lies outside of a class's folder, or the model takes no pictures or answers no classes.
pub(super) fn read(folder: &Path, reading: Reading<'_>, skip_broken: bool) -> Result<Opened, Error> {
    let (meta, shown) = (reading.meta, folder.display());
    if !meta.encoding.is_empty() {
        return Err(setting(format!("{shown} holds pictures, the model takes rows of a table")));
    }
    let Filed { paths, labels, names, test, .. } = Filed::of(folder)?;
    let rows = test.clone().unwrap_or(0..paths.len());
    let targets = Targets::Classes { labels: labels[rows.clone()].to_vec(), names };
    let mut opened = opened(shown.to_string(), (paths[rows].to_vec(), targets), reading, skip_broken)?;
    opened.dataset.test = test.map(|_| 0..opened.paths.len());
    Ok(opened)
}

/// The pictures whose paths stand in a column of a table, with its targets.
///
/// # Errors
/// A column is not there, a path leads to no picture, or a target is none that the model answers.
pub(super) fn listed(asked: &Asked<'_>, image: &str) -> Result<Opened, Error> {
    let &Asked { model, meta, source, target, turns, skip_broken, .. } = asked;
    let (path, like) = (Path::new(source), meta.no_targets());
    let target = target.or(meta.target.as_deref());
    let options =
        data::Options { target, image: Some(image), format: asked.format.format(), ..data::Options::default() };
    let pictured = Pictured::read(path, &options, Some(Like { targets: &like, dialect: meta.dialect.as_ref() }))?;
    if let Some(row) = pictured.paths.iter().position(|file| !skip_broken && !file.is_file()) {
        let fault = DataError::NotFound { path: pictured.paths[row].clone() };
        return Err(pictured.placed(path, row, fault).into());
    }
    let (format, views) = (FormatArgs::default(), asked.views.views(inputs::own_side(meta)));
    let reading = Reading { model, meta, turns, views: &views, format, fields: false };
    opened(data::name_of(path), (pictured.paths, pictured.targets), reading, skip_broken)
}

/// Pictures as the model takes them, with their targets. Those that cannot be read are left out if that is asked for, as long as
/// there are others.
fn opened(
    name: String,
    (mut paths, mut targets): (Vec<PathBuf>, Targets),
    reading: Reading<'_>,
    skip_broken: bool,
) -> Result<Opened, Error> {
    let (files, mut notes) = read_each(&paths, reading)?;
    let (meta, mut values, mut rows, mut first) = (reading.meta, vec![], vec![], None);
    for (row, file) in files.into_iter().enumerate() {
        match file {
            Ok(Inputs { values: Values::Bytes(bytes), names, .. }) if names.len() == 1 => {
                values.extend(bytes);
                rows.push(row);
            }
            Ok(Inputs { names, .. }) => {
                let name = &names[0];
                return Err(setting(format!("{name}: this is no PNG, JPEG, WebP, BMP, GIF or TIFF file: remove it")));
            }
            Err(fault) if skip_broken => first = first.or(Some((row, fault))),
            Err(fault) => return Err(fault.into()),
        }
    }
    if let Some((row, fault)) = first {
        if rows.is_empty() {
            return Err(fault.into());
        }
        notes.push(data::left_out(paths.len() - rows.len(), paths.len(), &paths[row]));
        targets = targets.picked(&rows);
        paths = rows.iter().map(|&row| paths[row].clone()).collect();
    }
    let dataset = Dataset {
        name,
        values: Values::Bytes(values),
        shape: meta.input.clone(),
        largest: meta.normalize.largest,
        test: None,
        targets,
        columns: vec![],
        encoding: Encoding::default(),
        target: None,
        dialect: None,
        framing: meta.framing,
        pool: None,
    };
    Ok(Opened { dataset, notes, paths })
}

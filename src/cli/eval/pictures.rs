//! Folders of PNG and JPEG files to judge a model by.

use super::super::inputs::{Reading, read_all};
use super::super::setting;
use crate::data::{self, Dataset, Encoding, Filed, Targets, Values, is_picture};
use crate::error::Error;
use std::path::Path;

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
/// part if there is one, else all.
///
/// # Errors
/// A file is no picture or lies outside of a class's folder, or the model takes no pictures or answers no classes.
pub(super) fn read(folder: &Path, reading: Reading<'_>) -> Result<(Dataset, Vec<String>), Error> {
    let (meta, shown) = (reading.meta, folder.display());
    if !meta.encoding.is_empty() {
        return Err(setting(format!("{shown} holds pictures, the model takes rows of a table")));
    }
    let Filed { paths, labels, names, test, .. } = Filed::of(folder)?;
    let rows = test.clone().unwrap_or(0..paths.len());
    let (files, notes) = read_all(&paths[rows.clone()], reading)?;
    let mut values = vec![];
    for file in files {
        match file.values {
            Values::Bytes(bytes) if file.names.len() == 1 => values.extend(bytes),
            _ => return Err(setting(format!("{}: this is no PNG or JPEG file: remove it", file.names[0]))),
        }
    }
    let dataset = Dataset {
        name: shown.to_string(),
        values: Values::Bytes(values),
        shape: meta.input.clone(),
        largest: meta.normalize.largest,
        test: test.map(|test| 0..test.len()),
        targets: Targets::Classes { labels: labels[rows].to_vec(), names },
        columns: vec![],
        encoding: Encoding::default(),
        target: None,
        dialect: None,
    };
    Ok((dataset, notes))
}

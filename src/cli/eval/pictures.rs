//! Folders of PNG and JPEG files to judge a model by: `FOLDER/CLASS/picture.png`.

use super::super::inputs::{Reading, is_picture, read_all};
use super::super::setting;
use crate::data::{self, Dataset, Encoding, Targets, Values};
use crate::error::Error;
use std::fs;
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

/// The path of a folder that holds pictures or other folders. A folder of IDX files may have others beside them.
pub(super) fn folder(source: &str) -> Option<&Path> {
    let path = Path::new(source);
    if data::is_known(source) || !path.is_dir() {
        return None;
    }
    let entries = listed(path).ok()?;
    let is_idx = |entry: &PathBuf| entry.file_name().is_some_and(|name| name.to_string_lossy().contains("-ubyte"));
    let has = |what: &dyn Fn(&PathBuf) -> bool| entries.iter().any(what);
    (has(&|entry| entry.is_dir() || is_picture(entry)) && !has(&is_idx)).then_some(path)
}

/// All that lies in a folder and is not hidden, by name.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |why| Error::file(folder, "cannot be read")(why);
    let mut entries = vec![];
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// The pictures of a folder as the model takes them, each of the class that its own folder is named as.
///
/// # Errors
/// A file is no picture or lies outside of a class's folder, or the model takes no pictures or answers no classes.
pub(super) fn read(folder: &Path, reading: Reading<'_>) -> Result<(Dataset, Vec<String>), Error> {
    let (meta, shown) = (reading.meta, folder.display());
    if !meta.encoding.is_empty() {
        return Err(setting(format!("{shown} holds pictures, the model takes rows of a table")));
    }
    let (mut names, mut labels, mut paths) = (vec![], vec![], vec![]);
    for class in listed(folder)? {
        if !class.is_dir() {
            let (file, name) = (class.display(), class.file_name().unwrap_or_default().to_string_lossy());
            let what = "nothing says which class it has: put every picture into a folder that is named as its class";
            return Err(setting(format!("{file}: {what}, as {}", folder.join("CLASS").join(&*name).display())));
        }
        let pictures = listed(&class)?;
        if let Some(other) = pictures.iter().find(|path| !is_picture(path)) {
            return Err(setting(format!("{}: a PNG or JPEG file is wanted here: remove it", other.display())));
        }
        labels.extend(vec![names.len() as u32; pictures.len()]);
        names.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
        paths.extend(pictures);
    }
    if paths.is_empty() {
        return Err(setting(format!("{shown}: there is no picture in its folders: put PNG or JPEG files there")));
    }
    let (files, notes) = read_all(&paths, reading)?;
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
        targets: Targets::Classes { labels, names },
        columns: vec![],
        encoding: Encoding::default(),
        target: None,
        dialect: None,
        test: None,
    };
    Ok((dataset, notes))
}

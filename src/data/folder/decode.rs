//! Pictures as a data set.

use super::FolderError;
use super::filed::Filed;
use super::kept::{Decoded, Kept};
use super::together::{List, Row, Together};
use crate::data::opened::Opened;
use crate::data::picture::{Head, Picture};
use crate::data::progress::Progress;
use crate::data::views::{PictureOptions, Views};
use crate::data::{DataError, Framing, Seen, Targets};
use crate::threads;
use std::path::{Path, PathBuf};

/// Bytes of pictures that are decoded before they are put together.
const AT_ONCE: usize = 64 << 20;

/// Opens a folder with a folder of pictures for each class. The bytes of a picture are those that prediction makes of it.
///
/// The pictures are grey if all are, else red, green and blue: shape `[1, height, width]` or `[3, height, width]`.
///
/// What was decoded is kept in the folder `cache` and taken from there the next time, if no file has changed.
pub(super) fn open(
    name: String,
    folder: &Path,
    options: &PictureOptions,
    cache: Option<&Path>,
) -> Result<Opened, DataError> {
    let filed = Filed::of(folder)?;
    if let ([class], None) = (&filed.names[..], options.like) {
        return Err(DataError::OneClass { path: folder.to_owned(), class: class.clone() });
    }
    let kept = Kept::of(cache, folder, &filed, options);
    let Filed { paths, labels, names, test, notes } = filed;
    let list = List { name, paths: &paths, targets: Targets::Classes { labels, names }, test, notes };
    if let Some(decoded) = kept.as_ref().and_then(Kept::read) {
        return list.opened(decoded);
    }
    let decoded = decode(folder, &list, options, &|_, fault| fault)?;
    if let Some(kept) = kept {
        kept.write(&decoded);
    }
    list.opened(decoded)
}

/// Opens the pictures of a list that a file gives, likewise; nothing is kept of them. `placed` says of a fault which picture
/// of the list has it.
pub(in crate::data) fn open_list(
    source: &Path,
    list: List<'_>,
    options: &PictureOptions,
    placed: &dyn Fn(usize, DataError) -> DataError,
) -> Result<Opened, DataError> {
    let decoded = decode(source, &list, options, placed)?;
    list.opened(decoded)
}

/// Decodes all pictures of a list. What cannot be read is told of all files, or left out.
fn decode(
    source: &Path,
    list: &List<'_>,
    options: &PictureOptions,
    placed: &dyn Fn(usize, DataError) -> DataError,
) -> Result<Decoded, DataError> {
    let told =
        |faults: Vec<(usize, DataError)>| told(faults.into_iter().map(|(at, fault)| placed(at, fault)).collect());
    let heads = threads::map(list.paths, |path| Head::read(path));
    let (heads, mut faults) = apart(heads);
    let sizes: Vec<[usize; 2]> = heads.iter().flatten().map(|head| head.size).collect();
    if sizes.is_empty() {
        return Err(told(faults));
    }
    let (views, of_several) = Views::of(&sizes, options);
    check(list.paths, &heads, &views, options.like)?;
    let channels = match options.like {
        Some(Seen { shape, .. }) => shape[0],
        None if heads.iter().flatten().all(|head| head.is_grey) => 1,
        None => 3,
    };
    let test = list.test.clone().unwrap_or_default();
    let mut all = Together::new(source, &views, channels, &sizes)?;
    let places: Vec<usize> = (0..list.paths.len()).collect();
    let progress = Progress::new(list.paths.len());
    for piece in places.chunks((AT_ONCE / all.bytes_of_one()).max(threads::count())) {
        let made = threads::map(piece, |&at| {
            let row = heads[at].map(|_| read(&list.paths[at], &views, channels, !test.contains(&at)));
            progress.one();
            row
        });
        for (at, made) in piece.iter().zip(made) {
            match made {
                Some(Ok(row)) => all.add(*at, row),
                Some(Err(fault)) => faults.push((*at, fault)),
                None => {}
            }
        }
    }
    drop(progress);
    faults.sort_by_key(|(at, _)| *at);
    if !faults.is_empty() && (!options.skip_broken || all.is_empty()) {
        return Err(told(faults));
    }
    let left_out = faults.first().map(|(at, _)| left_out(faults.len(), list.paths.len(), &list.paths[*at]));
    Ok(all.finish(of_several, left_out))
}

/// That some pictures cannot be read, with the first of them.
pub(crate) fn left_out(count: usize, of: usize, first: &Path) -> String {
    format!("{count} of {of} pictures cannot be read and are left out, the first of them {}", first.display())
}

/// Reads and decodes one picture.
fn read(path: &Path, views: &Views, channels: usize, trained_on: bool) -> Result<Row, DataError> {
    let picture = Picture::read(path)?;
    let (kind, size) = (picture.kind(), picture.size());
    let (pixels, was_transparent) = picture.pixels(channels);
    match views.see(&pixels, size, trained_on) {
        Some(sight) => Ok(Row { kind, was_transparent, sight }),
        None => {
            let reason = "its start says another size".to_owned();
            Err(DataError::Picture { path: path.to_owned(), reason })
        }
    }
}

/// What is known of files, and the faults of the others with their places.
fn apart(heads: Vec<Result<Head, DataError>>) -> (Vec<Option<Head>>, Vec<(usize, DataError)>) {
    let mut faults = vec![];
    let known = heads.into_iter().enumerate().map(|(at, head)| head.map_err(|fault| faults.push((at, fault))).ok());
    (known.collect(), faults)
}

/// Refuses pictures that cannot be seen as is wanted.
fn check(paths: &[PathBuf], heads: &[Option<Head>], views: &Views, like: Option<Seen>) -> Result<(), DataError> {
    let known = || paths.iter().zip(heads).filter_map(|(path, head)| Some((path, head.as_ref()?.size)));
    if let (Some(Seen { framing: Framing::Cubic | Framing::Stretched, .. }), Some((first, wanted))) =
        (like, known().next())
        && let Some((path, found)) = known().find(|(_, size)| *size != wanted)
    {
        return Err(FolderError::OtherSize { path: path.clone(), found, first: first.clone(), wanted }.into());
    }
    known().try_for_each(|(path, size)| views.check(|| path.display().to_string(), size))
}

/// Several faults as one error.
fn told(mut faults: Vec<DataError>) -> DataError {
    match faults.len() {
        1 => faults.remove(0),
        _ => DataError::Several { faults: faults.into_iter().map(|fault| (fault, 0)).collect() },
    }
}

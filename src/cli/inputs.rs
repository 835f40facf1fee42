//! What is to be predicted: rows of tables, pictures, IDX files, arrays of NumPy.

mod array;

use super::args::{FormatArgs, Turns};
use super::{setting, show};
use crate::data::{self, DataError, Fields, Framing, Looks, Picture, Rendering, Unlike, Values, View};
use crate::error::Error;
use crate::export::Metadata;
use crate::threads;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How inputs are to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The file of the model.
    pub(super) model: &'a Path,
    pub(super) meta: &'a Metadata,
    pub(super) turns: Turns,
    /// Several looks at each picture; none where the model's own is taken.
    pub(super) views: &'a [View],
    pub(super) format: FormatArgs,
    /// Whether the fields of tables are kept as they stand in the file.
    pub(super) fields: bool,
}

/// Inputs of one file, and what each is called.
pub(super) struct Inputs {
    pub(super) names: Vec<String>,
    /// The rows of each input one behind the other: one, or one for each view.
    pub(super) values: Values,
    /// The fields of a table as they stand in the file, if they are asked for.
    pub(super) fields: Option<Fields>,
}

/// What was done to inputs or is to be said of them, with the first file and the number of them.
type Notes = BTreeMap<String, (String, usize)>;

/// The shorter side that a model's pictures are brought to.
pub(super) fn own_side(meta: &Metadata) -> usize {
    match meta.framing {
        Framing::Middle { short } => short,
        _ => input_side(meta),
    }
}

/// The shorter side of a model's input.
fn input_side(meta: &Metadata) -> usize {
    meta.input.iter().skip(1).copied().min().unwrap_or(1)
}

/// What is in a file, or why it is a picture that cannot be read.
type Read = Result<Inputs, DataError>;

/// Reads all files, with notes in sentences.
pub(super) fn read_all(paths: &[PathBuf], reading: Reading<'_>) -> Result<(Vec<Inputs>, Vec<String>), Error> {
    let (files, notes) = read_each(paths, reading)?;
    Ok((files.into_iter().collect::<Result<_, _>>()?, notes))
}

/// Reads all files, with notes in sentences; a picture that cannot be read has its fault in its place.
pub(super) fn read_each(paths: &[PathBuf], reading: Reading<'_>) -> Result<(Vec<Read>, Vec<String>), Error> {
    check_flags(reading)?;
    let read = threads::map(paths, |path| {
        let mut notes = Notes::new();
        read(path, reading, &mut notes).map(|inputs| (inputs, notes))
    });
    let (mut files, mut notes) = (vec![], Notes::new());
    for read in read {
        let (inputs, told) = read?;
        files.push(inputs);
        for (what, (first, count)) in told {
            notes.entry(what).or_insert((first, 0)).1 += count;
        }
    }
    let told = notes.into_iter().map(|(what, (first, count))| {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!("{first}{others}: {what}")
    });
    Ok((files, told.collect()))
}

/// Refuses flags for pictures where tables are read, and the reverse.
fn check_flags(Reading { model, meta, turns, views, format, .. }: Reading<'_>) -> Result<(), Error> {
    let views = (!views.is_empty()).then_some("--crops or --scales");
    let shown = model.display();
    let what = if let (false, Some(flag)) = (meta.encoding.is_empty(), turns.given().or(views)) {
        format!("{shown} takes rows of a table, and {flag} is for pictures: leave it out")
    } else if let (true, Some(flag)) = (meta.encoding.is_empty(), format.given()) {
        format!("{shown} takes pictures, and {flag} is for tables: leave it out")
    } else if let (true, Some(flags)) = (turns.center, views) {
        format!("--center lays the drawing in the middle, and {flags} look at parts of the picture: give one of them")
    } else if turns.center && meta.pictures.is_none() {
        format!(
            "{shown} does not say where the drawings lie that it was trained on, which --center needs: train it again"
        )
    } else if turns.center && !meta.pictures.as_ref().is_some_and(Looks::have_one_background) {
        format!("{shown} was trained on pictures with no common background, so --center has no drawing to find")
    } else {
        return Ok(());
    };
    Err(setting(what))
}

fn note(notes: &mut Notes, what: String, of: &str) {
    notes.entry(what).or_insert_with(|| (of.to_owned(), 0)).1 += 1;
}

fn read(path: &Path, reading: Reading<'_>, notes: &mut Notes) -> Result<Read, Error> {
    let Reading { meta, turns, format, fields, .. } = reading;
    let shown = path.display().to_string();
    if meta.encoding.is_empty() && data::is_table(path) {
        return Err(setting(format!("{shown} is a table, the model takes images")));
    }
    if !meta.encoding.is_empty() && data::is_picture(path) {
        return Err(setting(format!("{shown} is a picture, the model takes rows of a table")));
    }
    if data::is_array(path) {
        return array::read(path, reading).map(Ok);
    }
    if !meta.encoding.is_empty() {
        let affine = meta.normalize.affine(meta.input.iter().product());
        let table = data::read_features(path, format.format(), meta.trained(&affine), fields)?;
        table.notes.into_iter().for_each(|what| note(notes, what, &shown));
        let names = (1..=table.rows).map(|row| format!("{shown}:{row}")).collect();
        return Ok(Ok(Inputs { names, values: Values::Floats(table.values), fields: table.fields }));
    }
    let rendering = Rendering {
        shape: &meta.input,
        largest: meta.normalize.largest,
        looks: meta.pictures.as_ref(),
        invert: turns.invert,
        center: turns.center,
        framing: meta.framing,
        view: None,
    };
    let is_idx = match data::is_idx(path) {
        Ok(is_idx) => is_idx,
        Err(fault) => return Ok(Err(fault)),
    };
    if is_idx {
        if !reading.views.is_empty() {
            return Err(setting(format!("{shown} is no picture: --crops and --scales are for files of pictures")));
        }
        return idx(path, &rendering, notes).map(Ok);
    }
    let picture = match Picture::read(path) {
        Ok(picture) => picture,
        Err(fault) => return Ok(Err(fault)),
    };
    if !reading.views.is_empty() {
        let seen = reading.views.iter().map(|view| picture.row(&Rendering { view: Some(*view), ..rendering.clone() }));
        let rows = seen.map(|row| Ok(row?.bytes)).collect::<Result<Vec<_>, DataError>>()?;
        return Ok(Ok(Inputs { names: vec![shown], values: Values::Bytes(rows.concat()), fields: None }));
    }
    let row = picture.row(&rendering)?;
    if let Some(what) = row.note {
        note(notes, what, &shown);
    }
    advise(&picture, &row.bytes, &rendering, &shown, notes)?;
    Ok(Ok(Inputs { names: vec![shown], values: Values::Bytes(row.bytes), fields: None }))
}

fn idx(path: &Path, rendering: &Rendering<'_>, notes: &mut Notes) -> Result<Inputs, Error> {
    let shown = path.display().to_string();
    let images = data::read_images(path)?;
    let (found, wanted) = ([1, images.height, images.width], rendering.shape);
    let largest = images.bytes.iter().copied().max().unwrap_or(0);
    if f32::from(largest) > rendering.largest {
        let wants = rendering.largest;
        return Err(setting(format!(
            "{shown} has values up to {largest}, the model was trained on values up to {wants}"
        )));
    }
    let is_cut = matches!(rendering.framing, Framing::Middle { .. });
    let fits = if is_cut {
        true
    } else if wanted.len() == 3 {
        found[..] == *wanted
    } else {
        found.iter().product::<usize>() == wanted.iter().product::<usize>()
    };
    if !fits {
        let (of, wants) = (show::sizes(&found), show::sizes(wanted));
        return Err(setting(format!("{shown} has images of {of}, the model takes {wants}")));
    }
    let names: Vec<String> = (1..=images.count).map(|row| format!("{shown}:{row}")).collect();
    let turned = rendering.invert || rendering.center;
    let mut bytes = Vec::with_capacity(images.bytes.len());
    for (name, image) in names.iter().zip(images.bytes.chunks(images.height * images.width)) {
        // Most are as usual, and need not become pictures to be known as such.
        let usual = !is_cut
            && rendering.looks.is_none_or(|looks| looks.compare(image, &found, rendering.largest) == Unlike::default());
        if usual && !turned {
            bytes.extend(image);
            continue;
        }
        let picture = Picture::grey(path, image, [images.width as u32, images.height as u32], rendering.largest);
        let rendering = Rendering { shape: if is_cut { wanted } else { &found }, ..rendering.clone() };
        let row = if turned || is_cut { picture.row(&rendering)?.bytes } else { image.to_vec() };
        advise(&picture, &row, &rendering, name, notes)?;
        bytes.extend(row);
    }
    if turned {
        let done = [(rendering.invert, "inverted"), (rendering.center, "the drawings centred")];
        let done: Vec<&str> = done.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        note(notes, done.join(", "), &shown);
    }
    Ok(Inputs { names, values: Values::Bytes(bytes), fields: None })
}

/// Notes in what a picture is unlike those that the model was trained on, with the flag that helps.
fn advise(
    picture: &Picture,
    row: &[u8],
    rendering: &Rendering<'_>,
    name: &str,
    notes: &mut Notes,
) -> Result<(), Error> {
    let Some(looks) = rendering.looks else { return Ok(()) };
    let mut unlike = looks.compare(row, rendering.shape, rendering.largest);
    if unlike.blank {
        // Black on transparent, laid on black.
        let other = picture.row(&Rendering { invert: !rendering.invert, ..rendering.clone() })?;
        let other = looks.compare(&other.bytes, rendering.shape, rendering.largest);
        if !other.blank && !other.inverted {
            unlike = Unlike { inverted: true, ..other };
        }
    }
    let moved = unlike.moved && !rendering.center;
    let mut what = vec![];
    if unlike.inverted {
        what.push("it is bright where they are dark and dark where they are bright");
    }
    if unlike.shaded {
        what.push("it is brighter or darker than they are");
    }
    if unlike.blank {
        what.push("nothing is drawn on it");
    }
    if moved {
        what.push("its drawing is of another size or lies elsewhere");
    }
    if what.is_empty() {
        return Ok(());
    }
    let help = match (unlike.inverted, moved) {
        (true, _) if rendering.invert => ": leave --invert out",
        (true, true) => ": try --invert --center",
        (true, false) => ": try --invert",
        (false, true) => ": try --center",
        (false, false) => ": the answer may mean nothing",
    };
    note(notes, format!("unlike the pictures that the model was trained on: {}{help}", what.join(", ")), name);
    Ok(())
}

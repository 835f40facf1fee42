//! Validation and test rows that lie in files of their own.

use super::table::{Labelled, Like, read_split};
use super::{
    Affine, DataError, Dataset, Encoded, Normalize, Options, PictureOptions, Seen, Targets, Trained, Units, Values,
    is_arrays, is_path, labels_for, listed, name_of, open,
};
use std::ops::Range;
use std::path::Path;

/// Reads rows from another source for a data set that is encoded already: the columns of a table by name, with the
/// encoding and the classes of the data set, and pictures as its own are seen. Of images that have a test part of their own
/// that part is read. What was done to fields that were not as those trained on comes along, in clauses, and which groups
/// stand in the data set or in parts read before too, or which times are no later than theirs, where the rows are split by
/// such.
///
/// Of the options it takes `image`, `format` and `cache`, and whether pictures that cannot be read are left out.
///
/// # Errors
///
/// When the source cannot be read, or its rows are of another kind.
pub fn read_part(
    source: &str,
    options: &Options<'_>,
    like: &Encoded,
    units: Option<&mut Units>,
    data_dir: Option<&Path>,
) -> Result<(Dataset, Vec<String>), DataError> {
    let (mut part, notes) = read(source, options, like, units, data_dir)?;
    let rows = part.test.clone().unwrap_or(0..part.rows());
    part.keep(rows);
    Ok((part, notes))
}

/// The same with all rows of the source. If it has a test part of its own, that is the data set's.
///
/// # Errors
///
/// As [`read_part`].
pub fn read_whole(
    source: &str,
    options: &Options<'_>,
    like: &Encoded,
    data_dir: Option<&Path>,
) -> Result<(Dataset, Vec<String>), DataError> {
    read(source, options, like, None, data_dir)
}

fn read(
    source: &str,
    options: &Options<'_>,
    like: &Encoded,
    units: Option<&mut Units>,
    data_dir: Option<&Path>,
) -> Result<(Dataset, Vec<String>), DataError> {
    let path = Path::new(source);
    let of_arrays = is_path(source) && is_arrays(path);
    let is_table = is_path(source) && !path.is_dir() && !of_arrays;
    let (like, normalize) = (&like.dataset, &like.normalize);
    if !like.is_image() && !of_arrays {
        if !is_table {
            return Err(DataError::PartKind { name: source.to_owned(), wanted: "a table" });
        }
        let trained = Trained { encoding: &like.encoding, normalize, dialect: like.dialect.as_ref() };
        let wanted = (like.target.as_deref().unwrap_or_default(), units.as_ref().map(|units| units.column()));
        let Labelled { dataset: part, mut notes, unit } =
            read_split(path, options.format, trained, wanted, &like.targets)?;
        notes.iter_mut().for_each(|what| *what = format!("{}: {what}", part.name));
        if let Some(units) = units {
            notes.extend(units.meet(&part.name, unit)?);
        }
        return Ok((part, notes));
    }
    if is_table && options.image.is_none() {
        return Err(DataError::PartKind { name: source.to_owned(), wanted: "images" });
    }
    let task = of_arrays.then(|| like.targets.task());
    let seen = <[usize; 3]>::try_from(&like.shape[..]).ok().map(|shape| Seen { framing: like.framing, shape });
    let pictures =
        PictureOptions { like: seen, skip_broken: options.pictures.skip_broken, ..PictureOptions::default() };
    let of_pictures = Options { task, pictures, cache: options.cache, ..Options::default() };
    let opened = if is_table {
        let (image, format, target) = (options.image, options.format, like.target.as_deref());
        let known = Like { targets: &like.targets, dialect: like.dialect.as_ref() };
        listed::open(name_of(path), path, &Options { image, format, target, ..of_pictures }, Some(known))?
    } else {
        open(source, &of_pictures, data_dir)?
    };
    let told = opened.notes.iter().map(|what| format!("{}: {what}", opened.name)).collect::<Vec<_>>();
    let all: Vec<u32> = (0..opened.rows() as u32).collect();
    let Encoded { dataset: mut part, notes, .. } = opened.encode(&all, Normalize::None)?;
    if (&part.shape, part.largest, &part.columns) != (&like.shape, like.largest, &like.columns) {
        let (found, wanted) = (part.shape, like.shape.clone());
        return Err(DataError::PartShape { name: part.name, found, wanted });
    }
    let kind = |targets: &Targets| (targets.what(), targets.classes().map_or(targets.names().len(), |_| 1));
    let [found, wanted] = [&part.targets, &like.targets].map(kind);
    if found != wanted {
        let [found, wanted] = [found, wanted].map(|(what, count)| format!("{what} ({count} a row)"));
        return Err(DataError::PartTargets { name: part.name, found, wanted });
    }
    part.normalize(normalize);
    Ok((part, told.into_iter().chain(notes).collect()))
}

impl Dataset {
    /// Keeps some rows alone. None of them are a test part then.
    fn keep(&mut self, rows: Range<usize>) {
        fn cut<T: Clone>(values: &mut Vec<T>, rows: &Range<usize>, width: usize) {
            values.truncate(rows.end * width);
            values.drain(..rows.start * width);
        }
        let (features, names) = (self.features(), self.targets.names().len());
        match &mut self.values {
            Values::Bytes(bytes) => cut(bytes, &rows, features),
            Values::Floats(floats) => cut(floats, &rows, features),
        }
        match &mut self.targets {
            Targets::Classes { labels, .. } => cut(labels, &rows, 1),
            Targets::Labels { values, .. } => cut(values, &rows, names),
            Targets::Numbers { values, .. } => cut(values, &rows, names),
        }
        self.test = None;
    }

    /// Normalises floats that are not yet, as those of a model or of other rows are. Bytes are normalised on the device.
    pub fn normalize(&mut self, affine: &Affine) {
        let features = self.features();
        if let Values::Floats(values) = &mut self.values {
            let of_features = values.iter_mut().enumerate();
            of_features.for_each(|(at, value)| *value = affine.apply(at % features, f64::from(*value)) as f32);
        }
    }

    /// Adds the rows of another data set of the same encoding at the end, and gives their places.
    ///
    /// # Errors
    ///
    /// When it has a class that this one does not have, or the rows are more than can be numbered.
    ///
    /// # Panics
    ///
    /// When rows or targets are of another kind, which [`read_part`] refuses.
    pub fn append(&mut self, other: Self) -> Result<Range<u32>, DataError> {
        let (first, rows) = (self.rows(), self.rows() + other.rows());
        let too_many = |_| DataError::TooManyRows { name: self.name.clone(), rows };
        let range = first as u32..u32::try_from(rows).map_err(too_many)?;
        let new = labels_for(&other, self.targets.names());
        match (&mut self.targets, other.targets) {
            (Targets::Classes { labels, .. }, Targets::Classes { .. }) => labels.extend(new.map_err(new_class)?),
            (Targets::Labels { values, .. }, Targets::Labels { values: more, .. }) => values.extend(more),
            (Targets::Numbers { values, .. }, Targets::Numbers { values: more, .. }) => values.extend(more),
            (targets, _) => panic!("{}: the rows to be added have other targets than {}", other.name, targets.what()),
        }
        match (&mut self.values, other.values) {
            (Values::Bytes(values), Values::Bytes(more)) => values.extend(more),
            (Values::Floats(values), Values::Floats(more)) => values.extend(more),
            _ => panic!("{}: the rows to be added are of another kind", other.name),
        }
        if let Some(pool) = &mut self.pool {
            // Nobody trains on them.
            pool.push_none(rows - pool.places.len());
        }
        Ok(range)
    }
}

/// Says of an unknown class that the rows to train on lack it.
fn new_class(error: DataError) -> DataError {
    match error {
        DataError::UnknownClass { name, class, known } => DataError::NewClass { name, class, known },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::fixture::{idx_folder, write};
    use crate::data::{Fractions, Framing, Place, split};

    /// The rows of a table, encoded, and those of a second one read for them.
    fn parts(train: &str, part: &str, target: &str) -> Result<(Dataset, Range<u32>, Vec<String>), DataError> {
        let dir = tempfile::tempdir().unwrap();
        let [train, part] =
            [("train.csv", train), ("part.csv", part)].map(|(name, text)| write(dir.path(), name, text.as_bytes()));
        let opened = open(train.to_str().unwrap(), &Options { target: Some(target), ..Options::default() }, None)?;
        let rows: Vec<u32> = (0..opened.rows() as u32).collect();
        let mut encoded = opened.encode(&rows, Normalize::None)?;
        let (other, notes) = read_part(part.to_str().unwrap(), &Options::default(), &encoded, None, None)?;
        let range = encoded.dataset.append(other)?;
        Ok((encoded.dataset, range, notes))
    }

    #[test]
    fn a_file_is_read_by_the_columns_and_classes_of_the_training_file() {
        let train = "x,colour,y\n1,red,b\n2,blue,a\n4,red,b\n";
        let (dataset, range, notes) = parts(train, "other,y,colour,x\n7,a,blue,3\n8,b,green,5\n", "y").unwrap();
        assert_eq!((range, dataset.rows(), dataset.columns.len()), (3..5, 5, 3));
        assert_eq!(dataset.targets.classes().unwrap().0, [1, 0, 1, 0, 1]);
        let Values::Floats(values) = &dataset.values else { panic!("a table has floats") };
        // Blue is the first colour; green is none of those trained on.
        assert_eq!(values[9..], [3.0, 1.0, 0.0, 5.0, 0.0, 0.0]);
        assert!(notes.iter().any(|note| note.contains("colour (1 row")), "{notes:?}");
        let (dataset, ..) = parts("x,y\n1,0.5\n2,1.5\n", "y,x\n9.5,4\n", "y").unwrap();
        assert_eq!(dataset.targets.rows(), 3);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let train = "x,colour,y\n1,red,b\n2,blue,a\n4,red,b\n";
        let refusal = |part| parts(train, part, "y").unwrap_err().to_string();
        let message = refusal("x,colour,y\n1,red,B\n");
        assert!(
            message.contains("part.csv") && message.contains("class \"B\"") && message.contains("\"b\""),
            "{message}"
        );
        assert!(!message.contains("model"), "{message}");
        assert!(refusal("x,y\n1,b\n").contains("\"colour\""));
        assert!(refusal("x,colour\n1,red\n").contains("\"y\""));
    }

    #[test]
    fn images_are_added_to_images_of_their_size() {
        let dir = tempfile::tempdir().unwrap();
        idx_folder(dir.path());
        let source = dir.path().to_str().unwrap();
        let opened = open(source, &Options::default(), None).unwrap();
        let train = split(&opened, Fractions { validation: 0.0, test: 0.0 }, 1).unwrap().train;
        let mut encoded = opened.encode(&train, Normalize::None).unwrap();
        let (part, _) = read_part(source, &Options::default(), &encoded, None, None).unwrap();
        // Its test part, two images with the labels 10 and 3.
        assert_eq!((part.rows(), part.values.len()), (2, 4));
        assert_eq!(encoded.dataset.append(part).unwrap(), 6..8);
        let dataset = &encoded.dataset;
        assert_eq!(dataset.targets.classes().unwrap().0[6..], dataset.targets.classes().unwrap().0[4..6]);
        assert!(encoded.dataset.pool.is_none());
        assert!(matches!(
            read_part("digits", &Options::default(), &encoded, None, None),
            Err(DataError::PartShape { .. })
        ));
        assert!(matches!(
            read_part("some.csv", &Options::default(), &encoded, None, None),
            Err(DataError::PartKind { .. })
        ));
    }

    /// The middle of 6x4 of the digits; the pictures in full follow the rows, and those of a part to test on have none.
    #[test]
    fn pictures_that_are_cut_are_kept_in_full() {
        let (crop, scale) = ("6x4 padding=1".parse().ok(), None);
        let pictures = PictureOptions { crop, scale, ..PictureOptions::default() };
        let options = Options { pictures, ..Options::default() };
        let whole = open("digits", &Options::default(), None).unwrap().encode(&[], Normalize::None).unwrap().dataset;
        let mut encoded = open("digits", &options, None).unwrap().encode(&[], Normalize::None).unwrap();
        assert_eq!((&encoded.dataset.shape, encoded.dataset.framing), (&vec![1, 6, 4], Framing::Middle { short: 8 }));
        let (Values::Bytes(all), Values::Bytes(cut)) = (&whole.values, &encoded.dataset.values) else {
            panic!("bytes")
        };
        assert_eq!(cut[..4], all[8 + 2..8 + 6]);
        assert_eq!(cut.len(), 24 * whole.rows());
        let pool = encoded.dataset.pool.as_ref().unwrap();
        assert_eq!((&pool.bytes, pool.places.len()), (all, whole.rows()));
        assert_eq!(pool.places[2], Place { offset: 128, height: 8, width: 8 });
        // The rows of another source are seen in the same way.
        let (part, _) = read_part("digits", &options, &encoded, None, None).unwrap();
        assert_eq!((&part.values, &part.pool), (&encoded.dataset.values, &None));
        encoded.dataset.append(part).unwrap();
        let places = &encoded.dataset.pool.as_ref().unwrap().places;
        assert_eq!((places.len(), places[1797]), (2 * 1797, Place::default()));
        // Brought to another size first: a row of equal values stays such.
        let (crop, scale) = (None, "5..7".parse().ok());
        let pictures = PictureOptions { crop, scale, ..PictureOptions::default() };
        let scaled = open("digits", &Options { pictures, ..Options::default() }, None).unwrap();
        assert_eq!((scaled.framing, scaled.pool.unwrap().places[1].height), (Framing::Middle { short: 6 }, 7));
        let crop = "9".parse().ok();
        let refused =
            open("digits", &Options { pictures: PictureOptions { crop, ..options.pictures }, ..options }, None);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("each picture of digits has 8x8 pixels") && message.contains("9x9"), "{message}");
    }
}

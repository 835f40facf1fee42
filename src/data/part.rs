//! Validation and test rows that lie in files of their own.

use super::table::{Labelled, read_split};
use super::{
    DataError, Dataset, Encoded, Format, Normalize, Options, Targets, Trained, Units, Values, is_path, labels_for, open,
};
use std::ops::Range;
use std::path::Path;

/// Reads rows from another source for a data set that is encoded already: the columns of a table by name, with the
/// encoding and the classes of the data set, and images of its size. Of images that have a test part of their own that
/// part is read. What was done to fields that were not as those trained on comes along, in clauses, and which groups stand
/// in the data set or in parts read before too, or which times are no later than theirs, where the rows are split by such.
///
/// # Errors
///
/// When the source cannot be read, or its rows are of another kind.
pub fn read_part(
    source: &str,
    format: Format,
    like: &Encoded,
    units: Option<&mut Units>,
    data_dir: Option<&Path>,
) -> Result<(Dataset, Vec<String>), DataError> {
    let path = Path::new(source);
    let is_table = is_path(source) && !path.is_dir();
    let (like, normalize) = (&like.dataset, &like.normalize);
    if !like.is_image() {
        if !is_table {
            return Err(DataError::PartKind { name: source.to_owned(), wanted: "a table" });
        }
        let trained = Trained { encoding: &like.encoding, normalize, dialect: like.dialect.as_ref() };
        let wanted = (like.target.as_deref().unwrap_or_default(), units.as_ref().map(|units| units.column()));
        let Labelled { dataset: part, mut notes, unit } = read_split(path, format, trained, wanted, &like.targets)?;
        notes.iter_mut().for_each(|what| *what = format!("{}: {what}", part.name));
        if let Some(units) = units {
            notes.extend(units.meet(&part.name, unit)?);
        }
        return Ok((part, notes));
    }
    if is_table {
        return Err(DataError::PartKind { name: source.to_owned(), wanted: "images" });
    }
    let opened = open(source, &Options::default(), data_dir)?;
    let rows = opened.test.clone().unwrap_or(0..opened.rows());
    let Encoded { dataset: mut part, notes, .. } = opened.encode(&[], Normalize::None)?;
    if (&part.shape, part.largest) != (&like.shape, like.largest) {
        let (found, wanted) = (part.shape, like.shape.clone());
        return Err(DataError::PartShape { name: part.name, found, wanted });
    }
    if let (Values::Bytes(bytes), Targets::Classes { labels, .. }) = (&mut part.values, &mut part.targets) {
        let features = part.shape.iter().product::<usize>();
        *bytes = bytes[rows.start * features..rows.end * features].to_vec();
        *labels = labels[rows].to_vec();
    }
    part.test = None;
    Ok((part, notes))
}

impl Dataset {
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
    use crate::data::{Fractions, split};

    /// The rows of a table, encoded, and those of a second one read for them.
    fn parts(train: &str, part: &str, target: &str) -> Result<(Dataset, Range<u32>, Vec<String>), DataError> {
        let dir = tempfile::tempdir().unwrap();
        let [train, part] =
            [("train.csv", train), ("part.csv", part)].map(|(name, text)| write(dir.path(), name, text.as_bytes()));
        let opened = open(train.to_str().unwrap(), &Options { target: Some(target), ..Options::default() }, None)?;
        let rows: Vec<u32> = (0..opened.rows() as u32).collect();
        let mut encoded = opened.encode(&rows, Normalize::None)?;
        let (other, notes) = read_part(part.to_str().unwrap(), Format::default(), &encoded, None, None)?;
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
        let (part, _) = read_part(source, Format::default(), &encoded, None, None).unwrap();
        // Its test part, two images with the labels 10 and 3.
        assert_eq!((part.rows(), part.values.len()), (2, 4));
        assert_eq!(encoded.dataset.append(part).unwrap(), 6..8);
        let dataset = &encoded.dataset;
        assert_eq!(dataset.targets.classes().unwrap().0[6..], dataset.targets.classes().unwrap().0[4..6]);
        assert!(matches!(
            read_part("digits", Format::default(), &encoded, None, None),
            Err(DataError::PartShape { .. })
        ));
        assert!(matches!(
            read_part("some.csv", Format::default(), &encoded, None, None),
            Err(DataError::PartKind { .. })
        ));
    }
}

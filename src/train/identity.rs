//! Whether data are those of the run that is to go on with them.

use super::job::Job;
use crate::data::{Dataset, Encoding, Targets, Values};
use crate::export::{Fingerprint, Metadata, PartFingerprint};
use crate::names::{few, short};
use crate::shape::Shape;
use xxhash_rust::xxh3::xxh3_64;

impl Job {
    /// In what the data differ from those of a run whose resumable state has this description, if they do. Where that has no
    /// fingerprint, columns, target, classes and normalisation are compared, but not the rows.
    pub fn difference_from(&self, run: &Metadata) -> Option<String> {
        difference(self, &fingerprint(self), run)
    }
}

/// What tells the data of a job from others.
pub(super) fn fingerprint(job: &Job) -> Fingerprint {
    let (data, split) = (&job.dataset, &job.split);
    let (inputs, targets) = (input_hashes(data), target_hashes(&data.targets));
    let row = |(input, target): (&u64, &u64)| hash_of(&[*input, *target]);
    let unordered = inputs.iter().zip(&targets).map(row).fold(0, u64::wrapping_add);
    let part = |rows: &[u32]| PartFingerprint {
        rows: rows.len() as u64,
        numbers: text(hash_of(&rows.iter().map(|&row| u64::from(row)).collect::<Vec<_>>())),
        inputs: of_rows(&inputs, rows),
        targets: of_rows(&targets, rows),
    };
    let [train, validation, test] = [&split.train, &split.validation, &split.test].map(|rows| part(rows));
    Fingerprint { unordered: text(unordered), train, validation, test }
}

fn of_rows(hashes: &[u64], rows: &[u32]) -> String {
    text(hash_of(&rows.iter().map(|&row| hashes[row as usize]).collect::<Vec<_>>()))
}

fn text(hash: u64) -> String {
    format!("{hash:016x}")
}

/// The same on machines of either byte order.
fn hash_of(numbers: &[u64]) -> u64 {
    xxh3_64(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

/// A hash of the inputs of each row.
fn input_hashes(data: &Dataset) -> Vec<u64> {
    let features = data.features().max(1);
    match &data.values {
        Values::Bytes(bytes) => bytes.chunks(features).map(xxh3_64).collect(),
        Values::Floats(floats) => row_hashes(floats, features, f32::to_le_bytes),
    }
}

/// A hash of the target of each row.
fn target_hashes(targets: &Targets) -> Vec<u64> {
    match targets {
        Targets::Classes { labels, .. } => row_hashes(labels, 1, u32::to_le_bytes),
        Targets::Labels { values, names } => row_hashes(values, names.len().max(1), f32::to_le_bytes),
        Targets::Numbers { values, names } => row_hashes(values, names.len().max(1), f64::to_le_bytes),
    }
}

fn row_hashes<T: Copy, const N: usize>(values: &[T], width: usize, bytes: fn(T) -> [u8; N]) -> Vec<u64> {
    let mut row_bytes = Vec::with_capacity(width * N);
    let hash = |row: &[T]| {
        row_bytes.clear();
        row_bytes.extend(row.iter().flat_map(|&value| bytes(value)));
        xxh3_64(&row_bytes)
    };
    values.chunks(width).map(hash).collect()
}

/// In what the data of a job differ from those of a run, if they do: by what the run's file says of its columns, target and
/// classes, and then by the fingerprint in it, if it has one.
pub(super) fn difference(job: &Job, own: &Fingerprint, run: &Metadata) -> Option<String> {
    let data = &job.dataset;
    let shape = job.input_shape().unwrap_or_else(|_| data.shape.clone());
    columns(&data.encoding, &run.encoding)
        .or_else(|| (shape != run.input).then(|| instead("a row is", &Shape(shape), &Shape(run.input.clone()))))
        .or_else(|| {
            let named = |target: &Option<String>| target.clone().unwrap_or_else(|| "none".into());
            (data.target != run.target).then(|| instead("the target is", &named(&data.target), &named(&run.target)))
        })
        .or_else(|| {
            let names = data.targets.names();
            (names != run.classes).then(|| instead("the classes are", &few(names), &few(&run.classes)))
        })
        .or_else(|| rows(own, run.fingerprint.as_ref()?))
        .or_else(|| scale(job, run))
}

/// Which features have another normalisation than in the run: their values have changed, though normalised they may be the
/// same.
fn scale(job: &Job, run: &Metadata) -> Option<String> {
    let (here, features) = (&job.normalize.1, job.dataset.features());
    let there = run.normalize.affine(features);
    let differing: Vec<usize> = (0..features).filter(|&i| !here.agrees(&there, i)).collect();
    let named = |&i: &usize| job.dataset.columns.get(i).map_or_else(|| format!("{i}"), |name| short(name));
    let names: Vec<String> = differing.iter().map(named).collect();
    (!names.is_empty()).then(|| format!("these features have other values than in the run: {}", few(&names)))
}

fn instead(what: &str, here: &impl std::fmt::Display, run: &impl std::fmt::Display) -> String {
    format!("{what} {here}, and in the run {run}")
}

/// In what columns differ: their names, their order, or what they become.
fn columns(here: &Encoding, run: &Encoding) -> Option<String> {
    let names = |encoding: &Encoding| encoding.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let (ours, theirs) = (names(here), names(run));
    if ours != theirs {
        let what = if sorted(ours.clone()) == sorted(theirs.clone()) {
            "the columns stand in another order: they are"
        } else {
            "the columns are"
        };
        return Some(instead(what, &few(&ours), &few(&theirs)));
    }
    let features = |encoding: &Encoding, i: usize| Encoding { columns: vec![encoding.columns[i].clone()] }.features();
    let other: Vec<String> =
        (0..ours.len()).filter(|&i| features(here, i) != features(run, i)).map(|i| ours[i].clone()).collect();
    (!other.is_empty())
        .then(|| format!("what these columns hold is encoded otherwise than in the run: {}", few(&other)))
}

/// In what the rows of the parts differ.
fn rows(here: &Fingerprint, run: &Fingerprint) -> Option<String> {
    if here == run {
        return None;
    }
    let parts = [
        ("train on", &here.train, &run.train),
        ("validate on", &here.validation, &run.validation),
        ("test on", &here.test, &run.test),
    ];
    if let Some((what, ours, theirs)) = parts.iter().find(|(_, ours, theirs)| ours.rows != theirs.rows) {
        return Some(format!("there are {} rows to {what}, and in the run {}", ours.rows, theirs.rows));
    }
    if here.unordered == run.unordered {
        return Some("the rows stand in another order".into());
    }
    if parts.iter().any(|(_, ours, theirs)| ours.numbers != theirs.numbers) {
        return Some("the targets of some rows have changed, or what else splits the rows into parts".into());
    }
    let differing = |of: fn(&PartFingerprint) -> &str| {
        let differing = parts.iter().filter(|(_, ours, theirs)| of(ours) != of(theirs));
        differing.map(|(what, ..)| *what).collect::<Vec<_>>().join(" and ")
    };
    let (inputs, targets) = (differing(|part| &part.inputs), differing(|part| &part.targets));
    Some(match (inputs.as_str(), targets.as_str()) {
        (inputs, "") => format!("the inputs of rows to {inputs} have changed, or the order of these rows"),
        ("", targets) => format!("the targets of rows to {targets} have changed"),
        (inputs, targets) => {
            format!("the inputs of rows to {inputs} and the targets of rows to {targets} have changed")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that must stay what they are: files hold them. The first is XXH3's own for an empty input.
    #[test]
    fn hashes_do_not_change_with_versions_or_machines() {
        assert_eq!(text(xxh3_64(b"")), "2d06800538d394c2");
        assert_eq!(
            text(hash_of(&[1, 2, 3])),
            text(xxh3_64(&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]))
        );
    }

    fn part(rows: u64, numbers: &str, inputs: &str, targets: &str) -> PartFingerprint {
        let [numbers, inputs, targets] = [numbers, inputs, targets].map(str::to_owned);
        PartFingerprint { rows, numbers, inputs, targets }
    }

    fn print(unordered: &str, train: PartFingerprint) -> Fingerprint {
        let [validation, test] = [part(1, "v", "v", "v"), part(1, "t", "t", "t")];
        Fingerprint { unordered: unordered.into(), train, validation, test }
    }

    #[test]
    fn what_differs_is_named() {
        let run = print("all", part(9, "n", "i", "t"));
        assert_eq!(rows(&run, &run), None);
        for (other, names) in [
            (print("all", part(9, "x", "x", "x")), "another order"),
            (print("other", part(8, "x", "x", "x")), "8 rows to train on, and in the run 9"),
            (print("other", part(9, "n", "x", "t")), "the inputs of rows to train on"),
            (print("other", part(9, "n", "i", "x")), "the targets of rows to train on"),
            (print("other", part(9, "n", "x", "x")), "and the targets of rows to train on"),
            (print("other", part(9, "x", "x", "x")), "splits the rows"),
        ] {
            let what = rows(&other, &run).unwrap_or_default();
            assert!(what.contains(names), "{what}, not {names}");
        }
    }
}

//! Which arrays are rows and targets, by their names.

use crate::data::DataError;
use crate::data::arrays_error::ArraysError;
use std::path::Path;

/// What rows are called, and their targets.
const PAIRS: [[&str; 2]; 5] = [["x", "y"], ["X", "y"], ["images", "labels"], ["data", "target"], ["data", "targets"]];
/// The parts of a set, and what they are called in names.
const PARTS: [(Part, &[&str]); 3] =
    [(Part::Train, &["train"]), (Part::Validation, &["val", "valid", "validation"]), (Part::Test, &["test"])];

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

/// The arrays of a set, by part: those to train on come first, those to test on last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The part, the name of the rows and that of their targets.
    pub(super) parts: Vec<(Part, [String; 2])>,
    /// What the targets are called, without the part.
    pub(super) target: &'static str,
}

/// Where the part stands in a name.
#[derive(Clone, Copy)]
enum Style {
    /// It comes last, as in `x_train`.
    Behind,
    /// It comes first, as in `train_images`.
    Before,
    /// `x`, of rows to train on; other parts have their names.
    Nowhere,
}

/// Chooses the arrays of a set.
pub(super) fn choose(path: &Path, names: &[String]) -> Result<Chosen, DataError> {
    let path = || path.to_owned();
    let (mut found, mut half) = (vec![], None);
    for style in [Style::Behind, Style::Before, Style::Nowhere] {
        for pair in PAIRS {
            let train = name(pair, style, "train");
            match there(&train, names) {
                [true, true] => found.push((pair, style, train)),
                [false, false] => {}
                has => half = half.or(Some((has, train))),
            }
        }
    }
    if found.len() > 1 {
        let pairs = found.iter().map(|(.., [rows, targets])| format!("{rows} and {targets}")).collect();
        return Err(ArraysError::Several { path: path(), pairs }.into());
    }
    let Some((pair, style, train)) = found.pop() else {
        return Err(match half {
            Some((has, train)) => lacking(&path(), has, train),
            None => ArraysError::None { path: path(), arrays: names.to_vec() }.into(),
        });
    };
    let styles: &[Style] = match &style {
        Style::Nowhere => &[Style::Behind, Style::Before],
        style => std::slice::from_ref(style),
    };
    let mut parts = vec![(Part::Train, train)];
    for (part, words) in PARTS.into_iter().skip(1) {
        let all = words.iter().flat_map(|word| styles.iter().map(|&style| name(pair, style, word)));
        if let Some(names_of) = all.into_iter().find(|pair| there(pair, names).contains(&true)) {
            match there(&names_of, names) {
                [true, true] => parts.push((part, names_of)),
                has => return Err(lacking(&path(), has, names_of)),
            }
        }
    }
    Ok(Chosen { parts, target: pair[1] })
}

fn name(pair: [&str; 2], style: Style, part: &str) -> [String; 2] {
    pair.map(|stem| match style {
        Style::Behind => format!("{stem}_{part}"),
        Style::Before => format!("{part}_{stem}"),
        Style::Nowhere => stem.to_owned(),
    })
}

fn there(pair: &[String; 2], names: &[String]) -> [bool; 2] {
    [0, 1].map(|which| names.contains(&pair[which]))
}

/// Says which of two arrays is not there.
fn lacking(path: &Path, there: [bool; 2], [rows, targets]: [String; 2]) -> DataError {
    let (has, lacks) = if there[0] { (rows, targets) } else { (targets, rows) };
    ArraysError::Half { path: path.to_owned(), has, lacks }.into()
}

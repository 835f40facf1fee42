//! Why two runs cannot be ranked: what differs between them beside what a comparison is to judge.

use super::super::runs::{Run, Tested};
use crate::data::Values;
use crate::export::{Fingerprint, Metadata};
use crate::train::{Recipe, SETTINGS};

/// Difference of two inputs, as a share of the larger, up to which they are the same but for rounding in normalisation.
const SAME: f64 = 1e-4;

/// Why a run is not ranked beside the first, in a clause, by what their files say.
pub(super) fn by_files(run: &Run, first: &Run) -> Option<String> {
    let augmentation = differing(&run.recipe, &first.recipe, "augment");
    if !augmentation.is_empty() {
        return Some(format!("it was trained with other augmentation ({})", augmentation.join(", ")));
    }
    match (&run.state, &first.state) {
        (Some(own), Some(other)) => by_question(own, other).or_else(|| {
            own.fingerprint.as_ref().zip(other.fingerprint.as_ref()).map_or_else(
                || Some("a run of an earlier version does not say what its data were".into()),
                |(own, other)| by_rows(own, other, inputs_are_alike(run, first)),
            )
        }),
        (None, _) => Some("it has no last.safetensors, which says what its data were".into()),
        (_, None) => Some("the first run has no last.safetensors, which says what its data were".into()),
    }
}

/// Whether equal rows have equal inputs in both runs. Those of a table are known after they were normalised by the run's own
/// training part, and as its settings say.
fn inputs_are_alike(run: &Run, first: &Run) -> bool {
    let is_table = run.state.as_ref().is_some_and(|state| !state.encoding.is_empty());
    let train = [run, first].map(|run| Some(&run.state.as_ref()?.fingerprint.as_ref()?.train.numbers));
    !is_table
        || train[0] == train[1] && differing(&run.recipe, &first.recipe, "data").iter().all(|name| *name == "source")
}

/// The settings of a section that differ.
fn differing(own: &Recipe, other: &Recipe, section: &str) -> Vec<&'static str> {
    let of = SETTINGS.iter().filter(|setting| setting.section == section);
    let differs = of.filter(|setting| (setting.to_toml)(setting, own) != (setting.to_toml)(setting, other));
    differs.map(|setting| setting.name).collect()
}

/// In what the questions differ.
fn by_question(own: &Metadata, other: &Metadata) -> Option<String> {
    if own.answer != other.answer || own.target != other.target {
        return Some("it answers another target".into());
    }
    (own.classes != other.classes).then(|| "it answers other classes".into())
}

/// In what the rows differ; their inputs are looked at where equal rows have equal ones.
fn by_rows(own: &Fingerprint, other: &Fingerprint, inputs_are_alike: bool) -> Option<String> {
    let (test, train) = ([&own.test, &other.test], [&own.train, &other.train]);
    let count = |rows: &[u64; 2], of: &str| format!("it has {} rows to {of}, and the first run {}", rows[0], rows[1]);
    if test[0].rows != test[1].rows {
        return Some(count(&test.map(|part| part.rows), "test on"));
    }
    if test[0].rows == 0 {
        return Some("the runs have no test part".into());
    }
    if test[0].numbers != test[1].numbers {
        return Some("it is tested on other rows: give the runs one seed and one test part".into());
    }
    if test[0].targets != test[1].targets {
        return Some("the targets of its test rows are others".into());
    }
    if train[0].rows != train[1].rows {
        return Some(count(&train.map(|part| part.rows), "train on"));
    }
    let same_rows = train[0].numbers == train[1].numbers;
    if same_rows && train[0].targets != train[1].targets || inputs_are_alike && own.unordered != other.unordered {
        return Some("it has other data".into());
    }
    None
}

/// Why a run is not ranked beside the first, in a clause, by the data themselves.
pub(super) fn by_data(run: &Tested, first: &Tested) -> Option<String> {
    let columns = [run, first].map(|tested| &tested.job.dataset.columns);
    let differ = match [run, first].map(|tested| &tested.job.dataset.values) {
        [Values::Bytes(own), Values::Bytes(other)] => own != other,
        // With other columns the rows may be the same: these are a choice that a comparison judges.
        [Values::Floats(_), Values::Floats(_)] if columns[0] != columns[1] => false,
        [Values::Floats(own), Values::Floats(other)] => {
            let raw = |tested: &Tested, at: usize, value: f32| {
                let affine = &tested.job.normalize.1;
                let feature = at % affine.factor.len();
                f64::from(value) / affine.factor[feature] + affine.offset[feature]
            };
            let differs = |at: usize| {
                let (a, b) = (raw(run, at, own[at]), raw(first, at, other[at]));
                let unit = [run, first].map(|tested| {
                    let factor = &tested.job.normalize.1.factor;
                    (1.0 / factor[at % factor.len()]).abs()
                });
                (a - b).abs() > SAME * a.abs().max(b.abs()).max(unit[0].max(unit[1]))
            };
            own.len() != other.len() || (0..own.len()).any(differs)
        }
        _ => true,
    };
    differ.then(|| "the inputs of its test rows are others".into())
}

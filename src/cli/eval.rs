//! `wgrad eval`

pub(super) mod importance;
mod pictures;
mod rows;

use super::args::{EvalArgs, FormatArgs, Turns, ViewArgs};
use super::inputs::{self, Reading};
use super::result::{self, Naming};
use super::say::{self, note, say};
use super::{data_dir, open_device, setting, show};
use crate::data::{self, DataError, Dataset, Normalize, PictureOptions, Seen, Targets, Values};
use crate::error::Error;
use crate::export::{Ensemble, Metadata};
use crate::kernel::Precision;
use crate::metrics::assess;
use crate::names;
use crate::nn::{Answer, Problem};
use crate::run::{Answerer, Mean};
use importance::Columns;
use rows::{Judged, Wanted};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Rows that are asked for to judge a model by, and how they are read.
pub(super) struct Asked<'a> {
    /// The file of the model.
    pub(super) model: &'a Path,
    pub(super) meta: &'a Metadata,
    /// Data set name, table, or folder.
    pub(super) source: &'a str,
    /// Target column of a table, if not the model's.
    pub(super) target: Option<&'a str>,
    pub(super) format: FormatArgs,
    pub(super) turns: Turns,
    pub(super) views: &'a ViewArgs,
    /// Whether pictures that cannot be read are left out.
    pub(super) skip_broken: bool,
}

/// Rows to judge a model by, with their targets in the order of the model's classes.
pub(super) struct Labelled {
    pub(super) dataset: Dataset,
    pub(super) targets: Targets,
    /// The set's own test part, or every row.
    pub(super) rows: Range<usize>,
    /// Of these rows.
    pub(super) inputs: Values,
    /// What the user should know of them.
    pub(super) notes: Vec<String>,
    /// The file of each row, of pictures in files.
    paths: Vec<PathBuf>,
}

/// The rows to judge by, what the user should know of them, and the files of single pictures.
struct Opened {
    dataset: Dataset,
    notes: Vec<String>,
    /// The file of each row, of pictures in files.
    paths: Vec<PathBuf>,
}

pub(super) fn run(args: &EvalArgs) -> Result<u8, Error> {
    args.masks.check()?;
    let (model, converted) = Ensemble::open(&args.model)?;
    let meta = model.described()?;
    importance::check(args, meta)?;
    let source = pictures::only(&args.data)?;
    let wanted = Wanted::read(args, meta, source)?;
    let (model_file, target) = (&args.model, args.target.as_deref());
    let (format, turns, views, skip_broken) = (args.format, args.turns, &args.views, args.skip_broken);
    let asked = Asked { model: model_file, meta, source, target, format, turns, views, skip_broken };
    let Labelled { dataset, targets, rows, inputs, notes, paths } = labelled(&asked)?;
    wanted.check_fit(&dataset, source)?;
    let views = (dataset.values.len() / (dataset.features() * dataset.rows()).max(1)).max(1);
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let bytes = matches!(inputs, Values::Bytes(_));
    let mut answerer = Answerer::for_inputs(&model, bytes, args.masks.samples.map(|_| args.masks.seed), &device)?;
    let (outputs, problem) = outputs(&mut answerer, (&inputs, views), args.masks.samples)?;
    refuse_nan(&outputs, problem.head().outputs, rows.start, source)?;
    let numbers: Vec<u32> = rows.clone().map(|row| row as u32).collect();
    let result = assess(&problem, &meta.scale(), &outputs, &targets, &numbers);
    let judged = Judged { dataset: &dataset, paths: &paths, problem: &problem, targets: &targets, outputs: &outputs };
    let listed = wanted.of(&judged, rows.start)?;
    let columns = match &inputs {
        Values::Floats(values) if args.importance => {
            let outputs = |values| Ok(answerer.outputs(&Values::Floats(values), 1)?);
            let repeats = (args.repeats, args.permute_seed);
            Some(Columns::of(meta, (&problem, &targets, &numbers), values, repeats, outputs)?)
        }
        _ => None,
    };
    converted.iter().chain(&notes).for_each(|text| note!("{text}"));
    if dataset.test.is_none() && meta.trained_on.as_deref() == Some(dataset.name.as_str()) {
        note!("the model was trained on rows of {}: on new rows it will do worse than on these", dataset.name);
    }
    if args.json {
        let mut object = result::object(&result, &meta.classes);
        listed.add_to(&mut object);
        columns.iter().for_each(|columns| columns.add_to(&mut object));
        say::json(&object);
        return Ok(0);
    }
    let part = if dataset.test.is_some() { "test part of " } else { "" };
    say!("{part}{}, {} rows, on {device}", dataset.name, show::thousands(rows.len() as u64));
    if let Some(samples) = args.masks.samples {
        say!("mean over {samples} of dropout's masks, seed {}", args.masks.seed);
    }
    result::summary("", &result, &Naming { names: &meta.classes, loss: problem.loss });
    result::warn(&result, &meta.classes, false);
    if args.reliability {
        result::reliability(&result);
    }
    if !listed.say() {
        result::tables(&result, &meta.classes);
    }
    columns.iter().for_each(Columns::say);
    Ok(0)
}

/// Refuses outputs of which some are NaN, `width` for each row from number `first` on.
fn refuse_nan(outputs: &[f32], width: usize, first: usize, source: &str) -> Result<(), Error> {
    let Some(at) = outputs.iter().position(|output| output.is_nan()) else { return Ok(()) };
    let (row, value) = (first + at / width + 1, outputs[at]);
    let hint = "its values are too large for the model";
    Err(setting(format!("{source}: the network makes {value} of row {row}: {hint}")))
}

/// Opens a source, and refuses rows that the model does not take or answer.
///
/// # Errors
/// It is not there or broken, or of another kind than the model's.
pub(super) fn labelled(asked: &Asked<'_>) -> Result<Labelled, Error> {
    let Opened { dataset, notes, paths } = open(asked)?;
    let targets = targets(&dataset, &asked.meta.problem())?;
    check_fit(&dataset, asked.meta, asked.source)?;
    let rows = dataset.test.clone().unwrap_or(0..dataset.rows());
    let inputs = values(&dataset, &rows);
    Ok(Labelled { dataset, targets, rows, inputs, notes, paths })
}

/// The values of a part of the rows.
fn values(dataset: &Dataset, rows: &Range<usize>) -> Values {
    let features = dataset.values.len() / dataset.rows();
    let range = rows.start * features..rows.end * features;
    match &dataset.values {
        Values::Bytes(bytes) => Values::Bytes(bytes[range].to_vec()),
        Values::Floats(floats) => Values::Floats(floats[range].to_vec()),
    }
}

/// Opens a source. A table's columns are found by name, as in training whatever else it holds.
fn open(asked: &Asked<'_>) -> Result<Opened, Error> {
    let &Asked { model, meta, source, target, format, turns, views, skip_broken } = asked;
    if let Some(folder) = pictures::folder(source)? {
        if target.is_some() {
            let what = "--target names a column of a table, and the folders of pictures name the classes";
            return Err(setting(format!("{what}: leave it out for {source}")));
        }
        let views = views.views(inputs::own_side(meta));
        let reading = Reading { model, meta, turns, views: &views, format, fields: false };
        return pictures::read(folder, reading, skip_broken);
    }
    let of_arrays = data::is_path(source) && data::is_arrays(Path::new(source));
    let is_table = !data::is_known(source) && !Path::new(source).is_dir() && !of_arrays;
    if let (true, Some(image)) = (is_table, &meta.image) {
        return pictures::listed(asked, image);
    }
    if let Some(flag) = turns.given().or(views.given()).or(skip_broken.then_some("--skip-broken")) {
        return Err(setting(format!("{flag} is for folders of pictures, which {source} is not: leave it out")));
    }
    // Of pictures in a table the model knows the target too, and other pictures have none.
    let known = meta.target.as_deref().filter(|_| meta.image.is_none());
    let own = target.or(known);
    if is_table && !meta.encoding.is_empty() {
        let nameless = || setting(format!("{} does not name its target: give it with --target", model.display()));
        let target = own.ok_or_else(nameless)?;
        let affine = meta.normalize.affine(meta.input.iter().product());
        let (format, trained) = (format.format(), meta.trained(&affine));
        let (dataset, notes) = data::read_labelled(Path::new(source), format, trained, target, &meta.no_targets())?;
        return Ok(Opened { dataset, notes, paths: vec![] });
    }
    let task = of_arrays.then(|| meta.no_targets().task());
    let seen = <[usize; 3]>::try_from(&meta.input[..]).ok().map(|shape| Seen { framing: meta.framing, shape });
    let pictures = PictureOptions { like: seen.filter(|_| meta.encoding.is_empty()), ..PictureOptions::default() };
    let options = data::Options { target: own, task, format: format.format(), pictures, ..data::Options::default() };
    match data::open(source, &options, data_dir().as_deref()) {
        Err(DataError::TargetOfImages { name, .. }) if target.is_none() => {
            Err(setting(format!("{name} holds images, the model takes rows of a table")))
        }
        opened => {
            let opened = opened?;
            let all: Vec<u32> = (0..opened.rows() as u32).collect();
            let mut encoded = opened.encode(&all, Normalize::None)?;
            if of_arrays {
                let of_model = meta.encoding.features();
                if !of_model.is_empty() && encoded.dataset.columns != of_model {
                    let what =
                        format!("{source} has features x0, x1 and so on, the model takes {}", names::few(&of_model));
                    return Err(setting(what));
                }
                if encoded.dataset.shape == meta.input {
                    encoded.dataset.normalize(&meta.normalize.affine(encoded.dataset.features()));
                }
            }
            Ok(Opened { dataset: encoded.dataset, notes: encoded.notes, paths: vec![] })
        }
    }
}

/// The targets in the model's own order of classes.
fn targets(dataset: &Dataset, problem: &Problem) -> Result<Targets, Error> {
    match problem.answer {
        Answer::Class | Answer::Binary => {
            let labels = data::labels_for(dataset, &problem.names)?;
            Ok(Targets::Classes { labels, names: problem.names.clone() })
        }
        Answer::Labels if matches!(dataset.targets, Targets::Labels { .. }) => Ok(dataset.targets.clone()),
        Answer::Numbers if matches!(dataset.targets, Targets::Numbers { .. }) => Ok(dataset.targets.clone()),
        Answer::Labels | Answer::Numbers => {
            Err(setting(format!("the targets of {} are not of the kind that the model answers", dataset.name)))
        }
    }
}

/// The outputs to judge, of inputs with several views each. Under dropout's masks, probabilities are averaged, and so judged
/// as such.
fn outputs(
    answerer: &mut Answerer,
    (inputs, views): (&Values, usize),
    samples: Option<u32>,
) -> Result<(Vec<f32>, Problem), Error> {
    let problem = answerer.problem().clone();
    let Some(samples) = samples else { return Ok((answerer.outputs(inputs, views)?, problem)) };
    let outputs = answerer.masked(inputs, samples)?;
    Ok((Mean::of_views(&problem, &outputs, views), problem))
}

/// A table's columns are found by name; everything else must have the model's number of values, and its kind.
fn check_fit(dataset: &Dataset, meta: &Metadata, source: &str) -> Result<(), Error> {
    let features = meta.input.iter().product::<usize>();
    let found = dataset.features();
    if dataset.largest != meta.normalize.largest {
        let (has, wants) = (dataset.largest, meta.normalize.largest);
        return Err(setting(format!("{source} has values up to {has}, the model was trained on values up to {wants}")));
    }
    if meta.encoding.is_empty() != dataset.encoding.is_empty() {
        let kinds = ["images", "rows of a table"];
        let [has, wants] = [&dataset.encoding, &meta.encoding].map(|e| kinds[usize::from(!e.is_empty())]);
        return Err(setting(format!("{source} holds {has}, the model takes {wants}")));
    }
    if found != features {
        let (of, wants) = (show::sizes(&dataset.shape), show::sizes(&meta.input));
        return Err(setting(format!("{source} has rows of {of} values, the model takes {wants}")));
    }
    Ok(())
}

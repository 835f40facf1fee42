//! From a recipe to a job: the data are opened, split and measured, and the defaults are filled in.

use super::defaults::{self, Facts, Learns};
use super::extremes::extremes;
use super::job::Job;
use super::other;
use super::question::question;
use super::rare::rare;
use super::settings::{ClassWeights, HeldOut, Measure, NormalizeTarget, Recipe, Settings, given_to_loss};
use crate::data::{self, By, DataError, Dataset, Encoded, Fractions, Normalize, Opened, Split, Targets, Task, Units};
use crate::device::Cache;
use crate::error::Error;
use crate::names;
use crate::nn::{Answer, Loss, Problem, TargetScale};
use crate::op::LossKind;
use crate::ops::losses;
use std::path::{Path, PathBuf};

/// Opens the data that a recipe names, splits them, takes everything that is measured of them from the training part, and
/// fills in every default. What the user should know of the data and of the defaults comes along, in sentences.
///
/// # Errors
/// The data are not there, are broken, or cannot be split so; or the recipe does not fit them.
pub fn prepare(recipe: &Recipe, data_dir: Option<&Path>) -> Result<(Job, Vec<String>), Error> {
    recipe.check()?;
    let mut recipe = recipe.clone();
    let source = recipe.source.get_or_insert_with(|| "digits".into()).clone();
    let list = |names: &Option<Vec<String>>| names.clone().unwrap_or_default();
    let [ignore, categorical, numeric, missing] =
        [&recipe.ignore, &recipe.categorical, &recipe.numeric, &recipe.missing].map(list);
    let cache = Cache::of_user();
    let options = data::Options {
        target: recipe.target.as_deref(),
        image: recipe.image.as_deref(),
        task: recipe.task,
        ignore: &ignore,
        categorical: &categorical,
        numeric: &numeric,
        missing: &missing,
        day_first: recipe.day_first,
        group: recipe.group.as_deref(),
        format: format(&recipe),
        pictures: pictures(&recipe),
        cache: cache.folder().ok().map(PathBuf::as_path),
    };
    let mut opened = data::open(recipe.other_source.as_ref().unwrap_or(&source), &options, data_dir)?;
    opened.notes.extend(own_validation(&mut recipe, &source, data_dir));
    prepare_opened(recipe, opened, data_dir)
}

/// Has the run validate on the folder that the data have for that, unless the recipe says otherwise; and says so.
fn own_validation(recipe: &mut Recipe, source: &str, data_dir: Option<&Path>) -> Option<String> {
    let own = data::validation_folder(source, data_dir)?;
    let shown = own.display();
    match &recipe.validation {
        None => {
            let told = format!("validated on the pictures in {shown}");
            recipe.validation = Some(HeldOut::File(own.to_str()?.to_owned()));
            Some(told)
        }
        Some(HeldOut::File(file)) if *file == own.to_string_lossy() => None,
        Some(_) => Some(format!("{shown} is not read, as `validation` says otherwise")),
    }
}

/// The same with data that a program has opened or made itself ([`data::from_floats`]): the recipe's `source` and the settings
/// that say how a table is read have no effect.
///
/// # Errors
/// The data cannot be split so, or the recipe does not fit them.
pub fn prepare_data(recipe: &Recipe, data: Opened) -> Result<(Job, Vec<String>), Error> {
    let recipe = Recipe { source: Some(data.name.clone()), ..recipe.clone() };
    recipe.check()?;
    if recipe.other_source.is_some() {
        let what = "other_source names a second data set, and these data are the program's own: leave it out";
        return Err(Error::Setting(what.into()));
    }
    let data = data.framed(&pictures(&recipe))?;
    prepare_opened(recipe, data, None)
}

fn prepare_opened(
    mut recipe: Recipe,
    mut opened: Opened,
    data_dir: Option<&Path>,
) -> Result<(Job, Vec<String>), Error> {
    let mut notes = opened.notes.clone();
    let (mut split, mut units, told) = match recipe.other_source {
        Some(_) => other::split(&mut recipe, &opened).map(|(split, told)| (split, None, told))?,
        None => split(&mut recipe, &mut opened)?,
    };
    notes.extend(told);
    let kind = *recipe.normalize.get_or_insert(defaults::normalize(opened.is_image()));
    let mut encoded = opened.encode(&split.train, kind)?;
    notes.append(&mut encoded.notes);
    notes.extend(add_rows(&mut recipe, &mut encoded, (&mut split, units.as_mut()), data_dir)?);
    notes.extend(data::audit(&encoded.dataset, &split).iter().map(ToString::to_string));
    notes.extend(numbers_as_classes(&recipe, &encoded.dataset));
    let (job, told) = job(recipe, encoded, split)?;
    notes.extend(told);
    Ok((job, notes))
}

/// The job of a recipe on data that are split and encoded already, with the recipe's normalisation. Every default is filled
/// in. What the user should know of the defaults comes along, in sentences.
///
/// # Errors
/// The recipe does not fit the data.
pub fn job(mut recipe: Recipe, encoded: Encoded, mut split: Split) -> Result<(Job, Vec<String>), Error> {
    let Encoded { dataset, normalize, constant, .. } = encoded;
    let wants_scaled_target = recipe.normalize_target == Some(NormalizeTarget::Standardize);
    let learns = match &dataset.targets {
        Targets::Numbers { .. } => Learns::Numbers,
        Targets::Labels { names, .. } => Learns::Labels(names.len()),
        Targets::Classes { names, .. } => Learns::Classes(names.len()),
    };
    // Of the source to train on.
    let held_out = if recipe.other_source.is_some() { &split.train_dev } else { &split.validation };
    let (train, rows) = (split.train.len(), split.train.len() + held_out.len());
    let learnt = split.train.iter().chain(held_out).map(|&row| row as usize);
    let rare = rare(recipe.class_weights.as_ref(), &dataset.targets, learnt);
    let picture = dataset.is_image().then(|| recipe.shape.clone().unwrap_or_else(|| dataset.shape.clone()));
    let facts = Facts { rows, train, features: dataset.features(), learns, picture, rare };
    let mut notes: Vec<String> = defaults::fill(&mut recipe, &facts)?.into_iter().collect();
    recipe.validation.get_or_insert(HeldOut::Share(0.0));
    let layers = recipe.layers.clone().unwrap_or_default();
    let mut problem = question(&dataset.targets, &layers, recipe.loss)?;
    problem.loss = Loss::read(problem.loss.kind().name, &given_to_loss(&recipe.declared)).map_err(Error::Setting)?;
    recipe.declared.extend(problem.loss.values().iter().map(|(setting, value)| (setting.name, value.into())));
    let numbers = problem.answer == Answer::Numbers;
    recipe.loss = Some(problem.loss);
    recipe.task = Some(if numbers { Task::Regression } else { Task::Classification });
    recipe.target.clone_from(&dataset.target);
    let settings = recipe.resolved();
    check(&settings, &problem, split.validation.is_empty(), wants_scaled_target)?;
    let class_weights = class_weights(&settings, &dataset.targets, &split.train)?;
    let scale = match &dataset.targets {
        Targets::Numbers { values, names } if settings.normalize_target == Some(NormalizeTarget::Standardize) => {
            TargetScale::standardize(values, names.len(), &split.train)
        }
        _ => TargetScale::none(problem.names.len()),
    };
    if problem.loss.contains_layer("softmax") && layers.last().is_some_and(|layer| layer == "sigmoid") {
        notes.push(format!(
            "{} applies a softmax to the outputs, so the last sigmoid only narrows the probabilities: leave it out",
            problem.loss
        ));
    }
    notes.extend(no_use(&dataset, &constant, settings.normalize));
    notes.extend(extremes(&settings, &split));
    notes.extend(one_part(&settings));
    notes.extend(coarse_target(&dataset.targets, &scale, &split.train));
    if settings.bootstrap {
        split.train = data::bootstrap(&split.train, settings.seed);
    }
    let normalize = (settings.normalize, normalize);
    let (init_from, resume, best) = (None, None, None);
    let job =
        Job { dataset, split, normalize, problem, scale, class_weights, recipe, settings, init_from, resume, best };
    Ok((job, notes))
}

/// How the pictures of a recipe are read, and what is seen of them.
fn pictures(recipe: &Recipe) -> data::PictureOptions {
    let skip_broken = recipe.skip_broken.unwrap_or_default();
    data::PictureOptions { crop: recipe.crop, scale: recipe.scale, skip_broken, like: None }
}

/// How the tables of a recipe are written.
fn format(recipe: &Recipe) -> data::Format {
    data::Format { separator: recipe.separator, decimal: recipe.decimal, header: recipe.header }
}

/// Splits the rows, and fills in what is held out. The units by which they are split come along, and what the user should know
/// of them, in a clause.
fn split(recipe: &mut Recipe, opened: &mut Opened) -> Result<(Split, Option<Units>, Option<String>), Error> {
    let by = recipe.group.clone().map(By::Group).or_else(|| recipe.time.clone().map(By::Time));
    let units = by.map(|by| opened.take_units(by)).transpose()?;
    let own_test = opened.test.clone().map_or(0, |test| test.len());
    if opened.test.is_none() {
        recipe.test.get_or_insert(defaults::TEST.into());
    } else if let Some(HeldOut::File(_)) = recipe.test {
        return Err(DataError::OwnTestPart { name: opened.name.clone(), rows: own_test }.into());
    }
    let test = recipe.test.as_ref().map_or(0.0, HeldOut::share);
    let own = opened.rows() - own_test;
    // What stops early or chooses by accuracy needs rows to do so on.
    let chooses = recipe.early_stopping.is_some() || recipe.measure.is_some();
    let weights = recipe.class_weights.as_ref().filter(|_| !chooses);
    let rare = rare(weights, &opened.targets, 0..own);
    let default = defaults::validation(own, test, opened.is_image(), rare);
    let validation = recipe.validation.get_or_insert(default.into()).share();
    let (fractions, seed) = (Fractions { test, validation }, recipe.split_seed.or(recipe.seed).unwrap_or(0));
    Ok(match units {
        Some((mut units, note)) => (units.split(opened, fractions, seed)?, Some(units), Some(note)),
        None => (data::split(opened, fractions, seed)?, None, None),
    })
}

/// Adds the rows that are not of the source to train on: of the source that counts, if that is another one, and of files to
/// validate and to test on. What the user should know of them comes along, in clauses.
fn add_rows(
    recipe: &mut Recipe,
    encoded: &mut Encoded,
    (split, mut units): (&mut Split, Option<&mut Units>),
    data_dir: Option<&Path>,
) -> Result<Vec<String>, Error> {
    let mut notes = vec![];
    let cache = Cache::of_user();
    let cache = cache.folder().ok().map(PathBuf::as_path);
    let (image, format, pictures) = (recipe.image.clone(), format(recipe), pictures(recipe));
    let options = data::Options { image: image.as_deref(), format, pictures, cache, ..data::Options::default() };
    if recipe.other_source.is_some() {
        notes = other::add_rows_that_count(recipe, (encoded, split), &options, data_dir)?;
    }
    let parts = [(&recipe.validation, &mut split.validation), (&recipe.test, &mut split.test)];
    for ((held_out, rows), first) in parts.into_iter().zip(&mut split.first) {
        let Some(file) = held_out.as_ref().and_then(HeldOut::file) else { continue };
        let (part, told) = data::read_part(file, &options, encoded, units.as_deref_mut(), data_dir)?;
        notes.extend(told);
        let range = encoded.dataset.append(part)?;
        *first = range.start;
        rows.extend(range);
    }
    Ok(notes)
}

/// Most classes of whole numbers that are not asked about.
const FEW_CLASSES: usize = 10;

/// What many classes of a table that are numbers may be instead.
fn numbers_as_classes(recipe: &Recipe, dataset: &Dataset) -> Option<String> {
    let (_, names) = dataset.targets.classes()?;
    let asks = recipe.task.is_none() && dataset.target.is_some() && names.len() > FEW_CLASSES;
    let numbers = names.iter().all(|name| name.parse::<f64>().is_ok());
    (asks && numbers).then(|| "the classes are numbers: to learn how large they are, set task to regression".into())
}

/// That a crop is not drawn anew, where features are kept.
fn one_part(settings: &Settings) -> Option<String> {
    let is_one = settings.cache_features && settings.crop.is_some();
    is_one.then(|| {
        "`cache_features` keeps what evaluation sees of each picture, its middle: `crop` draws no other part".into()
    })
}

/// Says that float32, in which training sees the targets, rounds away how they vary.
fn coarse_target(targets: &Targets, scale: &TargetScale, train: &[u32]) -> Option<String> {
    let Targets::Numbers { values, names } = targets else { return None };
    let spread = TargetScale::standardize(values, names.len(), train);
    let is_coarse = |j: &usize| {
        let of = train.iter().map(|&row| (values[row as usize * names.len() + j] - scale.offset[*j]).abs());
        data::is_coarse(of.fold(0.0, f64::max), 1.0 / spread.factor[*j])
    };
    let coarse: Vec<String> = (0..names.len()).filter(is_coarse).map(|j| names[j].clone()).collect();
    let what = "vary by less than float32 can tell apart at their size: set normalize_target to standardize";
    (!coarse.is_empty()).then(|| format!("the targets {} {what}", names::few(&coarse)))
}

/// Names features that do not vary over the training rows. Pixels at the rim never do, and are not worth a word unless
/// standardising would have divided by their deviation.
fn no_use(dataset: &Dataset, constant: &[usize], kind: Normalize) -> Option<String> {
    if constant.is_empty() || (dataset.columns.is_empty() && kind != Normalize::Standardize) {
        return None;
    }
    let names = match dataset.columns.as_slice() {
        [] => format!("{} of {} features", constant.len(), dataset.features()),
        columns => names::few(&constant.iter().map(|&i| columns[i].clone()).collect::<Vec<_>>()),
    };
    Some(format!("constant in the training part, so of no use: {names}"))
}

/// Refuses settings that mean nothing for the problem.
fn check(settings: &Settings, problem: &Problem, no_validation: bool, wants_scaled_target: bool) -> Result<(), Error> {
    let loss = problem.loss;
    let numbers = problem.answer == Answer::Numbers;
    let what = if !numbers && wants_scaled_target {
        "normalize_target only applies to regression, but the target holds classes: leave it out".into()
    } else if settings.label_smoothing > 0.0 && !loss.kind().smooths_labels {
        let owners = taking(|kind| kind.smooths_labels);
        format!("label_smoothing only applies to {owners}, but the loss is {loss}: leave it out")
    } else if settings.class_weights.is_some() && !matches!(problem.answer, Answer::Class | Answer::Binary) {
        "class_weights needs one class for each row; it does not apply to several labels or to numbers: leave it out"
            .into()
    } else if settings.class_weights.is_some() && !loss.kind().weighs_classes {
        let owners = taking(|kind| kind.weighs_classes);
        format!("class_weights only applies to {owners}, but the loss is {loss}: leave it out")
    } else if settings.measure == Measure::Accuracy && numbers {
        "measure cannot be accuracy for a regression: use loss".into()
    } else if settings.early_stopping.is_some() && no_validation {
        "early_stopping needs rows to validate on: give `validation` a share".into()
    } else if settings.measure == Measure::Accuracy && no_validation {
        "measure needs rows to validate on: give `validation` a share".into()
    } else if settings.calibrate && no_validation {
        "calibrate needs rows to validate on: give `validation` a share".into()
    } else if settings.calibrate && !numbers && !loss.kind().link.gives_probabilities {
        format!("calibrate needs probabilities, and with the loss {loss} the outputs stand for none: leave it out")
    } else {
        return Ok(());
    };
    Err(Error::Setting(what))
}

/// The names of the losses that take something.
fn taking(what: fn(&LossKind) -> bool) -> String {
    losses().filter(|kind| what(kind)).map(|kind| kind.name).collect::<Vec<_>>().join(" and ")
}

/// The weight of each class, if they are not all alike.
fn class_weights(settings: &Settings, targets: &Targets, rows: &[u32]) -> Result<Option<Vec<f32>>, Error> {
    let (Some(wanted), Targets::Classes { labels, names }) = (&settings.class_weights, targets) else {
        return Ok(None);
    };
    match wanted {
        ClassWeights::Each(weights) if weights.len() != names.len() => {
            let what = format!("class_weights has {} numbers for {} classes", weights.len(), names.len());
            Err(Error::Setting(format!("{what}: give one for each of {}", names::few(names))))
        }
        ClassWeights::Each(weights) => Ok(Some(weights.clone())),
        ClassWeights::Balanced => {
            let mut counts = vec![0usize; names.len()];
            rows.iter().for_each(|&row| counts[labels[row as usize] as usize] += 1);
            // A class without a row to train on has no weight to have.
            let weight = |&count: &usize| rows.len() as f32 / (names.len() * count.max(1)) as f32;
            Ok(Some(counts.iter().map(weight).collect()))
        }
    }
}

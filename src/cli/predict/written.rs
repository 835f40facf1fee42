//! Predictions as a table: all columns of the input, or the picture's path, then the answer and its probabilities.
//!
//! | answer | columns |
//! | --- | --- |
//! | one class | `prediction`, then `probability_CLASS` for each class |
//! | labels | `prediction_LABEL`, 0 or 1, and `probability_LABEL`, for each label |
//! | one number | `prediction` |
//! | several numbers | `prediction_NAME` for each |
//!
//! With a coverage the columns of `predict/coverage.rs` follow.
//! Under dropout's masks `sampled_mean` and `sampled_deviation` follow, each with `_CLASS`, `_LABEL` or `_NAME` where there
//! are several answers. A name that the input has already gets an underscore before it.

use super::super::args::PredictArgs;
use super::super::inputs::Inputs;
use super::super::setting;
use super::Answers;
use super::coverage::Covered;
use crate::error::Error;
use crate::files;
use crate::nn::{Answer, Problem};
use crate::run::Sampled;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The column that names pictures, and rows of several tables.
const INPUT: &str = "input";

/// Most columns that are said to have another name.
const RENAMED: usize = 5;

/// A table that is being written; its file is there only once all is well.
pub(super) struct Written {
    path: PathBuf,
    lines: csv::Writer<Vec<u8>>,
    rows: usize,
    /// Whether rows begin with the name of the input.
    named: bool,
    /// Whether rows end with means and deviations under dropout's masks.
    sampled: bool,
}

impl Written {
    /// # Errors
    /// There is a file of that name, or its ending says that it is no table.
    pub(super) fn new(path: &Path, args: &PredictArgs) -> Result<Self, Error> {
        let shown = path.display();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) {
            return Err(setting(format!(
                "{shown}: predictions are written as a table: give --out a name ending in .csv"
            )));
        }
        let same = |other: &Path| match (path.canonicalize(), other.canonicalize()) {
            (Ok(path), Ok(other)) => path == other,
            _ => path == other,
        };
        if args.inputs.iter().chain([&args.model]).any(|input| same(input)) {
            return Err(setting(format!(
                "{shown} is read here, and would be overwritten: name another file with --out"
            )));
        }
        if path.is_dir() {
            return Err(setting(format!("{shown} is a folder: name a file in it with --out")));
        }
        if path.exists() {
            return Err(setting(format!("{shown} is there: name another file with --out")));
        }
        let (lines, sampled) = (csv::Writer::from_writer(vec![]), args.masks.samples.is_some());
        Ok(Self { path: path.to_owned(), lines, rows: 0, named: false, sampled })
    }

    /// Writes the names of the columns, and gives what is to be said of them.
    ///
    /// # Errors
    /// Tables have other columns than the first, or stand beside pictures.
    pub(super) fn head(
        &mut self,
        files: &[Inputs],
        problem: &Problem,
        covered: Option<&Covered>,
    ) -> Result<Vec<String>, Error> {
        let header = |file: &Inputs| file.fields.as_ref().map(|fields| fields.header.clone());
        let first = files.first().and_then(header);
        if let Some(other) = files.iter().position(|file| header(file) != first) {
            let name = files[other].names.first().map_or("", |name| name.as_str());
            let name = name.rsplit_once(':').map_or(name, |(file, _)| file);
            return Err(setting(format!(
                "{name} has other columns than the first table: write it with an --out of its own"
            )));
        }
        self.named = first.is_none() || files.len() > 1;
        let given = first.unwrap_or_default();
        let mut taken: HashSet<String> = given.iter().cloned().collect();
        let mut renamed = vec![];
        let mut free = |name: String| {
            let mut free = name.clone();
            while !taken.insert(free.clone()) {
                free.insert(0, '_');
            }
            if free != name {
                renamed.push(format!("the column {name:?} is written as {free:?}, for the input has one of that name"));
            }
            free
        };
        let mut names: Vec<String> = vec![];
        if self.named {
            names.push(free(INPUT.into()));
        }
        names.extend(given);
        names.extend(answers(problem).into_iter().map(&mut free));
        names.extend(covered.into_iter().flat_map(Covered::columns).map(&mut free));
        if self.sampled {
            names.extend(sampled_names(problem).into_iter().map(free));
        }
        self.lines.write_record(&names).map_err(unwritten)?;
        renamed.truncate(RENAMED);
        Ok(renamed)
    }

    /// Writes one row.
    pub(super) fn row(
        &mut self,
        (file, at): (&Inputs, usize),
        answers: &Answers,
        outputs: &[f32],
        sampled: Option<&Sampled>,
    ) -> Result<(), Error> {
        let problem = &answers.problem;
        let mut fields: Vec<String> = vec![];
        if self.named {
            fields.push(file.names[at].clone());
        }
        if let Some(given) = &file.fields {
            fields.extend(given.rows[at].iter().map(str::to_owned));
        }
        let all = answers.of(outputs);
        match problem.answer {
            Answer::Class | Answer::Binary => {
                fields.push(problem.names[problem.class(outputs)].clone());
                fields.extend(all.iter().map(f64::to_string));
            }
            Answer::Labels => {
                let yes = |z: f32| usize::from(problem.is_yes(z)).to_string();
                fields.extend(outputs.iter().zip(&all).flat_map(|(&z, share)| [yes(z), share.to_string()]));
            }
            Answer::Numbers => fields.extend(all.iter().map(f64::to_string)),
        }
        fields.extend(answers.covered.iter().flat_map(|covered| covered.fields(&all)));
        if let Some(Sampled { mean, deviation }) = sampled {
            fields.extend(mean.iter().chain(deviation).map(f64::to_string));
        }
        self.rows += 1;
        self.lines.write_record(&fields).map_err(unwritten)
    }

    /// Makes the file, whole or not at all, and gives the number of its rows.
    pub(super) fn finish(self) -> Result<(usize, PathBuf), Error> {
        let bytes = self.lines.into_inner().map_err(|error| unwritten(error.into_error().into()))?;
        files::replace(&self.path, &bytes).map_err(Error::file(&self.path, "cannot be written"))?;
        Ok((self.rows, self.path))
    }
}

/// The names of the columns of an answer.
fn answers(problem: &Problem) -> Vec<String> {
    let each = |what: &str| -> Vec<String> { problem.names.iter().map(|name| format!("{what}_{name}")).collect() };
    let prediction = || "prediction".to_owned();
    match problem.answer {
        Answer::Class | Answer::Binary => std::iter::once(prediction()).chain(each("probability")).collect(),
        Answer::Labels => each("prediction").into_iter().zip(each("probability")).flat_map(|(a, b)| [a, b]).collect(),
        Answer::Numbers if problem.names.len() == 1 => vec![prediction()],
        Answer::Numbers => each("prediction"),
    }
}

/// The names of the columns of what masks say of an answer.
fn sampled_names(problem: &Problem) -> Vec<String> {
    let each = |what: &str| -> Vec<String> {
        match problem.names.as_slice() {
            [_] => vec![format!("sampled_{what}")],
            names => names.iter().map(|name| format!("sampled_{what}_{name}")).collect(),
        }
    };
    [each("mean"), each("deviation")].concat()
}

fn unwritten(error: csv::Error) -> Error {
    setting(format!("the predictions do not make a table: {error}"))
}

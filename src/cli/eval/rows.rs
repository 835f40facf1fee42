//! Single rows of an evaluation: those behind a cell of the confusion matrix, and the worst mistakes.
//!
//! JSON fields: `cell` has `true`, `predicted` and `rows`; `worst` has `file`, null without a mistake, and `rows`. A row has
//! `path` of a picture in a file, else `row`, from 1; `probability` of the predicted class; and among the worst `true`,
//! `predicted` and `loss`.

use super::super::answered::{self, Row};
use super::super::args::EvalArgs;
use super::super::say::say;
use super::super::sheet::{self, Tile};
use super::super::{setting, show};
use crate::data::{Dataset, Targets, Values};
use crate::error::Error;
use crate::export::Metadata;
use crate::names::nearest_of;
use crate::nn::{Answer, Problem};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Most mistakes of a sheet, and how many lie in a line.
const MOST: usize = 64;
const COLUMNS: usize = 8;

/// What is asked of single rows.
pub(super) struct Wanted<'a> {
    /// The true and the predicted class.
    cell: Option<[usize; 2]>,
    /// The sheet of the worst mistakes.
    worst: Option<&'a Path>,
}

/// Rows with their answers.
pub(super) struct Judged<'a> {
    pub(super) dataset: &'a Dataset,
    /// The file of each row of the data set, of pictures in files.
    pub(super) paths: &'a [PathBuf],
    pub(super) problem: &'a Problem,
    /// The right answers of all rows of the data set.
    pub(super) targets: &'a Targets,
    /// The outputs for the rows that are judged.
    pub(super) outputs: &'a [f32],
}

/// The rows that were asked for.
pub(super) struct Listed<'a> {
    judged: &'a Judged<'a>,
    cell: Option<([usize; 2], Vec<Row>)>,
    worst: Option<(&'a Path, Vec<Row>)>,
}

impl<'a> Wanted<'a> {
    /// What the flags ask for.
    ///
    /// # Errors
    /// The model answers no classes, a class is not known, or the sheet cannot be written.
    pub(super) fn read(args: &'a EvalArgs, meta: &Metadata, source: &str) -> Result<Self, Error> {
        let given = [("--cell", args.cell.is_some()), ("--worst", args.worst.is_some())];
        let flag = given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag);
        if let (Some(flag), Answer::Labels | Answer::Numbers) = (flag, meta.answer) {
            let shown = args.model.display();
            return Err(setting(format!(
                "{shown} does not answer one class of several, which {flag} lists: leave it out"
            )));
        }
        if args.worst.is_some() && !meta.encoding.is_empty() {
            return Err(of_no_pictures(source));
        }
        let worst = args.worst.as_deref();
        worst.map_or(Ok(()), sheet::check)?;
        Ok(Self { cell: args.cell.as_deref().map(|text| cell(text, &meta.classes)).transpose()?, worst })
    }

    /// Refuses a sheet of what is no pictures.
    pub(super) fn check_fit(&self, dataset: &Dataset, source: &str) -> Result<(), Error> {
        let draws = dataset.is_image() && matches!(dataset.values, Values::Bytes(_));
        if self.worst.is_some() && !draws { Err(of_no_pictures(source)) } else { Ok(()) }
    }

    /// The rows that are asked for, the first of them being number `first` of the data set. The sheet is written.
    ///
    /// # Errors
    /// The sheet cannot be written.
    pub(super) fn of(&self, judged: &'a Judged<'a>, first: usize) -> Result<Listed<'a>, Error> {
        let cell = self.cell.map(|[truth, said]| {
            let mut rows = judged.rows(first);
            rows.retain(|row| [row.truth, row.said] == [truth, said]);
            rows.sort_by(|a, b| b.probability.total_cmp(&a.probability));
            ([truth, said], rows)
        });
        let worst = self.worst.map(|path| {
            let mut rows = judged.rows(first);
            answered::keep_worst(&mut rows, MOST);
            (path, rows)
        });
        if let Some((path, rows)) = &worst
            && !rows.is_empty()
        {
            let tiles: Vec<Tile> = rows.iter().filter_map(|row| judged.tile(row)).collect();
            let side = tiles.first().map_or(1, |tile| sheet::side(tile.shape));
            sheet::save(&sheet::sheet(&tiles, COLUMNS, side), path)?;
        }
        Ok(Listed { judged, cell, worst })
    }
}

fn of_no_pictures(source: &str) -> Error {
    setting(format!("{source} holds no pictures, and --worst draws them: list rows with --cell TRUE,PREDICTED"))
}

/// The classes of a text such as `cat,dog`. A comma may be part of a name.
fn cell(text: &str, names: &[String]) -> Result<[usize; 2], Error> {
    let number = |name: &str| names.iter().position(|known| known == name || known == name.trim());
    let commas = text.match_indices(',').map(|(at, _)| (&text[..at], &text[at + 1..]));
    if let Some(cell) = commas.filter_map(|(truth, said)| Some([number(truth)?, number(said)?])).next() {
        return Ok(cell);
    }
    let Some((truth, said)) = text.split_once(',') else {
        return Err(setting(format!("--cell takes two classes, TRUE,PREDICTED, not {text:?}")));
    };
    let unknown = if number(truth).is_none() { truth } else { said }.trim();
    let near = nearest_of("class", unknown, names);
    Err(setting(format!("--cell {text:?}: there is no class {unknown:?}; {near}")))
}

impl Judged<'_> {
    /// All rows that are judged.
    fn rows(&self, first: usize) -> Vec<Row> {
        let Targets::Classes { labels, .. } = self.targets else { return vec![] };
        answered::rows(self.problem, self.outputs, (first..).map(|row| (row, labels[row])))
    }

    /// The picture of a row.
    fn tile(&self, row: &Row) -> Option<Tile> {
        let Values::Bytes(bytes) = &self.dataset.values else { return None };
        let shape = <[usize; 3]>::try_from(&self.dataset.shape[..]).ok()?;
        // Of several views the first is shown.
        let of_row = bytes.len() / self.dataset.rows();
        Some(Tile::of(bytes, (row.at, of_row), shape, self.dataset.largest))
    }

    /// What a row is called: its path, or its number from 1.
    fn name(&self, row: &Row) -> String {
        self.paths.get(row.at).map_or_else(|| format!("row {}", row.at + 1), |path| path.display().to_string())
    }

    /// The fields that every row has.
    fn object(&self, row: &Row) -> Value {
        let probability = row.probability;
        match self.paths.get(row.at) {
            Some(path) => json!({ "path": path.display().to_string(), "probability": probability }),
            None => json!({ "row": row.at + 1, "probability": probability }),
        }
    }
}

impl Listed<'_> {
    /// Adds the fields of what is listed.
    pub(super) fn add_to(&self, object: &mut Value) {
        let names = &self.judged.problem.names;
        if let Some(([truth, said], rows)) = &self.cell {
            let rows: Vec<Value> = rows.iter().map(|row| self.judged.object(row)).collect();
            object["cell"] = json!({ "true": names[*truth], "predicted": names[*said], "rows": rows });
        }
        if let Some((path, rows)) = &self.worst {
            let file = (!rows.is_empty()).then(|| path.display().to_string());
            let row = |row: &Row| {
                let mut object = self.judged.object(row);
                object["true"] = json!(names[row.truth]);
                object["predicted"] = json!(names[row.said]);
                object["loss"] = json!(row.loss);
                object
            };
            object["worst"] = json!({ "file": file, "rows": rows.iter().map(row).collect::<Vec<_>>() });
        }
    }

    /// Tables of what is listed; whether anything is.
    pub(super) fn say(&self) -> bool {
        let names = &self.judged.problem.names;
        let what = if self.judged.paths.is_empty() { "row" } else { "picture" };
        let percent = |row: &Row| format!("{:.1} %", row.probability * 100.0);
        if let Some(([truth, said], rows)) = &self.cell {
            let count = show::thousands(rows.len() as u64);
            say!("");
            say!("true class {:?}, predicted {:?}: {count} rows", names[*truth], names[*said]);
            let cells: Vec<_> = rows.iter().map(|row| vec![self.judged.name(row), percent(row)]).collect();
            if !cells.is_empty() {
                show::table(&[what, "probability"], &cells);
            }
        }
        if let Some((path, rows)) = &self.worst {
            say!("");
            if rows.is_empty() {
                say!("no row was taken for another class, so no sheet is written");
                return true;
            }
            let cells = |row: &Row| {
                vec![self.judged.name(row), names[row.truth].clone(), names[row.said].clone(), percent(row)]
            };
            show::table(&[what, "true", "predicted", "probability"], &rows.iter().map(cells).collect::<Vec<_>>());
            let (count, path) = (rows.len(), path.display());
            say!("sheet    {path}: the {count} worst mistakes in the order of the table, {COLUMNS} in a line");
        }
        self.cell.is_some() || self.worst.is_some()
    }
}

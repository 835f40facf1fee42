//! The rows of the test part that were answered worst: pictures as such, other rows by their number.

use super::super::answered::{self, Row};
use super::super::runs::Tested;
use super::super::sheet::{self, Tile};
use super::super::show;
use super::html;
use crate::data::{Targets, Values};
use crate::error::Error;
use std::path::Path;

/// Most mistakes that are shown.
const MOST: usize = 32;

/// The worst mistakes, or nothing where answers are neither classes nor numbers.
///
/// # Errors
/// A picture cannot be made into a file.
pub(super) fn html(tested: &Tested) -> Result<Option<String>, Error> {
    let rows = tested.job.split.test.iter().map(|&row| row as usize);
    match &tested.job.dataset.targets {
        Targets::Classes { labels, .. } => {
            let mut rows = answered::rows(&tested.job.problem, &tested.outputs, rows.map(|row| (row, labels[row])));
            let wrong = rows.iter().filter(|row| row.truth != row.said).count();
            answered::keep_worst(&mut rows, MOST);
            if wrong == 0 {
                return Ok(Some(html::paragraph("No row was taken for another class.")));
            }
            let many = show::thousands(wrong as u64);
            let what = format!("{many} rows were taken for another class. Those of the largest loss come first.");
            Ok(Some(html::paragraph(&what) + &of_classes(tested, &rows)?))
        }
        Targets::Numbers { values, names } => Ok(Some(of_numbers(tested, values, names))),
        Targets::Labels { .. } => Ok(None),
    }
}

fn of_classes(tested: &Tested, rows: &[Row]) -> Result<String, Error> {
    let (data, names) = (&tested.job.dataset, &tested.job.problem.names);
    let number = |row: &Row| row.at - tested.job.split.first[1] as usize + 1;
    let share = |row: &Row| format!("{:.1} %", 100.0 * row.probability);
    let (Values::Bytes(bytes), Ok(shape)) = (&data.values, <[usize; 3]>::try_from(&data.shape[..])) else {
        let cells =
            |row: &Row| vec![number(row).to_string(), names[row.truth].clone(), names[row.said].clone(), share(row)];
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        return Ok(html::table(&["row of the data", "true", "predicted", "probability"], &rows));
    };
    let failed = || Error::file(Path::new("the picture of a mistake"), "cannot be written");
    let mut out = String::from("<div class=\"mistakes\">\n");
    for row in rows {
        let at = tested.job.split.test.iter().position(|&test| test as usize == row.at).unwrap_or_default();
        let tile = Tile::of(bytes, (at, data.features()), shape, data.largest);
        let png = sheet::png(&sheet::sheet(&[tile], 1, sheet::side(shape))).map_err(failed())?;
        let [truth, said] = [row.truth, row.said].map(|class| html::text(&names[class]));
        let (share, number) = (share(row), number(row));
        let picture = html::picture(&png, &format!("row {number}"));
        out += &format!(
            "<figure>{picture}<figcaption><b>{truth}</b> taken for <b>{said}</b><br>{share}, row {number}</figcaption></figure>\n"
        );
    }
    Ok(out + "</div>\n")
}

fn of_numbers(tested: &Tested, values: &[f64], names: &[String]) -> String {
    let (job, width) = (&tested.job, names.len());
    let mut all: Vec<[f64; 4]> = vec![];
    for (outputs, &row) in tested.outputs.chunks(width).zip(&job.split.test) {
        for (j, &output) in outputs.iter().enumerate() {
            let (target, said) = (values[row as usize * width + j], job.scale.original(j, output));
            all.push([f64::from(row), j as f64, target, said]);
        }
    }
    all.sort_by(|a, b| (b[3] - b[2]).abs().total_cmp(&(a[3] - a[2]).abs()));
    let cells = |&[row, j, target, said]: &[f64; 4]| {
        let [target, said, error] = [target, said, said - target].map(show::number);
        vec![
            (row as usize - job.split.first[1] as usize + 1).to_string(),
            names[j as usize].clone(),
            target,
            said,
            error,
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().take(MOST).map(cells).collect();
    html::table(&["row of the data", "number", "target", "predicted", "error"], &rows)
}

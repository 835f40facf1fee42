//! `wgrad report`: one HTML file about a run, which takes nothing from a network.

mod chart;
mod columns;
mod curves;
mod diagnosis;
mod health;
mod html;
mod mistakes;
mod reliability;
mod results;
mod settings;

use super::args::ReportArgs;
use super::diagnose::Parts;
use super::runs::{self, Run, RunData, Tested};
use super::say::{self, note, say};
use super::{open_device, setting};
use crate::device::Device;
use crate::error::Error;
use crate::files;
use crate::kernel::Precision;
use crate::metrics::Metrics;
use std::path::{Path, PathBuf};

/// How every report begins, by which one is known that may be written again.
const BEGIN: &str = "<!doctype html>\n<!-- a report of wgrad -->\n";

/// The file of a report in a folder.
const NAME: &str = "report.html";

const STYLE: &str = include_str!("style.css");

pub(super) fn run(args: &ReportArgs) -> Result<u8, Error> {
    let run = Run::open(&args.run)?;
    let out = args.out.as_deref().map_or_else(|| args.run.join(NAME), file);
    check(&out)?;
    let device = open_device(Precision::F32, &args.device, true)?;
    let measured = match runs::data(&run) {
        Ok(data) => Measured::of(&run, data, args.human.human_error, &device),
        Err(why) => Measured {
            notes: vec![left_out("the result on the test part and the diagnosis are", &why)],
            ..Measured::default()
        },
    };
    let notes = [&run.notes[..], &measured.notes].concat();
    let page = page(&run, &measured, &notes, &device)?;
    files::replace(&out, page.as_bytes()).map_err(Error::file(&out, "cannot be written"))?;
    notes.iter().for_each(|text| note!("note: {text}"));
    say!("report   {}", out.display());
    Ok(0)
}

/// What the best model of a run does on the rows of its data.
#[derive(Default)]
struct Measured {
    tested: Option<Tested>,
    parts: Option<Parts>,
    /// What limits the claims or is left out, in sentences.
    notes: Vec<String>,
}

impl Measured {
    fn of(run: &Run, data: RunData, human: Option<f64>, device: &Device) -> Self {
        let mut notes = data.1.clone();
        let parts = run.best_model().and_then(|model| Parts::of(&data.0, model, (human, None), device));
        let parts = parts.map_err(|why| notes.push(left_out("the diagnosis is", &why))).ok();
        let tested = runs::test_on(run, data, device);
        let tested = tested.map_err(|why| notes.push(left_out("the result on the test part is", &why))).ok();
        Self { tested, parts, notes }
    }
}

/// That something is left out, and why.
fn left_out(what: &str, why: &Error) -> String {
    format!("{what} left out: {}", say::with_flags(&why.to_string()))
}

/// The file of a report for a name: one in a folder that is there, and with an ending by which browsers know it.
fn file(out: &Path) -> PathBuf {
    match out.extension() {
        _ if out.is_dir() => out.join(NAME),
        Some(_) => out.to_owned(),
        None => out.with_extension("html"),
    }
}

/// Refuses to write over what is no report.
fn check(out: &Path) -> Result<(), Error> {
    let is_report = || std::fs::read(out).is_ok_and(|found| found.starts_with(BEGIN.as_bytes()));
    if out.symlink_metadata().is_ok() && !is_report() {
        return Err(setting(format!(
            "{} is there and is no report, so it is not overwritten: give --out",
            out.display()
        )));
    }
    Ok(())
}

/// The whole page.
fn page(run: &Run, measured: &Measured, notes: &[String], device: &Device) -> Result<String, Error> {
    let tested = measured.tested.as_ref();
    let name = html::text(&run.name());
    let mut body = format!("<h1>{name}</h1>\n{}", html::paragraph(&about(run)));
    if !notes.is_empty() {
        let items: String = notes.iter().map(|note| format!("<li>{}</li>\n", html::text(note))).collect();
        body += &format!("<ul class=\"notes\">\n{items}</ul>\n");
    }
    body.extend(tested.map(|tested| html::section("Result on the test part", &results::html(tested))));
    body.extend(measured.parts.as_ref().map(|parts| html::section("Diagnosis", &diagnosis::html(parts))));
    if let Some(tested) = tested {
        let calibration = match &tested.result.metrics {
            Metrics::Classes(metrics) => metrics.calibration.as_ref().and_then(reliability::html),
            Metrics::Numbers(_) => None,
        };
        body.extend(calibration.map(|content| html::section("Calibration", &content)));
        let columns = columns::html(run, tested, device)?;
        body.extend(columns.map(|content| html::section("What matters", &content)));
    }
    body += &html::section("Curves", &curves::charts(run));
    if let Some(health) = health::html(&run.path) {
        body += &html::section("Layers", &health);
    }
    if let Some(mistakes) = tested.map(mistakes::html).transpose()?.flatten() {
        body += &html::section("The worst mistakes", &mistakes);
    }
    body += &html::section("Recipe", &settings::html(&run.recipe));
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!(
        "{BEGIN}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <title>{name} · wgrad</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>wgrad {version}</footer>\n</main>\n</body>\n</html>\n"
    ))
}

/// What the run was, in a sentence or two.
fn about(run: &Run) -> String {
    let (steps, epochs) = (run.steps.len(), run.epochs.len());
    let source = run.recipe.other_source.as_ref().or(run.recipe.source.as_ref()).map_or("digits", String::as_str);
    let mut words = format!("Trained on {source}: {epochs} epochs, {steps} steps.");
    if let Some((measure, epoch)) = run.best() {
        let what = run.recipe.measure.unwrap_or_default();
        words +=
            &format!(" The model is that of epoch {epoch}, the best on the validation part ({what} {measure:.4}).");
    }
    words
}

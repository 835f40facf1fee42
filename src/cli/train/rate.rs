//! `wgrad train --lr find`: the learning-rate range test, with its curve.

use crate::cli::flags::TrainArgs;
use crate::cli::say::{self, note, say};
use crate::cli::svg::{Anchor, Axis, COLOURS, Svg};
use crate::cli::{head, show, target};
use crate::device::Device;
use crate::error::Error;
use crate::files;
use crate::train::{Job, RateCurve, RunFolder, Suggestion, Trainer};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Of so many steps one is printed.
const EVERY: usize = 5;

pub(super) fn run(args: &TrainArgs, job: Job, device: &Device, notes: &[String]) -> Result<u8, Error> {
    args.out.as_deref().map_or(Ok(()), RunFolder::check_free)?;
    let mut trainer = Trainer::for_target(job, device, target(device, args.base.no_fuse))?;
    let told = trainer.notes().to_vec();
    told.iter().for_each(|text| note!("note: {text}"));
    let shows = !args.quiet && !args.base.json;
    if shows {
        head::begin(&trainer, device, notes);
    }
    let curve = trainer.rate_curve()?;
    let found = curve.suggestion();
    if let Some(out) = &args.out {
        write(out, &curve, found)?;
    }
    if args.base.json {
        say::json(&object(&curve, found));
        return Ok(u8::from(found.is_none()));
    }
    if shows {
        say!("tried    {} rates from 1e-7 on, a step each: no run, and no model", curve.points.len());
        table(&curve, found);
        say!("");
    }
    Ok(verdict(&curve, found, args.out.as_deref()))
}

fn table(curve: &RateCurve, found: Option<Suggestion>) {
    let marked = |at: usize| {
        let point = curve.points[at];
        let Some(found) = found else { return "" };
        match point.rate {
            rate if rate == found.least => "least",
            rate if rate == found.steepest => "falls most",
            _ => "",
        }
    };
    let last = curve.points.len().saturating_sub(1);
    let shown = (0..curve.points.len()).filter(|&at| at.is_multiple_of(EVERY) || at == last || !marked(at).is_empty());
    let row = |at: usize| {
        let point = curve.points[at];
        let [loss, smoothed] = [point.loss, point.smoothed].map(show::number);
        vec![format!("{:.2e}", point.rate), loss, smoothed, marked(at).to_owned()]
    };
    show::table(&["rate", "loss", "smoothed", ""], &shown.map(row).collect::<Vec<_>>());
    if curve.too_large {
        say!("stopped there: the next smoothed loss was more than four times the least, or not finite");
    }
}

/// Says what the curve recommends, and how to train with it; gives the exit code.
fn verdict(curve: &RateCurve, found: Option<Suggestion>, out: Option<&Path>) -> u8 {
    if let Some(out) = out {
        say!("curve    {} and {}", out.join(CSV).display(), out.join(SVG).display());
    }
    let Some(Suggestion { steepest, least, rate }) = found else {
        let points = curve.points.len();
        say!("found    no rate: the loss fell at none of {points} rates by 5 %");
        say!("next     look whether a single batch can be learnt: --overfit-one-batch");
        return 1;
    };
    say!(
        "found    lr {rate}: a tenth of {least:.2e}, where the smoothed loss is least; it falls most at {steepest:.2e}"
    );
    if !curve.too_large && curve.points.last().is_some_and(|last| last.rate == least) {
        say!("         no larger rate was tried, so a larger one may serve as well");
    }
    say!("next     {}", again(std::env::args(), rate));
    0
}

/// The command with the rate in place of the look for one, and without the folder of the curve.
fn again(words: impl IntoIterator<Item = String>, rate: f64) -> String {
    let (mut out, mut words) = (vec![], words.into_iter());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--out" | "-o" => _ = words.next(),
            // What stands behind a flag is its value, and no source of data that is called so.
            "find" if out.last().is_some_and(|flag: &String| flag.starts_with("--")) => out.push(rate.to_string()),
            word if word.starts_with("--out=") => {}
            word => match word.strip_suffix("=find") {
                Some(flag) => out.push(format!("{flag}={rate}")),
                None => out.push(files::typed(word)),
            },
        }
    }
    out.join(" ")
}

fn object(curve: &RateCurve, found: Option<Suggestion>) -> serde_json::Value {
    let of = |what: fn(&crate::train::RatePoint) -> f64| curve.points.iter().map(what).collect::<Vec<_>>();
    json!({
        "lr": found.map(|found| found.rate), "least": found.map(|found| found.least),
        "steepest": found.map(|found| found.steepest), "stopped_early": curve.too_large,
        "rates": of(|point| point.rate), "losses": of(|point| point.loss), "smoothed": of(|point| point.smoothed),
    })
}

const CSV: &str = "lr.csv";
const SVG: &str = "lr.svg";

/// Writes the curve as a table and as a drawing.
fn write(out: &Path, curve: &RateCurve, found: Option<Suggestion>) -> Result<(), Error> {
    fs::create_dir_all(out).map_err(Error::file(out, "cannot be made"))?;
    let lines = curve.points.iter().map(|point| format!("{},{},{}\n", point.rate, point.loss, point.smoothed));
    let text: String = std::iter::once("rate,loss,smoothed\n".to_owned()).chain(lines).collect();
    for (name, text) in [(CSV, text), (SVG, drawing(curve, found))] {
        let path = out.join(name);
        fs::write(&path, text).map_err(Error::file(path, "cannot be written"))?;
    }
    Ok(())
}

/// The losses over the rates.
fn drawing(curve: &RateCurve, found: Option<Suggestion>) -> String {
    let (left, right, top, bottom) = (60.0, 620.0, 40.0, 340.0);
    let points = &curve.points;
    let rates = Axis::over(points.iter().map(|point| point.rate), true);
    let losses = Axis::over(points.iter().map(|point| point.smoothed).chain([0.0]), false);
    let x = |rate: f64| left + (right - left) * rates.at(rate);
    let y = |loss: f64| bottom - (bottom - top) * losses.at(loss);
    let mut svg = Svg::new(640.0, 390.0);
    svg.text([left, 24.0], Anchor::Start, "t", "Loss by learning rate");
    for tick in losses.ticks() {
        svg.line([left, y(tick)], [right, y(tick)], "g");
        svg.text([left - 8.0, y(tick) + 4.0], Anchor::End, "", &losses.label(tick));
    }
    for tick in rates.ticks() {
        svg.line([x(tick), bottom], [x(tick), bottom + 5.0], "a");
        svg.text([x(tick), bottom + 20.0], Anchor::Middle, "", &rates.label(tick));
    }
    svg.line([left, bottom], [right, bottom], "a");
    svg.text(
        [(left + right) / 2.0, bottom + 40.0],
        Anchor::Middle,
        "",
        "rate; thin: loss of each step, thick: smoothed",
    );
    // A loss beyond the axis would be drawn over the title.
    let raw: Vec<[f64; 2]> = points.iter().map(|point| [x(point.rate), y(point.loss).max(top)]).collect();
    svg.path(&raw, COLOURS[5], 1.0);
    let smoothed: Vec<[f64; 2]> = points.iter().map(|point| [x(point.rate), y(point.smoothed)]).collect();
    svg.path(&smoothed, COLOURS[0], 2.5);
    if let Some(found) = found {
        svg.path(&[[x(found.rate), top], [x(found.rate), bottom]], COLOURS[1], 1.5);
        svg.text([x(found.rate) - 6.0, top + 14.0], Anchor::End, "", &format!("lr {}", found.rate));
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::again;

    #[test]
    fn the_next_command_has_the_rate_and_no_folder() {
        let of = |line: &str| again(line.split(' ').map(str::to_owned), 0.05);
        assert_eq!(of("wgrad train digits --lr find --out runs/a --seed 3"), "wgrad train digits --lr 0.05 --seed 3");
        assert_eq!(of("wgrad --learning-rate=find --out=x -o y"), "wgrad --learning-rate=0.05");
        assert_eq!(of("wgrad train find --lr find"), "wgrad train find --lr 0.05");
    }
}

//! `wgrad explain`

mod heat;

use super::args::{ExplainArgs, FormatArgs, Turns};
use super::inputs::{self, Reading};
use super::say::{self, note, say};
use super::{open_device, setting, sheet};
use crate::data::{Picture, Values, is_idx};
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::judge::class_map::{ClassMap, ClassMaps};
use crate::kernel::Precision;
use crate::names::nearest_of;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is added to the name of a picture.
const ENDING: &str = "-cam.png";

pub(super) fn run(args: &ExplainArgs) -> Result<u8, Error> {
    let (model, converted) = Model::open(&args.model)?;
    let meta = model.described()?;
    if !meta.encoding.is_empty() {
        let shown = args.model.display();
        return Err(setting(format!("{shown} takes rows of a table, and a map is laid over a picture")));
    }
    let class = args.class.as_deref().map(|name| class(meta, name)).transpose()?;
    let outs = outs(args)?;
    if let Some(other) = args.pictures.iter().find_map(|path| other(path).transpose()) {
        return Err(setting(format!("{}: this is no PNG or JPEG file, and a map is laid over one", other?.display())));
    }
    let turns = Turns { invert: args.invert, center: false };
    let reading = Reading { model: &args.model, meta, turns, views: &[], format: FormatArgs::default(), fields: false };
    let (files, notes) = inputs::read_all(&args.pictures, reading)?;
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let mut maps = ClassMaps::new(&model, &device)?;
    converted.iter().chain(&notes).for_each(|text| note!("{text}"));
    for ((path, out), file) in args.pictures.iter().zip(&outs).zip(&files) {
        let Values::Bytes(bytes) = &file.values else { continue };
        let map = maps.of(bytes, class).map_err(|error| match error {
            Error::Rows(what) => setting(format!("{}: {what}", path.display())),
            other => other,
        })?;
        let picture = Picture::read(path)?.to_rgb();
        let size = [map.height, map.width];
        let full = [picture.height() as usize, picture.width() as usize];
        let seen = match meta.input[..] {
            [_, height, width] => meta.framing.seen(full, [height, width]),
            _ => [[0.0; 2], full.map(|side| side as f64)],
        };
        sheet::save(&heat::over(&picture, &map.values, size, seen), out)?;
        let peak = heat::peak(&map.values, size, seen);
        let place = peak.map(|peak| (peak, heat::place(peak, [picture.width(), picture.height()])));
        let told = Told { input: path, name: &meta.classes[map.class], map: &map, peak: place, out };
        if args.json { say::json(&told.object()) } else { told.say() }
    }
    if !args.json {
        say!("in each map, red speaks most for the class and blue least");
    }
    Ok(0)
}

/// The number of the class of a name.
fn class(meta: &Metadata, name: &str) -> Result<usize, Error> {
    let unknown = || setting(format!("there is no class {name:?}; {}", nearest_of("class", name, &meta.classes)));
    meta.classes.iter().position(|class| class == name).ok_or_else(unknown)
}

/// The path itself, if it is a file of another kind that inputs may have.
fn other(path: &Path) -> Result<Option<&Path>, Error> {
    Ok(is_idx(path)?.then_some(path))
}

/// The files to write, none of which is there.
fn outs(args: &ExplainArgs) -> Result<Vec<PathBuf>, Error> {
    let outs: Vec<PathBuf> = match (&args.out, &args.pictures[..]) {
        (Some(out), [_]) => vec![out.clone()],
        (Some(_), pictures) => {
            let count = pictures.len();
            return Err(setting(format!("--out names one file, but {count} pictures are given: leave it out")));
        }
        (None, pictures) => pictures.iter().map(|path| named(path)).collect(),
    };
    for (at, out) in outs.iter().enumerate() {
        if let Some(first) = outs[..at].iter().position(|other| other == out) {
            let [one, two] = [first, at].map(|at| args.pictures[at].display());
            let out = out.display();
            return Err(setting(format!("{one} and {two} would both become {out}: give them in turn, with --out")));
        }
        sheet::check(out)?;
    }
    Ok(outs)
}

fn named(picture: &Path) -> PathBuf {
    let mut name = picture.file_stem().unwrap_or_default().to_owned();
    name.push(ENDING);
    name.into()
}

/// What is told of one picture.
struct Told<'a> {
    input: &'a Path,
    /// The name of the class.
    name: &'a str,
    map: &'a ClassMap,
    /// The pixel with the largest value, and in words where it lies.
    peak: Option<([u32; 2], &'static str)>,
    out: &'a Path,
}

impl Told<'_> {
    /// `input`, `class`, `probability`, `logit` and `bias`; `peak` (x and y in pixels) and `where` of the largest value, null
    /// if all are alike; `map`, whose mean plus the bias is the logit, by rows; `out`, the file.
    fn object(&self) -> serde_json::Value {
        let ClassMap { probability, logit, bias, width, values, .. } = self.map;
        let rows: Vec<&[f64]> = values.chunks(*width).collect();
        let [input, out] = [self.input, self.out].map(|path| path.display().to_string());
        let (peak, place) = self.peak.unzip();
        json!({
            "input": input, "class": self.name, "probability": probability, "logit": logit, "bias": bias,
            "peak": peak, "where": place, "map": rows, "out": out,
        })
    }

    fn say(&self) {
        let [input, out] = [self.input, self.out].map(Path::display);
        let (name, percent) = (self.name, self.map.probability * 100.0);
        let place = match self.peak {
            Some(([x, y], place)) => format!("most at pixel {x},{y} ({place})"),
            None => "everywhere alike".to_owned(),
        };
        say!("{input}: {name} {percent:.1} %, seen {place}; map in {out}");
    }
}

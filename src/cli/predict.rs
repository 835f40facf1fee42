//! `wgrad predict`

use super::args::PredictArgs;
use super::eval::softmax;
use super::say::{self, note, say};
use super::{open_device, setting, show};
use crate::data::{self, Values};
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::train::Predictor;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Inputs of one file, and what each is called.
struct Inputs {
    names: Vec<String>,
    values: Values,
}

pub(super) fn run(args: &PredictArgs) -> Result<u8, Error> {
    let model = Model::read(&args.model)?;
    let meta = model.described()?;
    let mut notes = BTreeMap::new();
    let files: Vec<Inputs> = args.inputs.iter().map(|path| read(path, meta, &mut notes)).collect::<Result<_, _>>()?;
    for (what, (first, count)) in notes {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        note!("{first}{others}: {what}");
    }
    let device = open_device(&args.device.device)?;
    let longest = |names: &mut dyn Iterator<Item = &String>| names.map(|name| name.chars().count()).max().unwrap_or(0);
    let width = longest(&mut files.iter().flat_map(|file| &file.names));
    let class_width = longest(&mut meta.classes.iter());
    let mut predictors: [Option<Predictor>; 2] = [None, None];
    for file in &files {
        let bytes = matches!(file.values, Values::Bytes(_));
        let place = &mut predictors[usize::from(bytes)];
        let predictor = match place {
            Some(predictor) => predictor,
            None => place.insert(Predictor::new(&model, bytes, &device)?),
        };
        for (name, logits) in file.names.iter().zip(predictor.logits(&file.values)?) {
            let (class, probabilities) = softmax(&logits);
            let class_name = &meta.classes[class];
            if args.json {
                say::json(&json!({
                    "input": name, "class": class_name, "probabilities": probabilities, "logits": logits,
                }));
            } else {
                let fill = |width: usize, text: &str| " ".repeat(width - text.chars().count());
                let (after_name, after_class) = (fill(width, name), fill(class_width, class_name));
                say!("{name}{after_name}  {class_name}{after_class}  {:>5.1} %", probabilities[class] * 100.0);
            }
        }
    }
    Ok(0)
}

/// Reads one file. What was done to a picture is put down in `notes`, with the first file and the number of them.
fn read(path: &Path, meta: &Metadata, notes: &mut BTreeMap<String, (String, usize)>) -> Result<Inputs, Error> {
    let shown = path.display().to_string();
    let is_table = [".csv", ".csv.gz"].iter().any(|end| shown.to_lowercase().ends_with(end));
    if meta.columns.is_empty() && is_table {
        return Err(setting(format!("{shown} is a table, the model takes images")));
    }
    let is_picture = [".png", ".jpg", ".jpeg"].iter().any(|end| shown.to_lowercase().ends_with(end));
    if !meta.columns.is_empty() && is_picture {
        return Err(setting(format!("{shown} is a picture, the model takes rows of a table")));
    }
    if !meta.columns.is_empty() {
        let table = data::read_features(path, &meta.columns)?;
        let names = (1..=table.rows).map(|row| format!("{shown}:{row}")).collect();
        return Ok(Inputs { names, values: Values::Floats(table.values) });
    }
    if data::is_idx(path)? {
        let images = data::read_images(path)?;
        let found = [1, images.height, images.width];
        let largest = images.bytes.iter().copied().max().unwrap_or(0);
        if f32::from(largest) > meta.normalize.largest {
            let wants = meta.normalize.largest;
            return Err(setting(format!(
                "{shown} has values up to {largest}, the model was trained on values up to {wants}"
            )));
        }
        let fits = if meta.input.len() == 3 {
            found[..] == meta.input
        } else {
            found.iter().product::<usize>() == meta.input.iter().product::<usize>()
        };
        if !fits {
            let (of, wants) = (show::sizes(&found), show::sizes(&meta.input));
            return Err(setting(format!("{shown} has images of {of}, the model takes {wants}")));
        }
        let names = (1..=images.count).map(|row| format!("{shown}:{row}")).collect();
        return Ok(Inputs { names, values: Values::Bytes(images.bytes) });
    }
    let picture = data::load_picture(path, &meta.input, meta.normalize.largest)?;
    if let Some(what) = picture.note {
        notes.entry(what).or_insert_with(|| (shown.clone(), 0)).1 += 1;
    }
    Ok(Inputs { names: vec![shown], values: Values::Bytes(picture.bytes) })
}

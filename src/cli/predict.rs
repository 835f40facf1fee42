//! `wgrad predict`

use super::args::PredictArgs;
use super::eval::softmax;
use super::say::{self, note, say};
use super::{setting, show};
use crate::data::{self, Values};
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::train::{Device, Predictor};
use serde_json::json;
use std::path::Path;

/// Inputs of one file, and what each is called.
struct Inputs {
    names: Vec<String>,
    values: Values,
}

pub(super) fn run(args: &PredictArgs) -> Result<u8, Error> {
    let model = Model::read(&args.model)?;
    let meta = model.described()?;
    let files: Vec<Inputs> = args.inputs.iter().map(|path| read(path, meta)).collect::<Result<_, _>>()?;
    let device = Device::open(&args.device.device)?;
    let width = files.iter().flat_map(|file| &file.names).map(|name| name.chars().count()).max().unwrap_or(0);
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
                let fill = " ".repeat(width - name.chars().count());
                say!("{name}{fill}  {class_name}  {:.1} %", probabilities[class] * 100.0);
            }
        }
    }
    Ok(0)
}

fn read(path: &Path, meta: &Metadata) -> Result<Inputs, Error> {
    let shown = path.display().to_string();
    if !meta.columns.is_empty() {
        let table = data::read_features(path, &meta.columns)?;
        let names = (1..=table.rows).map(|row| format!("{shown}:{row}")).collect();
        return Ok(Inputs { names, values: Values::Floats(table.values) });
    }
    if data::is_idx(path)? {
        let images = data::read_images(path)?;
        let found = [1, images.height, images.width];
        if found.iter().product::<usize>() != meta.input.iter().product::<usize>() {
            let (of, wants) = (show::sizes(&found), show::sizes(&meta.input));
            return Err(setting(format!("{shown} has images of {of}, the model takes {wants}")));
        }
        let names = (1..=images.count).map(|row| format!("{shown}:{row}")).collect();
        return Ok(Inputs { names, values: Values::Bytes(images.bytes) });
    }
    let picture = data::load_picture(path, &meta.input, meta.normalize.largest)?;
    if let Some(what) = picture.note {
        note!("{shown}: {what}");
    }
    Ok(Inputs { names: vec![shown], values: Values::Bytes(picture.bytes) })
}

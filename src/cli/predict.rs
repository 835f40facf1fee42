//! `wgrad predict`

use super::args::PredictArgs;
use super::say::{self, note, say};
use super::{open_device, setting, show};
use crate::data::{self, Format, Values};
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::kernel::Precision;
use crate::nn::{Answer, Problem, TargetScale};
use crate::train::{Predictor, Sampled};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Inputs of one file, and what each is called.
struct Inputs {
    names: Vec<String>,
    values: Values,
}

pub(super) fn run(args: &PredictArgs) -> Result<u8, Error> {
    args.masks.check()?;
    let model = Model::read(&args.model)?;
    let meta = model.described()?;
    let mut notes = BTreeMap::new();
    let files: Vec<Inputs> =
        args.inputs.iter().map(|path| read(path, args.format.format(), meta, &mut notes)).collect::<Result<_, _>>()?;
    for (what, (first, count)) in notes {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        note!("{first}{others}: {what}");
    }
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let width = files.iter().flat_map(|file| &file.names).map(|name| name.chars().count()).max().unwrap_or(0);
    let answers = Answers { problem: meta.problem(), scale: meta.scale(), width };
    let mut predictors: [Option<Predictor>; 2] = [None, None];
    for file in &files {
        let bytes = matches!(file.values, Values::Bytes(_));
        let place = &mut predictors[usize::from(bytes)];
        let predictor = match place {
            Some(predictor) => predictor,
            None => place.insert(Predictor::new(&model, bytes, args.masks.samples.map(|_| args.masks.seed), &device)?),
        };
        let outputs = predictor.outputs(&file.values)?;
        check(&outputs, answers.problem.head().outputs, &file.names)?;
        let sampled = match args.masks.samples {
            None => vec![],
            Some(count) => predictor.sampled(&file.values, count, |outputs| answers.of(outputs))?,
        };
        let rows = outputs.chunks(answers.problem.head().outputs);
        for (i, (name, outputs)) in file.names.iter().zip(rows).enumerate() {
            let sampled = sampled.get(i);
            if args.json {
                say::json(&answers.object(name, outputs, sampled))
            } else {
                answers.say(name, outputs, sampled)
            }
        }
    }
    Ok(0)
}

/// Refuses an input of which the network makes a number that is not finite: it would answer, and mean nothing.
fn check(outputs: &[f32], width: usize, names: &[String]) -> Result<(), Error> {
    let bad = outputs.iter().position(|output| !output.is_finite());
    bad.map_or(Ok(()), |at| {
        let (name, value) = (&names[at / width], outputs[at]);
        Err(setting(format!(
            "{name}: the network makes {value} of it, for its values are too large: correct it or leave it out"
        )))
    })
}

/// How answers are told.
struct Answers {
    problem: Problem,
    scale: TargetScale,
    /// Characters of the longest input's name.
    width: usize,
}

impl Answers {
    /// Probabilities, or the numbers of a regression in the data's units.
    fn of(&self, outputs: &[f32]) -> Vec<f64> {
        match self.problem.answer {
            Answer::Numbers => outputs.iter().enumerate().map(|(j, &z)| self.scale.original(j, z)).collect(),
            _ => self.problem.probabilities(outputs),
        }
    }

    fn object(&self, input: &str, outputs: &[f32], sampled: Option<&Sampled>) -> serde_json::Value {
        let (all, names) = (self.of(outputs), &self.problem.names);
        let mut object = match self.problem.answer {
            Answer::Numbers if all.len() == 1 => json!({ "input": input, "prediction": all[0] }),
            Answer::Numbers => json!({ "input": input, "prediction": all }),
            Answer::Labels => {
                let yes = names.iter().zip(outputs).filter(|(_, z)| self.problem.is_yes(**z)).map(|(name, _)| name);
                json!({ "input": input, "labels": yes.collect::<Vec<_>>(), "probabilities": all, "logits": outputs })
            }
            Answer::Class | Answer::Binary => {
                let class = &names[self.problem.class(outputs)];
                json!({ "input": input, "class": class, "probabilities": all, "logits": outputs })
            }
        };
        if let Some(Sampled { mean, deviation }) = sampled {
            object["sampled"] = json!({ "mean": mean, "deviation": deviation });
        }
        object
    }

    /// One line; under masks, their mean and spread after the answer of the rule for inference.
    fn say(&self, input: &str, outputs: &[f32], sampled: Option<&Sampled>) {
        let (all, names) = (self.of(outputs), &self.problem.names);
        let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let percent = |share: f64| format!("{:>5.1} %", share * 100.0);
        let number = self.problem.answer == Answer::Numbers;
        let value = |j: usize| {
            let shown = |x: f64| if number { show::number(x) } else { percent(x) };
            let masks = sampled
                .map_or_else(String::new, |s| format!("  masks {} ± {}", shown(s.mean[j]), shown(s.deviation[j])));
            format!("{}{masks}", shown(all[j]))
        };
        let told = match self.problem.answer {
            Answer::Class | Answer::Binary => {
                let class = self.problem.class(outputs);
                format!("{:<name_width$}  {}", names[class], value(class))
            }
            _ => {
                let one = |(j, name): (usize, &String)| {
                    if all.len() == 1 { value(j) } else { format!("{name} {}", value(j)) }
                };
                names.iter().enumerate().map(one).collect::<Vec<_>>().join("  ")
            }
        };
        say!("{input:<width$}  {told}", width = self.width);
    }
}

/// Reads one file. What was done to it is put down in `notes`, with the first file and the number of them.
fn read(
    path: &Path,
    format: Format,
    meta: &Metadata,
    notes: &mut BTreeMap<String, (String, usize)>,
) -> Result<Inputs, Error> {
    let shown = path.display().to_string();
    if meta.encoding.is_empty() && data::is_table(path) {
        return Err(setting(format!("{shown} is a table, the model takes images")));
    }
    let is_picture = [".png", ".jpg", ".jpeg"].iter().any(|end| shown.to_lowercase().ends_with(end));
    if !meta.encoding.is_empty() && is_picture {
        return Err(setting(format!("{shown} is a picture, the model takes rows of a table")));
    }
    if !meta.encoding.is_empty() {
        let table =
            data::read_features(path, format, (&meta.encoding, &meta.normalize.affine(meta.input.iter().product())))?;
        for what in table.notes {
            notes.entry(what).or_insert_with(|| (shown.clone(), 0)).1 += 1;
        }
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

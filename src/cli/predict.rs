//! `wgrad predict`

mod coverage;
mod written;

use super::args::PredictArgs;
use super::inputs::{self, Inputs, Reading};
use super::say::{self, note, say};
use super::{open_device, setting, show};
use crate::data::Values;
use crate::error::Error;
use crate::export::Ensemble;
use crate::kernel::Precision;
use crate::names::shown;
use crate::nn::{Answer, Problem, TargetScale};
use crate::run::{Answerer, Sampled};
use coverage::Covered;
use serde_json::json;
use written::Written;

pub(super) fn run(args: &PredictArgs) -> Result<u8, Error> {
    args.masks.check()?;
    if let (Some(_), Some(flag)) = (args.masks.samples, args.views.given()) {
        return Err(setting(format!("--samples and {flag} each answer several times for a picture: give one of them")));
    }
    let (model, converted) = Ensemble::open(&args.model)?;
    let meta = model.described()?;
    let covered = Covered::read(args, &model, meta)?;
    let mut written = args.out.as_deref().map(|out| Written::new(out, args)).transpose()?;
    let (turns, format, fields) = (args.turns, args.format, args.out.is_some());
    let views = args.views.views(inputs::own_side(meta));
    let reading = Reading { model: &args.model, meta, turns, views: &views, format, fields };
    let (files, notes) = inputs::read_all(&args.inputs, reading)?;
    let few = covered.as_ref().and_then(Covered::note);
    converted.iter().chain(&notes).chain(&few).for_each(|text| note!("{text}"));
    let problem = meta.problem();
    if let Some(written) = &mut written {
        note_all(&written.head(&files, &problem, covered.as_ref())?);
    }
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let answers = Answers::new((problem, covered), meta.scale(), &files);
    let mut answerers: [Option<Answerer>; 2] = [None, None];
    for file in &files {
        let bytes = matches!(file.values, Values::Bytes(_));
        let place = &mut answerers[usize::from(bytes)];
        let answerer = match place {
            Some(answerer) => answerer,
            None => {
                place.insert(Answerer::for_inputs(&model, bytes, args.masks.samples.map(|_| args.masks.seed), &device)?)
            }
        };
        let outputs = answerer.outputs(&file.values, views.len())?;
        check(&outputs, answers.problem.head().outputs, &file.names)?;
        let sampled = match args.masks.samples {
            None => vec![],
            Some(count) => answerer.sampled(&file.values, count, |outputs| answers.of(outputs))?,
        };
        let rows = outputs.chunks(answers.problem.head().outputs);
        for (i, (name, outputs)) in file.names.iter().zip(rows).enumerate() {
            let sampled = sampled.get(i);
            if let Some(written) = &mut written {
                written.row((file, i), &answers, outputs, sampled)?;
            }
            if args.json {
                say::json(&answers.object(name, outputs, sampled))
            } else if written.is_none() {
                answers.say(name, outputs, sampled)
            }
        }
    }
    let Some(written) = written else { return Ok(0) };
    let (rows, path) = written.finish()?;
    if !args.json {
        say!("{} predictions in {}", show::thousands(rows as u64), path.display());
    }
    Ok(0)
}

fn note_all(notes: &[String]) {
    notes.iter().for_each(|text| note!("{text}"));
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
    /// The names of the answers as they may stand on a terminal.
    names: Vec<String>,
    /// Characters of the longest of them.
    name_width: usize,
    scale: TargetScale,
    /// Characters of the longest input's name.
    width: usize,
    covered: Option<Covered>,
}

impl Answers {
    fn new((problem, covered): (Problem, Option<Covered>), scale: TargetScale, files: &[Inputs]) -> Self {
        let input_width = |name: &String| shown(name).chars().count();
        let width = files.iter().flat_map(|file| &file.names).map(input_width).max().unwrap_or(0);
        let names: Vec<String> = problem.names.iter().map(|name| shown(name).into_owned()).collect();
        let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        Self { problem, names, name_width, scale, width, covered }
    }

    /// Probabilities, or the numbers of a regression in the data's units.
    fn of(&self, outputs: &[f32]) -> Vec<f64> {
        match self.problem.answer {
            Answer::Numbers => outputs.iter().enumerate().map(|(j, &z)| self.scale.original(j, z)).collect(),
            _ => self.problem.probabilities(outputs),
        }
    }

    /// `input`, then `class`, `probabilities` and `logits` (of labels `labels` in place of `class`), both in the order of
    /// `classes`; of a regression `prediction`. Under masks also `sampled`.
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
        if self.problem.answer != Answer::Numbers {
            object["classes"] = json!(names);
        }
        if let Some(covered) = &self.covered {
            covered.add_to(&mut object, &all);
        }
        if let Some(Sampled { mean, deviation }) = sampled {
            object["sampled"] = json!({ "mean": mean, "deviation": deviation });
        }
        object
    }

    /// One line; under masks, their mean and spread after the answer of the rule for inference.
    fn say(&self, input: &str, outputs: &[f32], sampled: Option<&Sampled>) {
        let all = self.of(outputs);
        let (names, name_width) = (&self.names, self.name_width);
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
                let one =
                    |(j, name): (usize, _)| if all.len() == 1 { value(j) } else { format!("{name} {}", value(j)) };
                names.iter().enumerate().map(one).collect::<Vec<_>>().join("  ")
            }
        };
        let covered = self.covered.as_ref().map_or_else(String::new, |covered| covered.text(names, &all));
        say!("{:<width$}  {told}{covered}", shown(input), width = self.width);
    }
}

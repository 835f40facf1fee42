//! `wgrad export`

use super::args::ExportArgs;
use super::say::{note, say};
use super::setting;
use crate::device::Device;
use crate::error::Error;
use crate::export::{self, Ensemble, Model};
use crate::run::Predictor;
use std::path::Path;

/// The ending of what is written.
const ENDING: &str = "safetensors";

/// Refuses a file whose ending says that it is of another kind.
fn check_ending(out: &Path) -> Result<(), Error> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let what = match ending.as_deref() {
        Some(ENDING) => return Ok(()),
        Some("onnx") => "ONNX is not written yet".to_owned(),
        Some(other) => format!("nothing is written in the form of .{other} files"),
        None => "its name has no ending".to_owned(),
    };
    Err(setting(format!("{}: {what}: give --out a name that ends in .{ENDING}", out.display())))
}

pub(super) fn run(args: &ExportArgs) -> Result<u8, Error> {
    check_ending(&args.out)?;
    let (ensemble, notes) = Ensemble::open(&args.model)?;
    notes.iter().for_each(|text| note!("{text}"));
    let shown = args.model.display();
    if args.out.exists() {
        return Err(setting(format!("{} is there: name another file with --out", args.out.display())));
    }
    if args.names == "torchvision" && ensemble.members().len() > 1 {
        let what = "has several models, and torchvision's names are of one";
        return Err(setting(format!("{shown} {what}: leave --names out")));
    }
    let (average, counts) = (ensemble.average(), ensemble.counts().to_vec());
    let mut done = Folded::default();
    let mut members = vec![];
    for model in ensemble.into_members() {
        members.push(member(args, model, &mut done)?);
    }
    if args.fold && done.folded.is_empty() {
        let why = if done.left.is_empty() {
            "has no batch_norm"
        } else {
            "has no batch_norm right after a linear or conv outside of shortcuts"
        };
        return Err(setting(format!("{shown} {why}, so there is nothing to fold: leave --fold out")));
    }
    Ensemble::new(average, members)?.counted(&counts).save(&args.out)?;
    if !done.folded.is_empty() {
        say!("folded into the layer before: {}", done.folded.join(", "));
    }
    if !done.left.is_empty() {
        say!(
            "left as they are, for no linear or conv stands right before them, or a shortcut has them: {}",
            done.left.join(", ")
        );
    }
    say!("model    {}", args.out.display());
    Ok(0)
}

/// The layers that were folded, and those that were not, of all members.
#[derive(Default)]
struct Folded {
    folded: Vec<String>,
    left: Vec<String>,
}

/// A model as it is written.
fn member(args: &ExportArgs, model: Model, done: &mut Folded) -> Result<Model, Error> {
    let mut model = if args.fold {
        let export::Folded { model, folded, left } = export::fold(&model)?;
        done.folded.extend(folded);
        done.left.extend(left);
        model
    } else {
        model
    };
    // What does not load is not passed on.
    Predictor::for_inputs(&model, false, None, &Device::CPU)?;
    model.leave_run();
    if args.names == "torchvision" {
        let shown = args.model.display();
        model.tensors = export::torchvision_names(model.tensors)
            .map_err(|what| setting(format!("{shown}: {what}: leave --names out")))?;
    }
    Ok(model)
}

//! `wgrad export`

use super::args::ExportArgs;
use super::say::{note, say};
use super::setting;
use crate::device::Device;
use crate::error::Error;
use crate::export::{self, Model};
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
    let (model, notes) = Model::open(&args.model)?;
    notes.iter().for_each(|text| note!("{text}"));
    let shown = args.model.display();
    if args.out.exists() {
        return Err(setting(format!("{} is there: name another file with --out", args.out.display())));
    }
    let folded = if args.fold { export::fold(&model)? } else { export::Folded { model, folded: vec![], left: vec![] } };
    if args.fold && folded.folded.is_empty() {
        let why = if folded.left.is_empty() { "has no batch_norm" } else { "has no batch_norm right after a linear" };
        return Err(setting(format!("{shown} {why}, so there is nothing to fold: leave --fold out")));
    }
    // What does not load is not passed on.
    Predictor::for_inputs(&folded.model, false, None, &Device::CPU)?;
    // What is exported is a model, not a run: optimiser states, progress and what tells its data stay
    // behind.
    let mut model = folded.model;
    model.tensors.retain(|name, _| name.split('.').next().is_some_and(|layer| layer.parse::<usize>().is_ok()));
    if let Some(metadata) = &mut model.metadata {
        (metadata.progress, metadata.fingerprint, metadata.best) = (None, None, None);
    }
    if args.names == "torchvision" {
        model.tensors = export::torchvision_names(model.tensors)
            .map_err(|what| setting(format!("{shown}: {what}: leave --names out")))?;
    }
    model.save(&args.out)?;
    if !folded.folded.is_empty() {
        say!("folded into the layer before: {}", folded.folded.join(", "));
    }
    if !folded.left.is_empty() {
        say!("left as they are, for no linear stands right before them: {}", folded.left.join(", "));
    }
    say!("model    {}", args.out.display());
    Ok(0)
}

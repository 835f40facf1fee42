//! `wgrad ensemble`

pub(super) mod members;
pub(super) mod rows;
pub(super) mod told;

use super::args::EnsembleArgs;
use super::say::{self, note, say};
use super::{open_device, setting};
use crate::data::Part;
use crate::device::Device;
use crate::error::Error;
use crate::export::Ensemble;
use crate::kernel::Precision;
use crate::run::Predictor;
use members::Members;
use rows::{Rows, hold_out_alike, job_of, of_no_run};
use serde_json::{Value, json};
use std::path::Path;
use told::Judged;

pub(super) fn run(args: &EnsembleArgs) -> Result<u8, Error> {
    let out = args.out.display();
    if args.out.exists() {
        return Err(setting(format!("{out} is there: name another file with --out")));
    }
    let members = read(args)?;
    if members.names.len() < 2 {
        return Err(setting("an ensemble has at least two members: give more models"));
    }
    let of_no_run = of_no_run(&args.models);
    if let (true, Some(model)) = (args.greedy, of_no_run) {
        return Err(setting(format!(
            "--greedy chooses by the validation part of the runs, and {} is no run's own file, which is called \
             model.safetensors or last.safetensors and lies in the run's folder: give those, or leave out --greedy",
            model.display()
        )));
    }
    let of_runs = of_no_run.is_none() && (args.greedy || args.data.is_none());
    if of_runs {
        hold_out_alike(&args.models)?;
    }
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let members = if args.greedy { members.chosen(&job_of(&args.models[0])?, &device)? } else { members };
    let rows = rows(args, &members, of_runs)?;
    if fills_differ(&members.ensemble)? {
        let first = &members.names[0];
        note!("the members fill missing fields in with different values: the ensemble takes those of {first}");
    }
    let judged = rows.as_ref().map(|rows| Judged::new(&members, rows, &device)).transpose()?;
    members.ensemble.save(&args.out)?;
    if args.json {
        let mut object = judged.as_ref().map_or_else(|| unjudged(&members), Judged::object);
        object["model"] = json!(out.to_string());
        object["average"] = json!(members.ensemble.average().to_string());
        say::json(&object);
        return Ok(0);
    }
    match &judged {
        Some(judged) => judged.say()?,
        None => say!("not judged: give rows with --data, which the members were not trained on"),
    }
    say!("model    {out}: {} members, {} averaged", members.names.len(), members.ensemble.average());
    Ok(0)
}

/// The rows to judge by, if there are any.
fn rows(args: &EnsembleArgs, members: &Members, of_runs: bool) -> Result<Option<Rows>, Error> {
    if let Some(source) = &args.data {
        let (rows, notes) = Rows::of_source(source, &members.ensemble)?;
        notes.iter().for_each(|text| note!("{text}"));
        return Ok(Some(rows));
    }
    if !of_runs {
        return Ok(None);
    }
    // As the first member that is left takes them. In a run folder lies one model, which is called as its file.
    let job = job_of(Path::new(&members.names[0]))?;
    Ok(Rows::of_job(&job, Part::Test))
}

/// The members where nothing is known of how they do.
fn unjudged(members: &Members) -> Value {
    let named = members.names.iter().zip(members.ensemble.counts());
    let member = |(name, count): (&String, &u32)| json!({ "model": name, "count": count });
    json!({ "members": named.map(member).collect::<Vec<_>>() })
}

/// The models of all files as one, each ready to be written, and what each is called.
fn read(args: &EnsembleArgs) -> Result<Members, Error> {
    let (mut members, mut counts, mut names) = (vec![], vec![], vec![]);
    for path in &args.models {
        let (ensemble, notes) = Ensemble::open(path)?;
        notes.iter().for_each(|text| note!("{text}"));
        counts.extend(ensemble.counts());
        let own = ensemble.members().len();
        for (number, mut model) in ensemble.into_members().into_iter().enumerate() {
            // What does not load is not passed on.
            Predictor::for_inputs(&model, false, None, &Device::CPU)?;
            model.leave_run();
            members.push(model);
            let shown = path.display();
            names.push(if own > 1 { format!("{shown}, member {}", number + 1) } else { shown.to_string() });
        }
    }
    let ensemble = Ensemble::new(args.average, members)?.counted(&counts);
    Ok(Members { ensemble, names })
}

/// Whether the members read a table's fields in different ways.
fn fills_differ(ensemble: &Ensemble) -> Result<bool, Error> {
    let first = &ensemble.described()?.encoding;
    for member in ensemble.members() {
        if member.described()?.encoding != *first {
            return Ok(true);
        }
    }
    Ok(false)
}

//! `wgrad plan`

use super::args::PlanArgs;
use super::say::{self, say};
use super::{data_dir, flags, open_device, setting, show, target, variants};
use crate::error::Error;
use crate::graph::plan::Plan;
use crate::kernel::Kernel;
use crate::names::nearest;
use crate::op::Class;
use crate::ops::kernels;
use crate::train::{Trainer, prepare};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

pub(super) fn run(args: &PlanArgs) -> Result<u8, Error> {
    if let Some(name) = &args.wgsl {
        say!("{}", kernel(name)?.wgsl().trim_end());
        return Ok(0);
    }
    let PlanArgs { base, settings, .. } = args;
    let recipe = flags::over(base.recipe.as_deref(), &settings.0)?;
    recipe.check()?;
    let device = open_device(recipe.precision.unwrap_or_default(), &base.device, !base.json)?;
    let (job, _) = prepare(&recipe, data_dir().as_deref())?;
    let trainer = Trainer::for_target(job, &device, target(&device, base.no_fuse))?;
    let compiled = trainer.compiled();
    let plan = &*compiled.plan;
    let parameters: usize =
        compiled.tensors.iter().filter(|t| t.class == Class::Parameters).map(|t| t.shape.elements()).sum();
    let step = &plan.programs[compiled.train.unwrap_or_else(|| panic!("a plan to train has a training program"))];
    if base.json {
        say::json(&json!({ "parameters": parameters, "bytes": plan.bytes(), "dispatches": step.dispatches.len() }));
        return Ok(0);
    }
    say!("{device}; batch {}", compiled.batch);
    let from = if device.is_tuned() { "tuned" } else { "fixed" };
    say!("{from}: {}", variants(plan.target.variants()));
    say!("");
    layers(&trainer);
    say!("");
    memory(plan);
    for program in &plan.programs {
        say!("");
        let (name, count) = (program.name, program.dispatches.len());
        say!("{name}: {count} dispatches a step");
        let row = |(i, d): (usize, &crate::op::Dispatch)| {
            let groups = show::sizes(&d.groups.map(|g| g as usize));
            vec![format!("{i:>3}  {}", d.kernel.name), groups, d.path.to_string()]
        };
        let rows: Vec<_> = program.dispatches.iter().enumerate().map(row).collect();
        show::table(&["     kernel", "groups", "for"], &rows);
        for (layer, why) in &program.apart {
            say!("not joined: {layer}: {why}");
        }
    }
    Ok(0)
}

fn kernel(name: &str) -> Result<&'static Kernel, Error> {
    let all: Vec<&'static Kernel> = kernels();
    let names: Vec<&str> = all.iter().map(|kernel| kernel.name).collect();
    let found = all.into_iter().find(|kernel| kernel.name == name);
    found.ok_or_else(|| setting(format!("there is no kernel {name:?}; {}", nearest(name, &names))))
}

fn layers(trainer: &Trainer) {
    let compiled = trainer.compiled();
    let mut rows = vec![];
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for tensor in compiled.tensors.iter().filter(|tensor| tensor.class == Class::Parameters) {
        *counts.entry(tensor.name.split('.').next().unwrap_or_default()).or_default() += tensor.shape.elements();
    }
    let all: usize = counts.values().sum();
    for (index, (text, shape)) in trainer.layers().iter().zip(&compiled.shapes).enumerate() {
        let count = counts.get(index.to_string().as_str()).copied().unwrap_or(0);
        rows.push(vec![format!("{index:>3}  {text}"), show::sizes(&shape.0[1..]), show::thousands(count as u64)]);
    }
    rows.push(vec!["     all".into(), String::new(), show::thousands(all as u64)]);
    show::table(&["     layer", "output", "parameters"], &rows);
}

fn memory(plan: &Plan) {
    let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
    for buffer in &plan.buffers {
        *classes.entry(buffer.class).or_default() += buffer.words as u64 * 4;
    }
    let row = |(class, bytes): (&Class, &u64)| vec![format!("{class:?}").to_lowercase(), show::bytes(*bytes)];
    let mut rows: Vec<_> = classes.iter().map(row).collect();
    rows.push(vec!["all".into(), show::bytes(plan.bytes())]);
    show::table(&["memory", "bytes"], &rows);
}

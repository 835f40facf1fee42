//! `wgrad plan`

use super::args::PlanArgs;
use super::flags::BaseArgs;
use super::say::{self, say};
use super::{data_dir, flags, open_device, setting, show, target, variants};
use crate::error::Error;
use crate::graph::plan::Plan;
use crate::kernel::{Kernel, Precision};
use crate::names::nearest;
use crate::op::{Class, Kind, Target};
use crate::ops::kernels;
use crate::run::Compiled;
use crate::train::{Job, Recipe, Trainer, prepare};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) fn run(args: &PlanArgs) -> Result<u8, Error> {
    if let Some(name) = &args.wgsl {
        say!("{}", kernel(name)?.wgsl().trim_end());
        return Ok(0);
    }
    let PlanArgs { base, settings, kind, .. } = args;
    let recipe = flags::over(base.recipe.as_deref(), &settings.0)?;
    recipe.check()?;
    let Planned { of, variants_from, layers, compiled, apart } = match kind {
        Some(kind) => for_kind(&recipe, *kind, base.no_fuse)?,
        None => for_device(&recipe, base)?,
    };
    let plan = &*compiled.plan;
    let parameters: usize =
        compiled.tensors.iter().filter(|t| t.class == Class::Parameters).map(|t| t.shape.elements()).sum();
    let step = &plan.programs[compiled.train.unwrap_or_else(|| panic!("a plan to train has a training program"))];
    if base.json {
        let (bytes, dispatches) = (plan.bytes(), step.dispatches.len());
        let mut object = json!({ "parameters": parameters, "bytes": bytes, "dispatches": dispatches });
        if let Some(kind) = kind {
            object["for"] = json!(kind.name());
        }
        say::json(&object);
        return Ok(0);
    }
    say!("{of}; batch {}", compiled.batch);
    say!("{variants_from}: {}", variants(plan.target.variants()));
    say!("");
    table_of_layers(&layers, &compiled);
    say!("");
    memory(plan);
    if let Some(apart) = &apart {
        let count = apart.programs[0].dispatches.len();
        say!("without joining: {}, {count} dispatches a step", show::bytes(apart.bytes()));
    }
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

/// A plan, and what it is for.
struct Planned {
    of: String,
    variants_from: &'static str,
    layers: Vec<String>,
    compiled: Compiled,
    /// The plan with nothing joined, if that is another.
    apart: Option<Arc<Plan>>,
}

fn for_device(recipe: &Recipe, base: &BaseArgs) -> Result<Planned, Error> {
    let device = open_device(recipe.precision.unwrap_or_default(), &base.device, !base.json)?;
    let (job, _) = prepare(recipe, data_dir().as_deref())?;
    let target = target(&device, base.no_fuse);
    let apart = unjoined(&job, target)?;
    let trainer = Trainer::for_target(job, &device, target)?;
    let (layers, compiled) = (trainer.layers(), trainer.compiled().clone());
    let variants_from = if device.is_tuned() { "tuned" } else { "fixed" };
    Ok(Planned { of: device.to_string(), variants_from, layers, compiled, apart })
}

/// The plan of a job with nothing joined, if something may be joined.
fn unjoined(job: &Job, target: Target) -> Result<Option<Arc<Plan>>, Error> {
    target.fuse.then(|| Ok(job.compile(Target { fuse: false, ..target })?.1.plan)).transpose()
}

/// The plan for a kind of device that need not be there.
fn for_kind(recipe: &Recipe, kind: Kind, no_fuse: bool) -> Result<Planned, Error> {
    if recipe.precision == Some(Precision::F16) {
        let what =
            "the tiles of --precision f16 are those that an adapter lists: leave out --for, or use --precision f32";
        return Err(setting(what));
    }
    let (job, _) = prepare(recipe, data_dir().as_deref())?;
    let target = Target { fuse: !no_fuse, ..kind.target() };
    let (network, compiled) = job.compile(target)?;
    let apart = unjoined(&job, target)?;
    let limits = match kind {
        Kind::Host => String::new(),
        _ => {
            let [binding, buffer] = [Kind::MAX_BINDING, Kind::MAX_BUFFER].map(show::bytes);
            format!(", bindings of {binding} and buffers of {buffer} at most")
        }
    };
    let of = format!("for {kind}; no device was opened{limits}");
    Ok(Planned { of, variants_from: "fixed", layers: network.texts(), compiled, apart })
}

fn kernel(name: &str) -> Result<&'static Kernel, Error> {
    let all: Vec<&'static Kernel> = kernels();
    let names: Vec<&str> = all.iter().map(|kernel| kernel.name).collect();
    let found = all.into_iter().find(|kernel| kernel.name == name);
    found.ok_or_else(|| setting(format!("there is no kernel {name:?}; {}", nearest(name, &names))))
}

/// Prints what each layer gives and has, and its products for the value of one row.
pub(super) fn table_of_layers(layers: &[String], compiled: &Compiled) {
    let mut rows = vec![];
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for tensor in compiled.tensors.iter().filter(|tensor| tensor.class == Class::Parameters) {
        *counts.entry(tensor.name.split('.').next().unwrap_or_default()).or_default() += tensor.shape.elements();
    }
    let all: usize = counts.values().sum();
    let products = products(compiled);
    for (index, (text, shape)) in layers.iter().zip(&compiled.shapes).enumerate() {
        let count = counts.get(index.to_string().as_str()).copied().unwrap_or(0);
        rows.push(vec![
            format!("{index:>3}  {text}"),
            show::sizes(&shape.in_files().0[1..]),
            show::thousands(count as u64),
            show::thousands(products.get(&index).copied().unwrap_or(0)),
        ]);
    }
    let products: u64 = products.values().sum();
    rows.push(vec!["     all".into(), String::new(), show::thousands(all as u64), show::thousands(products)]);
    show::table(&["     layer", "output", "parameters", "multiply-adds"], &rows);
}

/// Multiplications with an addition that the layers take for the value of one row, by the index of the layer.
fn products(compiled: &Compiled) -> BTreeMap<usize, u64> {
    let mut products = BTreeMap::new();
    for dispatch in &compiled.plan.programs[compiled.evaluate].dispatches {
        let index = dispatch.path.split('.').next().and_then(|index| index.parse().ok());
        if let Some(index) = index {
            *products.entry(index).or_insert(0) += dispatch.flops / 2 / compiled.batch as u64;
        }
    }
    products
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

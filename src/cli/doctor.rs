//! `wgrad doctor`: every kernel and every case against the CPU on the chosen device.

use super::args::DoctorArgs;
use super::attend::Attending;
use super::say::{self, note, say};
use super::show::table;
use crate::device::{Device, DeviceChoice};
use crate::error::Error;
use crate::gpu::AdapterReport;
use crate::judge::kernels::{Trial, Verdict, judge};
use crate::judge::long;
use crate::kernel::Precision;
use crate::op::Target;
use crate::ops::{OPS, kernels};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn run(args: &DoctorArgs) -> Result<u8, Error> {
    args.device.drivers.hush();
    let device = Device::open_attended(Precision::F32, &args.device.device, Attending::new(!args.json))?;
    if !args.json {
        say!("{device}");
        if let Some(why) = device.why_cpu() {
            note!("{why}; so the CPU path is checked: its fast variants against the plain ones");
        }
    }
    let mut verdicts = of_targets(&device, &targets(&device), vec![])?;
    if let Some(device) = of_matrices(&device, &args.device.device)? {
        verdicts = of_targets(&device, &[device.target()], verdicts)?;
    }
    let checked = if device.is_cpu() { "the CPU path" } else { "this driver" };
    if args.json {
        verdicts.iter().for_each(|verdict| say::json(&object(verdict)));
    } else {
        show(&verdicts);
    }
    conclude(&verdicts, checked)
}

/// Every variant that the device can run: the family of kernels that plans get, and the others.
fn targets(device: &Device) -> Vec<Target> {
    let best = device.target();
    let others = device.report().map_or_else(Vec::new, AdapterReport::families);
    let others = others.into_iter().filter(|family| *family != best.product);
    std::iter::once(best).chain(others.map(|product| Target { product, ..best })).collect()
}

/// The device of the products by cooperative matrices, where the adapter lists some that they take: they need one of their own.
fn of_matrices(device: &Device, choice: &DeviceChoice) -> Result<Option<Device>, Error> {
    match device.report() {
        Some(report) if report.f16.is_ok() => Ok(Some(Device::open_for(Precision::F16, choice)?)),
        _ => Ok(None),
    }
}

/// The verdicts, with those of each case on each target, but for cases of whose kernels all were judged on targets before.
fn of_targets(device: &Device, targets: &[Target], mut verdicts: Vec<Verdict>) -> Result<Vec<Verdict>, Error> {
    for &target in targets {
        let judged_before: BTreeSet<&str> = verdicts.iter().map(|verdict| verdict.kernel).collect();
        let of_ops = OPS.iter().flat_map(|op| (op.cases)().into_iter().map(|case| (op.name, case)));
        // The CPU path never splits a sum.
        let on_gpu = !device.is_cpu();
        let cases = of_ops.chain(long::cases().into_iter().filter(|_| on_gpu));
        for (op, case) in cases.filter(|(_, case)| on_gpu || case.groups_wanted == 1) {
            // What plans for this device refuse is not to be checked.
            let Some(trial) = Trial::within_turns(&case, target)? else { continue };
            let mut dispatches = trial.plan.programs.iter().flat_map(|program| &program.dispatches);
            if dispatches.all(|dispatch| judged_before.contains(dispatch.kernel.name)) {
                continue;
            }
            let mut subject = device.executor(&trial.watched)?;
            let judged = judge(&trial, &format!("{op}: {}", case.name), subject.as_mut())?;
            // On the CPU path a kernel without a fast variant runs its twin: nothing would be compared.
            let compared = |v: &Verdict| on_gpu || has_fast_variant(v.kernel);
            verdicts.extend(judged.into_iter().filter(compared));
        }
    }
    Ok(verdicts)
}

fn has_fast_variant(name: &str) -> bool {
    kernels().into_iter().any(|kernel| kernel.name == name && kernel.fast.is_some())
}

fn show(verdicts: &[Verdict]) {
    let mut kernels: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    verdicts.iter().for_each(|verdict| kernels.entry(verdict.kernel).or_default().push(verdict));
    let row = |(kernel, verdicts): (&&str, &Vec<&Verdict>)| {
        // The case that comes nearest to its bound.
        let share = |v: &&&Verdict| if v.bound > 0.0 { v.error / v.bound } else { v.error };
        let worst = verdicts.iter().max_by(|a, b| share(a).total_cmp(&share(b))).copied();
        let (error, bound) = worst.map_or((0.0, 0.0), |worst| (worst.error, worst.bound));
        let bound = if bound == 0.0 { "exact".to_owned() } else { format!("{bound:.1e}") };
        let word = if verdicts.iter().all(|v| v.ok()) { "ok" } else { "WRONG" };
        vec![(*kernel).to_owned(), verdicts.len().to_string(), format!("{error:.1e}"), bound, word.to_owned()]
    };
    table(&["kernel", "checks", "error", "bound", ""], &kernels.iter().map(row).collect::<Vec<_>>());
}

/// The exit code, or the sentence that says what is wrong.
fn conclude(verdicts: &[Verdict], checked: &str) -> Result<u8, Error> {
    let wrong: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.ok()).collect();
    let Some(first) = wrong.first() else {
        note!("all {} checks passed: {checked} computes correctly", verdicts.len());
        return Ok(0);
    };
    let what = first.worst.as_deref().unwrap_or_default();
    Err(Error::Failed(format!(
        "{} of {} checks failed, first {} in {}: {what}; do not train on this device: use --device cpu or update its driver",
        wrong.len(),
        verdicts.len(),
        first.kernel,
        first.case
    )))
}

fn object(verdict: &Verdict) -> serde_json::Value {
    // JSON has no infinity: a disagreement in kind has no number.
    let error = verdict.error.is_finite().then_some(verdict.error);
    json!({
        "kernel": verdict.kernel,
        "case": verdict.case,
        "error": error,
        "bound": verdict.bound,
        "ok": verdict.ok(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn one_wrong_kernel_ends_in_exit_code_1() {
        let right = Verdict { kernel: "a.b", case: "a: 1".into(), error: 1e-7, bound: 1e-6, worst: None };
        assert_eq!(conclude(std::slice::from_ref(&right), "this driver").unwrap(), 0);
        let wrong = Verdict { kernel: "a.c", worst: Some("y[3] is 1, should be 2".into()), ..right.clone() };
        let error = conclude(&[right, wrong], "this driver").unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains("a.c") && error.to_string().contains("y[3]"), "{error}");
    }
}

//! `wgrad gradcheck`

use super::args::GradcheckArgs;
use super::say::{self, note, say};
use super::{bar, data_dir, flags, setting, show};
use crate::error::Error;
use crate::judge::Batch;
use crate::judge::gradients::{TensorCheck, check};
use crate::train::{Job, prepare};
use serde_json::json;

/// Most rows: the functions that judge are single-threaded.
const MOST: usize = 256;

pub(super) fn run(args: &GradcheckArgs) -> Result<u8, Error> {
    if !(2..=MOST).contains(&args.rows) {
        return Err(setting(format!("--rows must be from 2 to {MOST}, not {}", args.rows)));
    }
    let recipe = flags::over(args.recipe.as_deref(), &args.settings.0)?;
    let (job, notes) = prepare(&recipe, data_dir().as_deref())?;
    let network = job.network(job.settings.init)?;
    let rows = job.first_rows(args.rows);
    let (row, inputs, targets) = (job.input_shape()?, job.inputs(&rows), job.targets(&rows));
    let Job { class_weights, settings, .. } = &job;
    let (class_weights, label_smoothing, seed) = (class_weights.as_deref(), settings.label_smoothing, settings.seed);
    let batch = Batch { row: &row, inputs: &inputs, targets: &targets, class_weights, label_smoothing, seed };
    if !args.json {
        notes.iter().for_each(|text| note!("note: {text}"));
        say!("network  {}", network.texts().join(", "));
        say!("data     {}: {} rows to train on, seed {seed}", job.dataset.name, rows.len());
        say!("");
    }
    let bar = bar::late(0, "checking tensors");
    let found = check(&network, seed, &batch, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let found = found?;
    if found.is_empty() {
        return Err(setting("every layer is frozen or has no weights: there is no gradient to check"));
    }
    let wrong: Vec<&TensorCheck> = found.iter().filter(|check| !check.ok).collect();
    if args.json {
        found.iter().for_each(|check| say::json(&object(check)));
    } else {
        show::table(
            &["tensor", "values", "gradient's norm", "error", "bound", ""],
            &found.iter().map(row_of).collect::<Vec<_>>(),
        );
        say!("");
        tell(&found, &wrong);
    }
    Ok(u8::from(found.iter().any(|check| !check.ok || !check.tells())))
}

fn row_of(check: &TensorCheck) -> Vec<String> {
    let small = |value: f64| format!("{value:.1e}");
    vec![
        check.tensor.clone(),
        show::thousands(check.elements as u64),
        small(check.norm),
        small(check.error),
        small(check.bound),
        match (check.ok, check.tells()) {
            (false, _) => "WRONG",
            (true, true) => "ok",
            (true, false) => "cannot tell",
        }
        .into(),
    ]
}

fn tell(found: &[TensorCheck], wrong: &[&TensorCheck]) {
    say!(
        "Differences of the loss along {} directions of each tensor, as shares of the gradient's norm. Loss and gradient are computed \
         in float64 and kept in float32 between operations; the bound is what that rounding, measured, and kinks as of ReLU can make. A direction adds up \
         all values of a tensor, so an error of a single value among many can hide.",
        found.first().map_or(0, |check| check.directions)
    );
    let unsure = found.iter().filter(|check| !check.tells()).count();
    match wrong {
        [] if unsure > 0 => say!(
            "unsure   of {unsure} of {} tensors nothing can be told, as rounding or kinks may make as much as the gradient itself: try \
             smaller weights (--init), other --rows or a smoother activation",
            found.len()
        ),
        [] => say!(
            "all {} gradients agree; wgrad doctor checks this machine's kernels against the same functions",
            found.len()
        ),
        [first, ..] => say!(
            "wrong    the gradient of {} differs by {:.1e} of its norm, {:.1e} may be: leave out layers until it agrees, and report the \
             layer that makes it differ",
            first.tensor,
            first.error,
            first.bound
        ),
    }
}

fn object(check: &TensorCheck) -> serde_json::Value {
    json!({
        "tensor": check.tensor, "elements": check.elements, "norm": check.norm, "error": check.error, "bound": check.bound,
        "directions": check.directions, "ok": check.ok, "tells": check.tells(),
    })
}

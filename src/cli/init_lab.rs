//! `wgrad init-lab`
//!
//! JSON fields of a layer: `units`, which are channels where the layer gives images, and `dead`, the share of these that are 0 on
//! every row and pixel, as in `health.csv`; moments and `saturated` are over all values.

mod figure;

use super::args::InitLabArgs;
use super::say::{self, note, say};
use super::{data_dir, flags, open_device, setting, show};
use crate::error::Error;
use crate::files;
use crate::judge::Batch;
use crate::judge::starts::{LayerStart, Start, start};
use crate::nn::Init;
use crate::train::{BAD_START, Job, prepare};
use serde_json::json;

/// Most rows that pass the network at once.
const MOST: usize = 4096;

/// Spreads within this factor of the least are as good.
const AS_GOOD: f64 = 1.5;

/// The kinds of initial weights that are compared.
const INITS: [Init; 5] = [Init::He, Init::Xavier, Init::Glorot, Init::Small, Init::Large];

/// A kind of initial weights, and what they did.
struct Tried {
    name: String,
    start: Start,
    spread: f64,
    /// Whether the first loss is far above that of a constant guess.
    bad_start: bool,
}

pub(super) fn run(args: &InitLabArgs) -> Result<u8, Error> {
    if !(2..=MOST).contains(&args.rows) {
        return Err(setting(format!("--rows must be from 2 to {MOST}, not {}", args.rows)));
    }
    if let Some(out) = args.out.as_ref().filter(|out| out.symlink_metadata().is_ok()) {
        let shown = out.display();
        return Err(setting(format!("{shown} is there and is not overwritten: name another file with --out")));
    }
    let recipe = flags::over(args.recipe.as_deref(), &args.settings.0)?;
    if let Some(init) = recipe.init.filter(|init| !INITS.contains(init)) {
        note!("note: --init {init} is compared with the others");
    }
    let device = open_device(recipe.precision.unwrap_or_default(), &args.device, !args.json)?;
    let (job, notes) = prepare(&recipe, data_dir().as_deref())?;
    let rows = job.first_rows(args.rows);
    let (row, inputs, targets) = (job.input_shape()?, job.inputs(&rows), job.targets(&rows));
    let Job { class_weights, settings, .. } = &job;
    let (class_weights, label_smoothing, seed) = (class_weights.as_deref(), settings.label_smoothing, settings.seed);
    let batch = Batch { row: &row, inputs: &inputs, targets: &targets, class_weights, label_smoothing, seed };
    let inits = INITS.into_iter().chain(settings.init.filter(|init| !INITS.contains(init)));
    let guess = job.constant_guess(&rows);
    let mut all = vec![];
    for init in inits {
        let start = start(&job.network(Some(init))?, seed, &batch, &device)?;
        let (spread, bad_start) = (start.spread(), start.loss > BAD_START * guess);
        all.push(Tried { name: init.to_string(), start, spread, bad_start });
    }
    if let Some(out) = &args.out {
        files::replace(out, figure::figure(&all, &job.dataset.name).as_bytes())
            .map_err(Error::file(out, "cannot be written"))?;
    }
    let chosen = chosen(&all);
    if args.json {
        all.iter().for_each(|tried| say::json(&object(tried, chosen)));
        return Ok(0);
    }
    notes.iter().for_each(|text| note!("note: {text}"));
    let fixed = settings.layers.iter().filter(|layer| layer.contains("init=")).count();
    if fixed > 0 {
        note!("note: {fixed} layers have an init= of their own, which they keep in every row below");
    }
    let guess = show::number(guess);
    say!(
        "data     {}: {} rows of the training part, one pass forward and one back, seed {seed}",
        job.dataset.name,
        rows.len()
    );
    for tried in &all {
        say!("");
        let loss = show::number(tried.start.loss);
        say!("init {}: loss {loss} (a constant guess has {guess}), spread {}", tried.name, spread(tried.spread));
        table(&tried.start);
    }
    say!("");
    tell(&all, chosen);
    if let Some(out) = &args.out {
        say!("drawing  {}", out.display());
    }
    Ok(0)
}

/// The kind with the least spread of those that start well, else of all; none if every spread is infinite.
fn chosen(all: &[Tried]) -> Option<&Tried> {
    let finite = all.iter().filter(|tried| tried.spread.is_finite());
    finite.min_by(|a, b| a.bad_start.cmp(&b.bad_start).then(a.spread.total_cmp(&b.spread)))
}

fn spread(value: f64) -> String {
    if value.is_finite() { show::number(value) } else { "without end".into() }
}

fn table(start: &Start) {
    let percent = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share));
    let small = |value: f64| format!("{value:.2e}");
    let row = |layer: &LayerStart| {
        let LayerStart { output, gradient } = layer;
        let [of_mean, of_deviation] = match gradient {
            Some((mean, deviation)) => [small(*mean), small(*deviation)],
            None => [String::new(), String::new()],
        };
        let (mean, deviation) = (small(output.mean), small(output.deviation));
        vec![
            output.path.clone(),
            mean,
            deviation,
            of_mean,
            of_deviation,
            percent(output.saturated),
            percent(output.dead),
        ]
    };
    let header = ["layer", "mean", "deviation", "gradient's mean", "deviation", "saturated", "dead"];
    show::table(&header, &start.layers.iter().map(row).collect::<Vec<_>>());
}

fn tell(all: &[Tried], chosen: Option<&Tried>) {
    say!(
        "spread   the largest deviation of a layer with weights over the smallest, of outputs or gradients, whichever is more, over the \
         share of values that are neither saturated nor of dead units; 1 is the best. A channel of images is one unit"
    );
    let Some(best) = chosen else {
        say!(
            "next     none of these passes this network: shorten it, or put batch_norm behind its layers with weights"
        );
        return;
    };
    let good = |tried: &&Tried| tried.bad_start == best.bad_start && tried.spread <= AS_GOOD * best.spread;
    let others: Vec<&str> =
        all.iter().filter(good).filter(|tried| tried.name != best.name).map(|tried| &*tried.name).collect();
    let as_good = if others.is_empty() {
        String::new()
    } else {
        format!("; {} as good", others.join(", ") + if others.len() == 1 { " is" } else { " are" })
    };
    say!("next     --init {} has the least spread, {}{as_good}", best.name, spread(best.spread));
    let bad: Vec<&str> = all.iter().filter(|tried| tried.bad_start).map(|tried| &*tried.name).collect();
    if best.bad_start {
        say!(
            "         yet every kind begins with over {BAD_START} times the loss of a constant guess: look at --normalize"
        );
    } else if !bad.is_empty() {
        let bad = bad.join(", ");
        say!("         left out for a first loss of over {BAD_START} times that of a constant guess: {bad}");
    }
}

fn object(tried: &Tried, chosen: Option<&Tried>) -> serde_json::Value {
    let layer = |layer: &LayerStart| {
        let LayerStart { output, gradient } = layer;
        json!({
            "layer": output.path, "units": output.units, "mean": output.mean, "deviation": output.deviation,
            "gradient_mean": gradient.map(|(mean, _)| mean), "gradient_deviation": gradient.map(|(_, deviation)| deviation),
            "saturated": output.saturated, "dead": output.dead,
        })
    };
    json!({
        "init": tried.name, "loss": tried.start.loss, "bad_start": tried.bad_start, "spread": tried.spread.is_finite().then_some(tried.spread),
        "recommended": chosen.is_some_and(|chosen| chosen.name == tried.name),
        "layers": tried.start.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

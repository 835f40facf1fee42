//! What changed over a run: loss, measures and learning rate.

use super::super::runs::Run;
use super::chart::{Chart, Curve};
use super::html;
use crate::train::{Length, Recipe};

/// Points of a curve that has one for every step: more cannot be told apart.
const MOST: usize = 400;

/// The share of a run over which the smoothed loss of a step is a mean.
const WINDOW: f64 = 0.03;

/// All charts that the run's tables have values for.
pub(super) fn charts(run: &Run) -> String {
    let best = run.best().map(|(_, epoch)| (epoch as f64, format!("best epoch, {epoch}")));
    let by_epoch = |title, may_be_logarithmic, [train, validation]: [&str; 2]| Chart {
        title,
        x: "epoch",
        curves: vec![
            Curve { name: "training, as rows were met", class: "a", points: run.epochs.points("epoch", train) },
            Curve { name: "validation", class: "b", points: run.epochs.points("epoch", validation) },
        ]
        .into_iter()
        .filter(|curve| !curve.points.is_empty())
        .collect(),
        may_be_logarithmic,
        mark: best.clone(),
    };
    let charts = [
        of_steps(run),
        by_epoch("loss of each epoch", true, ["train_loss", "validation_loss"]),
        by_epoch("accuracy of each epoch", false, ["train_accuracy", "validation_accuracy"]),
    ];
    let mut out: String = charts.iter().filter_map(Chart::html).collect();
    out.extend(rates(run).and_then(|chart| chart.html()));
    if out.is_empty() { html::paragraph("The run's tables hold no values to draw.") } else { out }
}

fn of_steps(run: &Run) -> Chart {
    let all = run.steps.points("step", "loss");
    let each = if all.len() > MOST { "mean loss of a few batches" } else { "loss of each batch" };
    let curves = vec![
        Curve { name: each, class: "faint", points: thinned(&all) },
        Curve { name: "smoothed", class: "a", points: smoothed(&all) },
    ];
    Chart { title: "loss of each step", x: "step", curves, may_be_logarithmic: true, mark: None }
}

/// Means of neighbours, so many that few enough points are left. A stretch with a value that is no number is a gap.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let size = points.len().div_ceil(MOST).max(1);
    let mean = |part: &[[f64; 2]], i: usize| part.iter().map(|point| point[i]).sum::<f64>() / part.len() as f64;
    points.chunks(size).map(|part| [mean(part, 0), mean(part, 1)]).collect()
}

/// At about [`MOST`] places the mean over the values around them. Where the value itself is no number, there is a gap.
fn smoothed(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let half = (points.len() as f64 * WINDOW / 2.0).ceil() as usize;
    let mean = |at: usize| {
        let around = &points[at.saturating_sub(half)..(at + half + 1).min(points.len())];
        let known: Vec<f64> = around.iter().map(|point| point[1]).filter(|loss| loss.is_finite()).collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        [points[at][0], if points[at][1].is_finite() { mean } else { f64::NAN }]
    };
    (0..points.len()).step_by(points.len().div_ceil(MOST).max(1)).map(mean).collect()
}

/// The learning rate as the recipe's schedule gives it, if the run got far enough to say how many steps an epoch has.
fn rates(run: &Run) -> Option<Chart> {
    let Recipe { lr, schedule, epochs, steps, .. } = &run.recipe;
    let (lr, schedule) = ((*lr)?, schedule.as_ref()?);
    let ends = run.epochs.points("epoch", "step");
    let per_epoch = ends.first().map(|[epoch, step]| (step / epoch) as u64).filter(|&steps| steps > 0)?;
    let total = match steps.map(Length::Steps).or(epochs.map(Length::Epochs))? {
        Length::Steps(steps) => steps,
        Length::Epochs(epochs) => epochs.saturating_mul(per_epoch),
    };
    let every = (total / MOST as u64).max(1) as usize;
    let rate = |step: u64| [step as f64, f64::from(schedule.rate(lr, step, total, per_epoch))];
    let points = (0..total).step_by(every).chain(total.checked_sub(1)).map(rate).collect();
    let curves = vec![Curve { name: "as the schedule of the recipe gives it", class: "a", points }];
    Some(Chart { title: "learning rate", x: "step", curves, may_be_logarithmic: false, mark: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_become_few_points_and_gaps_stay() {
        let line: Vec<[f64; 2]> = (0..1000).map(|i| [f64::from(i), 2.0]).collect();
        let few = thinned(&line);
        assert_eq!((few.len(), few[0], few[1]), (334, [1.0, 2.0], [4.0, 2.0]));
        assert!(smoothed(&line).iter().all(|point| point[1] == 2.0));
        let gap = [[0.0, 1.0], [1.0, f64::NAN], [2.0, 3.0]];
        assert!(thinned(&gap)[1][1].is_nan());
        let smooth = smoothed(&gap);
        assert!(smooth[0][1] == 1.0 && smooth[1][1].is_nan() && smooth[2][1] == 3.0, "{smooth:?}");
        assert!(smoothed(&[]).is_empty() && thinned(&[]).is_empty());
    }
}

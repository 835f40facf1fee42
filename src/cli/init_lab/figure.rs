//! The drawing of `wgrad init-lab`: deviations of outputs and of gradients from layer to layer, and the share of values that
//! are lost, a line for each kind of initial weights.

use super::Tried;
use crate::cli::svg::{Anchor, Axis, COLOURS, Svg};
use crate::judge::starts::LayerStart;

const PANEL: [f64; 2] = [340.0, 300.0];
const LEFT: f64 = 70.0;
const TOP: f64 = 90.0;
const GAP: f64 = 80.0;

/// Room below the panels for the names of layers, which stand upright.
const BELOW: f64 = 110.0;

/// What a panel shows of a layer, if the layer has it.
type Shown = fn(&LayerStart) -> Option<f64>;

/// The title of a panel, whether equal ratios are equal lengths on its axis, and what it shows.
type Panel = (&'static str, bool, Shown);

const PANELS: [Panel; 3] = [
    ("deviation of what the layer gives", true, |layer| Some(layer.output.deviation)),
    ("deviation of the gradient by it", true, |layer| layer.gradient.map(|(_, deviation)| deviation)),
    ("saturated values or dead units, %", false, |layer| {
        layer.output.saturated.or(layer.output.dead).map(|share| 100.0 * share)
    }),
];

/// A value of each layer that has one.
type Line = Vec<Option<f64>>;

/// Draws all kinds that were tried on a data set.
pub(super) fn figure(all: &[Tried], data: &str) -> String {
    let paths: Vec<&str> =
        all.first().map_or(vec![], |tried| tried.start.layers.iter().map(|l| &*l.output.path).collect());
    // Networks without functions that saturate or rectify have no share to show.
    let has = |of: Shown| all.iter().any(|tried| tried.start.layers.iter().any(|layer| of(layer).is_some()));
    let shown: Vec<Panel> = PANELS.into_iter().filter(|(_, _, of)| has(*of)).collect();
    let mut svg = Svg::new(LEFT + shown.len() as f64 * (PANEL[0] + GAP) - GAP + 20.0, TOP + PANEL[1] + BELOW);
    svg.text([LEFT, 22.0], Anchor::Start, "t", &format!("Initial weights on {data}, layer by layer"));
    for (at, (title, log, of)) in shown.into_iter().enumerate() {
        let line = |tried: &Tried| tried.start.layers.iter().map(of).collect();
        let lines: Vec<Line> = all.iter().map(line).collect();
        panel(&mut svg, LEFT + at as f64 * (PANEL[0] + GAP), (title, log), &paths, &lines);
    }
    for (at, tried) in all.iter().enumerate() {
        let x = LEFT + 110.0 * at as f64;
        svg.path(&[[x, 44.0], [x + 24.0, 44.0]], colour(at), width(at, all.len()));
        svg.text([x + 30.0, 48.0], Anchor::Start, "", &tried.name);
    }
    svg.finish()
}

fn colour(line: usize) -> &'static str {
    COLOURS[line % COLOURS.len()]
}

/// Lines that lie on one another are all seen: those that are drawn first are wider.
fn width(line: usize, lines: usize) -> f64 {
    1.5 + (lines - 1 - line) as f64
}

/// One chart: a line for each kind over the layers. What is 0 on a logarithmic axis, or no number, breaks a line.
fn panel(svg: &mut Svg, left: f64, (title, log): (&str, bool), paths: &[&str], lines: &[Line]) {
    let [wide, high] = PANEL;
    let ends = if log { vec![] } else { vec![0.0, 100.0] };
    let axis = Axis::over(lines.iter().flatten().flatten().copied().chain(ends), log);
    let x = |at: usize| left + wide * (at as f64 + 0.5) / paths.len().max(1) as f64;
    let y = |value: f64| TOP + high * (1.0 - axis.at(value));
    for tick in axis.ticks() {
        svg.line([left, y(tick)], [left + wide, y(tick)], "g");
        svg.text([left - 8.0, y(tick) + 4.0], Anchor::End, "", &axis.label(tick));
    }
    svg.line([left, TOP + high], [left + wide, TOP + high], "a");
    svg.text([left, TOP - 12.0], Anchor::Start, "", title);
    // Names of more layers than this would overlap.
    let every = paths.len() / 24 + 1;
    for (at, path) in paths.iter().enumerate().step_by(every) {
        svg.upright([x(at) + 4.0, TOP + high + 10.0], path);
    }
    for (at, line) in lines.iter().enumerate() {
        let point = |(at, value): (usize, &Option<f64>)| value.map(|value| [x(at), y(value)]);
        let points: Vec<[f64; 2]> = line.iter().enumerate().filter_map(point).collect();
        svg.path(&points, colour(at), width(at, lines.len()));
        points.iter().filter(|point| point[1].is_finite()).for_each(|&point| svg.dot(point, colour(at)));
    }
}

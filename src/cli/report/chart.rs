//! Curves as SVG, with colours and texts from the page's style. A value that is no number is a gap in its curve.

use super::super::svg::Axis;
use super::html;
use std::fmt::Write;

/// Size of a chart, and its margins at the left, top, right and bottom, in units of its own that the page scales.
const SIZE: [f64; 2] = [640.0, 280.0];
const MARGINS: [f64; 4] = [64.0, 12.0, 18.0, 48.0];

/// Ratio of the largest to the smallest value from which on the scale is logarithmic, of charts that allow it.
const LOGARITHMIC: f64 = 30.0;

/// One curve.
pub(super) struct Curve {
    pub(super) name: &'static str,
    /// The class of the page's style: `a`, `b`, or `faint`.
    pub(super) class: &'static str,
    pub(super) points: Vec<[f64; 2]>,
}

/// Curves over one another.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) curves: Vec<Curve>,
    /// Whether the scale is logarithmic where values are of several orders of magnitude.
    pub(super) may_be_logarithmic: bool,
    /// A place on the x axis that is marked, with what it is.
    pub(super) mark: Option<(f64, String)>,
}

/// Where values lie in the chart along one direction: from one place to another.
struct Along {
    axis: Axis,
    from: f64,
    to: f64,
}

impl Along {
    /// An axis for values, of which one must be finite.
    fn of(values: impl Iterator<Item = f64>, [from, to]: [f64; 2], may_be_logarithmic: bool) -> Option<(Self, bool)> {
        let known: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let low = known.iter().copied().reduce(f64::min)?;
        let high = known.iter().copied().reduce(f64::max)?;
        // An axis cannot be longer than the largest number.
        (high - low).is_finite().then_some(())?;
        let logarithmic = may_be_logarithmic && low > 0.0 && high / low > LOGARITHMIC;
        Some((Self { axis: Axis::over(known, logarithmic), from, to }, logarithmic))
    }

    fn place(&self, value: f64) -> f64 {
        self.from + self.axis.at(value) * (self.to - self.from)
    }

    /// Places of the ticks, and their labels.
    fn ticks(&self) -> Vec<(f64, String)> {
        self.axis.ticks().into_iter().map(|value| (self.place(value), self.axis.label(value))).collect()
    }
}

/// The path of a curve; one point alone between gaps is a dash.
fn path(points: &[[f64; 2]], [x, y]: [&Along; 2]) -> String {
    let mut out = String::new();
    for stretch in points.split(|[x, y]| !x.is_finite() || !y.is_finite()) {
        for (at, point) in stretch.iter().enumerate() {
            let letter = if at == 0 { 'M' } else { 'L' };
            let _ = write!(out, "{letter}{:.1} {:.1}", x.place(point[0]), y.place(point[1]));
        }
        if stretch.len() == 1 {
            out += "m-2 0h4";
        }
    }
    out
}

impl Chart {
    /// The chart, or nothing where no curve has a value.
    pub(super) fn html(&self) -> Option<String> {
        let ([width, height], [left, top, right, bottom]) = (SIZE, MARGINS);
        let all = |i: usize| self.curves.iter().flat_map(move |curve| curve.points.iter().map(move |point| point[i]));
        let (x, _) = Along::of(all(0), [left, width - right], false)?;
        let (y, logarithmic) = Along::of(all(1), [height - bottom, top], self.may_be_logarithmic)?;
        let mut svg = String::new();
        for (at, label) in y.ticks() {
            let _ = write!(svg, "<path class=\"grid\" d=\"M{left} {at:.1}H{:.1}\"/>", width - right);
            let _ =
                writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", left - 6.0, at + 5.0);
        }
        let under = height - bottom + 18.0;
        for (at, label) in x.ticks() {
            let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{under:.1}\" text-anchor=\"middle\">{label}</text>");
        }
        let (middle, low) = ((left + width - right) / 2.0, height - 6.0);
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{low:.1}\" text-anchor=\"middle\">{}</text>",
            html::text(self.x)
        );
        if let Some((value, _)) = &self.mark {
            let _ = writeln!(svg, "<path class=\"mark\" d=\"M{:.1} {top}V{:.1}\"/>", x.place(*value), height - bottom);
        }
        for curve in &self.curves {
            let _ = writeln!(svg, "<path class=\"curve {}\" d=\"{}\"/>", curve.class, path(&curve.points, [&x, &y]));
        }
        let key = |curve: &Curve| format!("<span class=\"key {}\">{}</span> ", curve.class, html::text(curve.name));
        let mut keys: String = self.curves.iter().map(key).collect();
        keys.extend(self.mark.iter().map(|(_, what)| format!("<span class=\"key mark\">{}</span>", html::text(what))));
        let scale = if logarithmic { " (logarithmic scale)" } else { "" };
        let title = html::text(self.title);
        Some(format!(
            "<figure class=\"chart\"><figcaption>{title}{scale}</figcaption>\n<svg viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"{title}\">\n{svg}</svg>\n<p class=\"keys\">{keys}</p></figure>\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(values: &[f64], may_be_logarithmic: bool) -> (Along, bool) {
        Along::of(values.iter().copied(), [0.0, 100.0], may_be_logarithmic).expect("there are values")
    }

    #[test]
    fn a_gap_parts_a_curve_and_a_single_point_is_a_dash() {
        let [(x, _), (y, _)] = [along(&[0.0, 4.0], false), along(&[0.0, 10.0], false)];
        let points = [[0.0, 0.0], [1.0, 5.0], [2.0, f64::NAN], [3.0, 10.0]];
        assert_eq!(path(&points, [&x, &y]), "M0.0 0.0L25.0 50.0M75.0 100.0m-2 0h4");
    }

    #[test]
    fn values_of_several_orders_of_magnitude_are_logarithmic_where_that_is_allowed() {
        let (axis, logarithmic) = along(&[0.01, f64::NAN, 1.0], true);
        assert!(logarithmic && (axis.place(0.1) - 50.0).abs() < 1e-9, "{}", axis.place(0.1));
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.01", "0.1", "1"]);
        for (values, allowed) in [([0.01, 1.0], false), ([0.0, 1.0], true), ([0.1, 1.0], true)] {
            assert!(!along(&values, allowed).1, "{values:?}");
        }
        assert!(Along::of([f64::NAN].into_iter(), [0.0, 1.0], true).is_none());
    }

    #[test]
    fn a_chart_without_values_is_none() {
        let chart = |points| Chart {
            title: "loss",
            x: "step",
            curves: vec![Curve { name: "a", class: "a", points }],
            may_be_logarithmic: true,
            mark: None,
        };
        assert!(chart(vec![]).html().is_none() && chart(vec![[0.0, f64::NAN]]).html().is_none());
        let svg = chart(vec![[0.0, 1.0], [1.0, f64::NAN]]).html().unwrap_or_default();
        assert!(svg.contains("<svg") && !svg.contains("NaN"), "{svg}");
    }
}

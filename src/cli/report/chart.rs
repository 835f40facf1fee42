//! Curves as SVG, with colours and texts from the page's style. A value that is no number is a gap in its curve.

use super::html;
use std::fmt::Write;

/// Size of a chart, and its margins at the left, top, right and bottom, in units of its own that the page scales.
const SIZE: [f64; 2] = [640.0, 280.0];
const MARGINS: [f64; 4] = [64.0, 12.0, 18.0, 48.0];

/// Ratio of the largest to the smallest value from which on the scale is logarithmic, of charts that allow it.
const LOGARITHMIC: f64 = 30.0;

/// Lines of a grid that are wanted.
const TICKS: f64 = 5.0;

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

/// Where values lie on an axis.
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Where its values begin and end in the chart.
    from: f64,
    to: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, [from, to]: [f64; 2], may_be_logarithmic: bool) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return None;
        }
        let logarithmic = may_be_logarithmic && low > 0.0 && high / low > LOGARITHMIC;
        if low == high {
            let around = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
            (low, high) = (low - around, high + around);
        }
        Some(Self { low, high, logarithmic, from, to })
    }

    fn place(&self, value: f64) -> f64 {
        let scaled = |value: f64| if self.logarithmic { value.log10() } else { value };
        let [value, low, high] = [value, self.low, self.high].map(scaled);
        self.from + (value - low) / (high - low) * (self.to - self.from)
    }

    /// Round values with lines of the grid.
    fn ticks(&self) -> Vec<f64> {
        let inside = |value: &f64| *value >= self.low && *value <= self.high;
        if self.logarithmic {
            let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            let mantissas: &[f64] = if last - first > 4 { &[1.0] } else { &[1.0, 3.0] };
            return (first..=last)
                .flat_map(|power| mantissas.iter().map(move |mantissa| mantissa * 10f64.powi(power)))
                .filter(inside)
                .collect();
        }
        let about = (self.high - self.low) / TICKS;
        let power = 10f64.powf(about.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= about);
        let step = step.unwrap_or(about);
        let first = (self.low / step).ceil();
        (0..).map(|i| (first + f64::from(i)) * step).take_while(|value| *value <= self.high).take(20).collect()
    }
}

/// A value at an axis, without digits that say nothing.
fn label(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&value.abs()) {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The path of a curve; one point alone between gaps is a dash.
fn path(points: &[[f64; 2]], [x, y]: [&Axis; 2]) -> String {
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
        let x = Axis::of(all(0), [left, width - right], false)?;
        let y = Axis::of(all(1), [height - bottom, top], self.may_be_logarithmic)?;
        let mut svg = String::new();
        for value in y.ticks() {
            let (at, label) = (y.place(value), label(value));
            let _ = write!(svg, "<path class=\"grid\" d=\"M{left} {at:.1}H{:.1}\"/>", width - right);
            let _ =
                writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", left - 6.0, at + 5.0);
        }
        for value in x.ticks() {
            let (at, label, under) = (x.place(value), label(value), height - bottom + 18.0);
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
        let scale = if y.logarithmic { " (logarithmic scale)" } else { "" };
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

    fn axis(values: &[f64], logarithmic: bool) -> Axis {
        Axis::of(values.iter().copied(), [0.0, 100.0], logarithmic).expect("there are values")
    }

    #[test]
    fn a_gap_parts_a_curve_and_a_single_point_is_a_dash() {
        let (x, y) = (axis(&[0.0, 4.0], false), axis(&[0.0, 10.0], false));
        let points = [[0.0, 0.0], [1.0, 5.0], [2.0, f64::NAN], [3.0, 10.0]];
        assert_eq!(path(&points, [&x, &y]), "M0.0 0.0L25.0 50.0M75.0 100.0m-2 0h4");
    }

    #[test]
    fn axes_have_round_values() {
        assert_eq!(axis(&[0.0, f64::NAN, 9.0], false).ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        let axis = axis(&[0.01, 1.0], true);
        assert!(axis.logarithmic && (axis.place(0.1) - 50.0).abs() < 1e-9, "{}", axis.place(0.1));
        assert_eq!(axis.ticks().len(), 5);
        assert!(Axis::of([f64::NAN].into_iter(), [0.0, 1.0], true).is_none());
        let same = Axis::of([3.0].into_iter(), [0.0, 100.0], true).expect("a value");
        assert!((same.place(3.0) - 50.0).abs() < 1e-9 && !same.logarithmic);
        assert_eq!([0.0, 0.25, 1500.0, 1e-7].map(label), ["0", "0.25", "1500", "1e-7"]);
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

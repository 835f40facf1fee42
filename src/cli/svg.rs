//! Small drawings in SVG: lines over two axes, with texts that are escaped, in colours that read on light and dark pages.

use super::markup;
use std::fmt::Write;

/// Colours of up to six lines, told apart by readers who see colours differently (Okabe & Ito 2008).
pub(super) const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

const STYLE: &str = "text{font-family:sans-serif;font-size:12px;fill:#222}.t{font-size:14px;font-weight:bold}.a{stroke:#888;fill:none}\
.g{stroke:#8884;fill:none}@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}}";

/// A drawing that grows piece by piece.
#[derive(Debug)]
pub(super) struct Svg {
    size: [f64; 2],
    body: String,
}

/// Where a text stands beside its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Svg {
    /// An empty drawing of a width and height in pixels.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { size: [width, height], body: String::new() }
    }

    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{piece}");
    }

    /// A text; `class` is `t` for a title, else empty.
    pub(super) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, class: &str, text: &str) {
        let (anchor, text) = (anchor.name(), markup::text(text));
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        ));
    }

    /// A text that is read upwards and ends at a point.
    pub(super) fn upright(&mut self, [x, y]: [f64; 2], text: &str) {
        let text = markup::text(text);
        self.push(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"end\">{text}</text>"
        ));
    }

    /// A straight line of a class: `a` for an axis, `g` for a grid.
    pub(super) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], class: &str) {
        self.push(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        ));
    }

    /// Points joined by lines. Points that are not finite are left out, and the line is broken there.
    pub(super) fn path(&mut self, points: &[[f64; 2]], colour: &str, width: f64) {
        let mut path = String::new();
        let mut joined = false;
        for [x, y] in points {
            let finite = x.is_finite() && y.is_finite();
            if finite {
                let _ = write!(path, "{}{x:.1} {y:.1}", if joined { "L" } else { "M" });
            }
            joined = finite;
        }
        self.push(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"));
    }

    /// A dot around a point.
    pub(super) fn dot(&mut self, [x, y]: [f64; 2], colour: &str) {
        self.push(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
    }

    /// The text of the file.
    pub(super) fn finish(self) -> String {
        let ([w, h], body) = (self.size, self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\">\n\
             <style>{STYLE}</style>\n{body}</svg>\n"
        )
    }
}

/// An axis: the numbers at its ends, and whether equal ratios are equal lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// What two labels are apart, of an axis that is not logarithmic.
    step: f64,
    log: bool,
}

impl Axis {
    /// An axis that has room for all finite values; of a logarithmic one, for those above 0.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, log: bool) -> Self {
        let kept = values.into_iter().filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (low, high) = kept.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (1.0, 1.0) } else { (low, high) };
        if log {
            let (low, high) = (low.log10().floor(), high.log10().ceil());
            let high = if high > low { high } else { low + 1.0 };
            return Self { low: 10f64.powf(low), high: 10f64.powf(high), step: 1.0, log };
        }
        // Equal values lie in the middle.
        let around = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
        let (low, high) = if high > low { (low, high) } else { (low - around, low + around) };
        let step = step(high - low);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, log }
    }

    /// How far along the axis a value is: 0 at its low end, 1 at its high end. Values that it cannot have are NaN.
    pub(super) fn at(self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.log10() } else { v };
        let share = (of(value) - of(self.low)) / (of(self.high) - of(self.low));
        if share.is_finite() { share } else { f64::NAN }
    }

    /// The values to label, at most about eight.
    pub(super) fn ticks(self) -> Vec<f64> {
        if self.log {
            let (low, high) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
            let every = ((high - low) / 8 + 1) as usize;
            return (low..=high).step_by(every).map(|power| 10f64.powi(power)).collect();
        }
        let count = ((self.high - self.low) / self.step).round() as i32;
        (0..=count).map(|i| self.low + f64::from(i) * self.step).collect()
    }

    /// A value of the axis as its label.
    pub(super) fn label(self, value: f64) -> String {
        if self.log {
            return if (1e-3..1e5).contains(&value) { value.to_string() } else { format!("{value:e}") };
        }
        // Sums of steps end in digits that are none.
        let steps = (value / self.step * 1e3).round() / 1e3;
        let value: f64 = format!("{:.9e}", steps * self.step).parse().unwrap_or(value);
        let is_plain = self.step >= 1e-4 && self.low.abs().max(self.high.abs()) < 1e6;
        if is_plain || value == 0.0 { (value + 0.0).to_string() } else { format!("{value:e}") }
    }
}

/// The least of 1, 2 or 5 times a power of ten that goes at most seven times into a length.
fn step(length: f64) -> f64 {
    let power = 10f64.powf((length / 7.0).log10().floor());
    [1.0, 2.0, 5.0].map(|m| m * power).into_iter().find(|step| length / step <= 7.0).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_lines_break_at_what_is_no_number() {
        let mut svg = Svg::new(10.0, 20.0);
        svg.text([1.0, 2.0], Anchor::End, "", "<a href='x'>&\"\u{1b}[1m");
        svg.path(&[[0.0, 1.0], [1.0, 2.0], [2.0, f64::NAN], [3.0, 4.0]], "#000", 1.0);
        let text = svg.finish();
        assert!(text.contains("&lt;a href=&#39;x&#39;&gt;&amp;&quot;") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("d=\"M0.0 1.0L1.0 2.0M3.0 4.0\""), "{text}");
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n") && text.contains("prefers-color-scheme"));
    }

    #[test]
    fn axes_have_room_for_all_values_and_round_labels() {
        let axis = Axis::over([0.3, 2.2, f64::NAN, f64::INFINITY], false);
        assert_eq!(axis.ticks(), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert!((axis.at(0.5) - 0.2).abs() < 1e-12 && axis.at(f64::NAN).is_nan());
        for most in [0.013, 0.9, 1.0, 3.4, 7.0, 7.1, 88.0, 4e9] {
            let axis = Axis::over([0.0, most], false);
            let ticks = axis.ticks();
            assert!((3..=9).contains(&ticks.len()) && axis.at(most) <= 1.0 && axis.at(most) > 0.7, "{most}: {ticks:?}");
            assert!((axis.at(ticks[ticks.len() - 1]) - 1.0).abs() < 1e-12, "{most}: {ticks:?}");
        }
        let axis = Axis::over([2e-7, 9.0, 0.0, -1.0], true);
        assert_eq!(axis.ticks().len(), 5);
        assert!((axis.at(1e-7)).abs() < 1e-12 && (axis.at(10.0) - 1.0).abs() < 1e-12 && axis.at(0.0).is_nan());
        assert_eq!([axis.label(1e-7), axis.label(0.1)], ["1e-7", "0.1"]);
        // All digits of a tick are shown, and none that sums of steps add.
        let labels = |most: f64| {
            let axis = Axis::over([-most / 2.0, most], false);
            axis.ticks().into_iter().map(|tick| axis.label(tick)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(0.29), "-0.2 -0.1 0 0.1 0.2 0.3");
        assert_eq!(labels(2.9e-5), "-2e-5 -1e-5 0 1e-5 2e-5 3e-5");
        assert_eq!(labels(9e-11), "-6e-11 -4e-11 -2e-11 0 2e-11 4e-11 6e-11 8e-11 1e-10");
        assert_eq!(labels(2.9e7), "-2e7 -1e7 0 1e7 2e7 3e7");
        // One value, or none, still makes an axis.
        assert!(Axis::over([], false).at(1.0).is_finite() && Axis::over([5.0], true).at(5.0).is_finite());
    }
}

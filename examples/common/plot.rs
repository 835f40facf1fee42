//! Lines over a grid, as SVG.

use super::Failure;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use std::path::Path;

/// Okabe and Ito's colours, which the colour-blind can tell apart; yellow is left out, it is too light on white.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// About how many pixels the axes leave for the lines.
const PLOT: (f64, f64) = (668.0, 343.0);

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    dashed: bool,
}

impl Series {
    /// A line through points from left to right.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { name: name.into(), points: points.into_iter().collect(), dashed: false }
    }

    /// The same, dashed.
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }
}

/// A plot's words and scale.
#[derive(Clone, Copy, Debug)]
pub struct Plot<'a> {
    /// Above it.
    pub title: &'a str,
    /// Of the horizontal axis.
    pub x: &'a str,
    /// Of the vertical axis.
    pub y: &'a str,
    /// Whether the vertical axis is logarithmic.
    pub log: bool,
}

impl Plot<'_> {
    /// Draws all series that have points.
    pub fn write(&self, path: &Path, series: &[Series]) -> Result<(), Failure> {
        let points = || series.iter().flat_map(|s| &s.points).filter(|(_, y)| y.is_finite() && (!self.log || *y > 0.0));
        let range = |of: fn(&(f64, f64)) -> f64| {
            let (low, high) =
                points().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            (low, if high > low { high } else { low + 1.0 })
        };
        let ((left, right), (low, high)) = (range(|p| p.0), range(|p| p.1));
        if points().next().is_none() {
            return Err(format!("nothing to plot in {}", path.display()).into());
        }
        let place = self.place(series, (left, right), (low, high));
        if self.log {
            self.draw(path, series, left..right, (low / 2.0..high * 2.0).log_scale(), place, |y| format!("{y:.0e}"))
        } else {
            let room = (high - low) * 0.05;
            let low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
            self.draw(path, series, left..right, low..high + room, place, |y| {
                format!("{}", (y * 1e4).round() / 1e4 + 0.0)
            })
        }
    }

    /// The place for the legend that the fewest lines cross; among several the nearest to a corner.
    fn place(&self, series: &[Series], (left, right): (f64, f64), (low, high): (f64, f64)) -> SeriesLabelPosition {
        let height = |y: f64| {
            if self.log { (y / low).ln() / (high / low).ln() } else { (y - low) / (high - low) }
        };
        let at = |&(x, y): &(f64, f64)| ((x - left) / (right - left), height(y));
        let between = |ends: &[(f64, f64)]| {
            let ((x, y), (to_x, to_y)) = (at(&ends[0]), at(&ends[1]));
            (0..=20).map(|i| f64::from(i) / 20.0).map(|t| (x + t * (to_x - x), y + t * (to_y - y))).collect::<Vec<_>>()
        };
        let points: Vec<(f64, f64)> = series.iter().flat_map(|s| s.points.windows(2).flat_map(between)).collect();
        // What the legend takes by the size of its letters, and some air: the axes reach a little beyond the lines.
        let letters = series.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
        let (wide, high) = ((58.0 + 6.0 * letters as f64) / PLOT.0, (40.0 + 16.0 * series.len() as f64) / PLOT.1);
        let crossed = |x: f64, y: f64| {
            let (from_x, from_y) = (x * (1.0 - wide), y * (1.0 - high));
            let inside =
                |p: &&(f64, f64)| (from_x..=from_x + wide).contains(&p.0) && (from_y..=from_y + high).contains(&p.1);
            points.iter().filter(inside).count()
        };
        // Places in sixths of what the legend leaves, the corners first.
        let places = (0..=6).flat_map(|x| (0..=6).map(move |y| (x, y)));
        let inward = |(x, y): (u32, u32)| x.min(6 - x) + y.min(6 - y);
        let best = places.min_by_key(|&(x, y)| (crossed(f64::from(x) / 6.0, f64::from(y) / 6.0), inward((x, y))));
        let (x, y) = best.map_or((1.0, 1.0), |(x, y)| (f64::from(x) / 6.0, f64::from(y) / 6.0));
        // The box and a little air on each side.
        let pixel = |share: f64, size: f64| (share * size) as i32 + 4;
        SeriesLabelPosition::Coordinate(pixel(x * (1.0 - wide), PLOT.0), pixel((1.0 - y) * (1.0 - high), PLOT.1))
    }

    fn draw<Y>(
        &self,
        path: &Path,
        series: &[Series],
        x: std::ops::Range<f64>,
        y: Y,
        position: SeriesLabelPosition,
        label: fn(&f64) -> String,
    ) -> Result<(), Failure>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let root = SVGBackend::new(path, (760, 440)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        let mesh = &mut chart.configure_mesh();
        let mesh = mesh
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| x.to_string())
            .y_label_formatter(&label)
            .x_labels(8)
            .y_labels(8);
        mesh.axis_desc_style(("sans-serif", 15)).label_style(("sans-serif", 13)).max_light_lines(0).draw()?;
        for (line, colour) in series.iter().zip(COLOURS.iter().cycle()) {
            let style = colour.stroke_width(2);
            let points = line.points.iter().copied();
            let drawn = match line.dashed {
                true => chart.draw_series(DashedLineSeries::new(points, 6, 5, style))?,
                false => chart.draw_series(LineSeries::new(points, style))?,
            };
            let dash = move |x, from, to| PathElement::new([(x + from, 0), (x + to, 0)], style);
            let drawn = drawn.label(line.name.as_str());
            match line.dashed {
                true => drawn.legend(move |(x, y)| EmptyElement::at((0, y)) + dash(x, 0, 7) + dash(x, 11, 18)),
                false => drawn.legend(move |(x, y)| EmptyElement::at((0, y)) + dash(x, 0, 9) + dash(x, 9, 18)),
            };
        }
        let labels = &mut chart.configure_series_labels();
        let labels = labels.position(position).background_style(WHITE.mix(0.85));
        labels.border_style(BLACK.mix(0.3)).label_font(("sans-serif", 13)).draw()?;
        root.present()?;
        Ok(())
    }
}

//! Charts as figures of the page: curves with their legend, described in words, and with values for
//! the page's script.

use std::fmt::Display;

use super::html;
use super::svg::{self, AREA};
use super::thin::thin;
use crate::drawing::axis::{Axis, AxisOptions, Extent, finite};

/// Columns that the values for the script are thinned to.
const COLUMNS: usize = 150;
/// Ticks at most, across and up.
const TICKS: (usize, usize) = (5, 6);

/// A curve.
pub(super) struct Series {
    /// What it is.
    pub(super) name: String,
    /// Its points, from left to right.
    pub(super) points: Points,
    /// Whether its running mean is drawn over it.
    pub(super) smoothed: bool,
    /// Whether it is dashed, as what others are compared with.
    pub(super) dashed: bool,
    /// Its colour, from 0; that of its place unless it is said.
    pub(super) color: Option<usize>,
    /// Within which bounds its points are known: `(x, low, high)`.
    pub(super) band: Vec<(f64, f64, f64)>,
    /// A point of it with a ring around.
    pub(super) ring: Option<(f64, f64)>,
}

/// The points of a curve, all of them or those that stand out.
pub(super) struct Points {
    /// From left to right.
    pub(super) points: Vec<(f64, f64)>,
    /// Means of neighbours, where points were left out.
    pub(super) means: Option<Vec<(f64, f64)>>,
    /// How many points there were.
    pub(super) count: usize,
}

impl From<Vec<(f64, f64)>> for Points {
    fn from(points: Vec<(f64, f64)>) -> Self {
        Self {
            count: points.len(),
            points,
            means: None,
        }
    }
}

impl Series {
    /// A curve as it is.
    pub(super) fn new(name: impl Display, points: impl Into<Points>) -> Self {
        Self {
            name: name.to_string(),
            points: points.into(),
            smoothed: false,
            dashed: false,
            color: None,
            band: Vec::new(),
            ring: None,
        }
    }

    /// With its running mean over it, for curves that jump from line to line.
    pub(super) fn smoothed(mut self) -> Self {
        self.smoothed = true;
        self
    }

    /// Dashed, in the colour of the curve at this place.
    pub(super) fn dashed(mut self, color: usize) -> Self {
        self.dashed = true;
        self.color = Some(color);
        self
    }

    pub(super) fn finite(&self) -> impl Iterator<Item = (f64, f64)> {
        finite(&self.points.points)
    }
}

/// Curves over one axis.
pub(super) struct Chart {
    /// What is shown.
    pub(super) title: String,
    /// What the axis across is, with its unit.
    pub(super) x: String,
    /// What the axis up is, with its unit.
    pub(super) y: String,
    /// Which values the axis up has to show; others are marked, and told of below.
    pub(super) extent: Extent,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far
    /// apart.
    pub(super) logarithmic: bool,
    /// A value that a line is drawn at, for comparison.
    pub(super) reference: Option<f64>,
    /// The curves, four at most in colours of their own.
    pub(super) series: Vec<Series>,
}

impl Chart {
    /// Curves over the updates of a run, all of them in sight.
    pub(super) fn over_updates(
        title: impl Into<String>,
        y: impl Into<String>,
        series: Vec<Series>,
    ) -> Self {
        Self {
            title: title.into(),
            x: "update".into(),
            y: y.into(),
            extent: Extent::Whole,
            logarithmic: false,
            reference: None,
            series,
        }
    }

    /// Over something else than updates.
    pub(super) fn across(self, x: impl Into<String>) -> Self {
        Self {
            x: x.into(),
            ..self
        }
    }

    /// Only what comes after the first, wild updates has to be in sight.
    pub(super) fn settled(self) -> Self {
        Self {
            extent: Extent::Settled,
            ..self
        }
    }

    /// Logarithmic where all values are positive and far apart.
    pub(super) fn logarithmic(self) -> Self {
        Self {
            logarithmic: true,
            ..self
        }
    }

    /// With a line at a value, for comparison.
    pub(super) fn with_reference(self, value: f64) -> Self {
        Self {
            reference: Some(value),
            ..self
        }
    }

    /// The chart as a figure with its legend; what is missing, if there is no finite point.
    ///
    /// Where the axis up can be linear and logarithmic both are drawn, one of them hidden.
    pub(super) fn figure(&self, below: &str) -> String {
        let Some((shown, up)) = self.svg() else {
            return html::figure(&self.title, &html::missing("No values yet."), below);
        };
        let values = self.series.iter().flat_map(Series::finite);
        let below = match up.beyond(values.map(|(_, y)| y)) {
            Some(beyond) => format!("Triangles: {beyond}. {below}"),
            None => below.to_string(),
        };
        // Powers have room for all values.
        let extent = match up.logarithmic {
            true => self.extent,
            false => Extent::Whole,
        };
        let other = self.svg_on(!up.logarithmic, extent);
        let other = other.filter(|(_, other)| other.logarithmic != up.logarithmic);
        let hidden = other.map(|(svg, _)| svg.replacen("<svg ", "<svg hidden ", 1));
        let across = self.axis_across().map(|across| (across.low, across.high));
        let curves = self.series.iter().enumerate().map(|(place, series)| {
            let points = thin(
                series.finite(),
                across.map_or(0.0..0.0, |(a, b)| a..b),
                COLUMNS,
            );
            (series.name.as_str(), series.color.unwrap_or(place), points)
        });
        let drawn = with_values(
            &(shown + &hidden.unwrap_or_default()),
            &self.x,
            across.unwrap_or_default(),
            up.logarithmic,
            &curves.collect::<Vec<_>>(),
        );
        html::figure(&self.title, &(self.legend() + &drawn), below.trim_end())
    }

    fn legend(&self) -> String {
        let entries: String = self
            .series
            .iter()
            .enumerate()
            .map(|(place, series)| {
                let window = svg::window(series.points.count);
                let mean = if series.smoothed && window > 1 {
                    format!(", and its mean over {window} lines")
                } else {
                    String::new()
                };
                let name = html::text(format_args!("{}{mean}", series.name));
                let dashed = if series.dashed { " dashed" } else { "" };
                let number = series.color.unwrap_or(place) + 1;
                format!("<span class=\"c{number}{dashed}\">{name}</span>")
            })
            .collect();
        format!("<p class=\"legend\">{entries}</p>\n")
    }

    /// What a picture says to who doesn't see it.
    pub(super) fn description(&self) -> String {
        let curves: Vec<String> = self
            .series
            .iter()
            .filter_map(|series| {
                let mut points = series.finite();
                let first = points.next()?;
                let (mut last, mut low, mut high) = (first, first.1, first.1);
                for point in points {
                    (last, low, high) = (point, low.min(point.1), high.max(point.1));
                }
                Some(format!(
                    "{} from {} to {}, lowest {}, highest {}",
                    series.name,
                    html::number(first.1),
                    html::number(last.1),
                    html::number(low),
                    html::number(high)
                ))
            })
            .collect();
        format!(
            "{}: {} over {}. {}.",
            self.title,
            self.y,
            self.x,
            curves.join("; ")
        )
    }

    /// The axis across; `None` without a finite point.
    fn axis_across(&self) -> Option<Axis> {
        let points: Vec<(f64, f64)> = self.series.iter().flat_map(Series::finite).collect();
        Axis::across(points.iter().map(|(x, _)| *x), TICKS.0)
    }

    /// The drawing, and its axis up.
    fn svg(&self) -> Option<(String, Axis)> {
        self.svg_on(self.logarithmic, self.extent)
    }

    fn svg_on(&self, logarithmic: bool, extent: Extent) -> Option<(String, Axis)> {
        let across = self.axis_across()?;
        let finite: Vec<Vec<(f64, f64)>> = self
            .series
            .iter()
            .map(|series| series.finite().collect())
            .collect();
        let options = AxisOptions {
            extent,
            logarithmic,
            reference: self.reference,
            ticks: TICKS.1,
        };
        let up = Axis::up(finite.iter().map(Vec::as_slice), &options)?;
        Some((svg::draw(self, &across, &up)?, up))
    }
}

/// A curve for the page's script: its name, its colour from 0, its points.
pub(super) type Values<'a> = (&'a str, usize, Vec<(f64, f64)>);

/// What is drawn together with what the page's script shows of it: the values of each curve, with
/// its name and colour, between the ends of the axis across.
pub(super) fn with_values(
    drawn: &str,
    x: &str,
    (low, high): (f64, f64),
    logarithmic: bool,
    curves: &[Values<'_>],
) -> String {
    let rounded = |value: f64| format!("{value:.4e}").parse().unwrap_or(value);
    let curves: Vec<Values<'_>> = curves
        .iter()
        .map(|(name, color, points)| {
            let points = points.iter().map(|&(x, y)| (x, rounded(y)));
            (*name, color + 1, points.collect())
        })
        .collect();
    let curves = serde_json::to_string(&curves).unwrap_or_default();
    let [left, right, top, bottom] = AREA;
    format!(
        "<div class=\"chart\" data-area=\"{left} {right} {top} {bottom}\" data-x=\"{}\" data-across=\"{low} {high}\" data-scale=\"{}\" data-curves=\"{}\">\n{drawn}</div>\n",
        html::text(x),
        if logarithmic { "logarithmic" } else { "linear" },
        html::text(curves)
    )
}

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;

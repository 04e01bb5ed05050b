//! Charts as SVG inside of the page: drawn by `plotters` in fixed colours, which the page's style replaces by its own.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Once;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::html;
use super::thin::{smooth, thin};
use crate::number::tick;
use crate::plot::FONT;

/// Width and height in units of the drawing; the page scales it to its columns.
const SIZE: (u32, u32) = (960, 560);
/// Columns that a curve is thinned to: no screen shows a chart with more pixels than twice that.
const COLUMNS: usize = 600;
/// The colour of text and axes, of the grid, and of curves: names for the style sheet rather than colours.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const CURVES: [RGBColor; 4] = [
    RGBColor(3, 0, 1),
    RGBColor(3, 0, 2),
    RGBColor(3, 0, 3),
    RGBColor(3, 0, 4),
];
/// Width of a curve.
const STROKE: u32 = 4;
/// Size of the text at the axes.
const TEXT: u32 = 34;
/// The family that plotters measures text with and browsers have.
const FAMILY: &str = "sans-serif";

/// A curve.
pub(super) struct Series {
    /// What it is.
    pub(super) name: String,
    /// Its points, from left to right.
    pub(super) points: Points,
    /// Whether its running mean is drawn over it.
    pub(super) smoothed: bool,
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
        }
    }

    /// With its running mean over it, for curves that jump from line to line.
    pub(super) fn smoothed(mut self) -> Self {
        self.smoothed = true;
        self
    }

    fn finite(&self) -> impl Iterator<Item = (f64, f64)> {
        finite(&self.points.points)
    }
}

fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    points.iter().copied().filter(finite)
}

/// Curves over one axis.
pub(super) struct Chart<'a> {
    /// What is shown.
    pub(super) title: &'a str,
    /// What the axis across is, with its unit.
    pub(super) x: &'a str,
    /// What the axis up is, with its unit.
    pub(super) y: &'a str,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far apart.
    pub(super) logarithmic: bool,
    /// A value that a line is drawn at, for comparison.
    pub(super) reference: Option<f64>,
    /// The curves, four at most.
    pub(super) series: Vec<Series>,
}

impl Chart<'_> {
    /// The chart as a figure with its legend; what is missing, if there is no finite point.
    pub(super) fn figure(&self, below: &str) -> String {
        let Some(svg) = self.svg() else {
            return html::figure(self.title, &html::missing("No values yet."), below);
        };
        html::figure(self.title, &(self.legend() + &svg), below)
    }

    fn legend(&self) -> String {
        let entries: String = self
            .series
            .iter()
            .zip(1..)
            .map(|(series, number)| {
                let window = window(series.points.count);
                let mean = if series.smoothed && window > 1 {
                    format!(", and its mean over {window} lines")
                } else {
                    String::new()
                };
                let name = html::text(format_args!("{}{mean}", series.name));
                format!("<span class=\"c{number}\">{name}</span>")
            })
            .collect();
        format!("<p class=\"legend\">{entries}</p>\n")
    }

    /// What a picture says to who doesn't see it.
    fn description(&self) -> String {
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

    fn svg(&self) -> Option<String> {
        register();
        let all = || self.series.iter().flat_map(Series::finite);
        all().next()?;
        let (low, high) = extremes(all().map(|(_, y)| y));
        let logarithmic = self.logarithmic && low > 0.0 && high / low > 50.0;
        let scale = |y: f64| if logarithmic { y.log10() } else { y };
        let (left, right) = extremes(all().map(|(x, _)| x));
        let across = if right > left {
            left..right
        } else {
            left - 0.5..right + 0.5
        };
        let reference = self.reference.filter(|_| !logarithmic);
        let (low, high) = extremes(reference.into_iter().chain([scale(low), scale(high)]));
        let room = if high > low {
            0.05 * (high - low)
        } else {
            0.1 * high.abs().max(1e-3)
        };
        let curves: Vec<Drawn> = self
            .series
            .iter()
            .zip(CURVES.iter().cycle())
            .flat_map(|(series, color)| drawn(series, *color, &across, &scale))
            .collect();
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.draw(
                &area,
                across,
                low - room..high + room,
                logarithmic,
                reference,
                &curves,
            )
            .ok()?;
            area.present().ok()?;
        }
        Some(inline(&svg, &self.description()))
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        across: Range<f64>,
        up: Range<f64>,
        logarithmic: bool,
        reference: Option<f64>,
        curves: &[Drawn],
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let label = |y: &f64| {
            if logarithmic {
                html::number(10_f64.powf(*y))
            } else {
                tick(*y)
            }
        };
        let mut chart = ChartBuilder::on(area)
            .margin_top(14)
            .margin_left(10)
            .margin_right(72)
            .x_label_area_size(96)
            .y_label_area_size(150)
            .build_cartesian_2d(across.clone(), up)?;
        mesh(&mut chart, self.x, self.y, &label)?;
        if let Some(reference) = reference {
            let line = [(across.start, reference), (across.end, reference)];
            chart.draw_series(DashedLineSeries::new(line, 10, 8, INK.stroke_width(2)))?;
        }
        for Drawn {
            points,
            color,
            opacity,
        } in curves
        {
            let style = color.mix(*opacity).stroke_width(STROKE);
            match points[..] {
                // A line of one point is none.
                [point] => {
                    chart.draw_series([Circle::new(point, 7, style.filled())])?;
                }
                _ => {
                    chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
                }
            }
        }
        Ok(())
    }
}

/// A chart whose axes are numbers.
type Numbers<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Axes and grid in the page's colours.
fn mesh<B: DrawingBackend>(
    chart: &mut Numbers<'_, B>,
    x: &str,
    y: &str,
    label: &dyn Fn(&f64) -> String,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let style = || TextStyle::from((FAMILY, TEXT)).color(&INK);
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .x_labels(5)
        .y_labels(6)
        .x_label_formatter(&|x| tick(*x))
        .y_label_formatter(&label)
        .label_style(style())
        .axis_desc_style(style())
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
}

/// Linear axes and a grid, for drawings that are no curves.
pub(super) fn axes<B: DrawingBackend>(
    chart: &mut Numbers<'_, B>,
    x: &str,
    y: &str,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    register();
    mesh(chart, x, y, &|y| tick(*y))
}

/// Gives plotters the font that it measures text with.
fn register() {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // Fails only for bytes that are no font.
        let _ = register_font(FAMILY, FontStyle::Normal, FONT);
    });
}

/// A curve as it is drawn.
struct Drawn {
    points: Vec<(f64, f64)>,
    color: RGBColor,
    opacity: f64,
}

/// The lines of a series: itself, and its running mean.
fn drawn(
    series: &Series,
    color: RGBColor,
    across: &Range<f64>,
    scale: &dyn Fn(f64) -> f64,
) -> Vec<Drawn> {
    let scaled = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        finite(points).map(|(x, y)| (x, scale(y))).collect()
    };
    let points = scaled(&series.points.points);
    let line = |points: &[(f64, f64)], opacity| Drawn {
        points: thin(points.iter().copied(), across.clone(), COLUMNS),
        color,
        opacity,
    };
    // Points that were kept because they stand out are no sample of the others.
    let means = series.points.means.as_ref();
    let means = means.map_or_else(|| points.clone(), |means| scaled(means));
    let window = window(means.len());
    if points.is_empty() {
        Vec::new()
    } else if series.smoothed && window > 1 {
        vec![line(&points, 0.3), line(&smooth(&means, window), 1.0)]
    } else {
        vec![line(&points, 1.0)]
    }
}

/// Lines that a running mean takes in: an odd number, about 4 % of them.
fn window(lines: usize) -> usize {
    (lines / 50) * 2 + 1
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// The drawing without its frame, in an element that needs no namespace and says what it shows.
pub(super) fn inline(svg: &str, description: &str) -> String {
    let body = svg.split_once(">\n").map_or(svg, |(_, body)| body);
    let view = svg
        .split_once("viewBox=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(view, _)| view);
    let description = html::text(description);
    format!("<svg viewBox=\"{view}\" role=\"img\" aria-label=\"{description}\">\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart<'static> {
        Chart {
            title: "Energies",
            x: "update",
            y: "energy (nats)",
            logarithmic: true,
            reference: None,
            series: vec![Series::new("a <curve>", points)],
        }
    }

    #[test]
    fn a_chart_has_its_curve_its_axes_and_a_description() {
        let svg = chart(vec![(0.0, 1.0), (10.0, 3.0), (20.0, 2.0)])
            .svg()
            .expect("there are points");
        assert!(svg.starts_with("<svg viewBox=\"0 0 960 560\" role=\"img\""));
        assert!(svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("#030001") && svg.contains("polyline"));
        for text in ["update\n", "energy (nats)\n", "20\n", "2.5\n"] {
            assert!(svg.contains(text), "no {text} in {svg}");
        }
        assert!(
            svg.contains("a &lt;curve&gt; from 1 to 2, lowest 1, highest 3"),
            "{svg}"
        );
        assert!(!svg.contains("http") && !svg.contains("<curve>"));
    }

    #[test]
    fn wide_ranges_get_powers_of_ten_and_negative_ones_do_not() {
        let wide = |low| {
            chart(vec![(0.0, low), (1.0, 1e4)])
                .svg()
                .expect("there are points")
        };
        assert!(wide(1.0).contains("\n100\n") && !wide(1.0).contains("\n4,000\n"));
        assert!(wide(-1.0).contains("\n4,000\n"));
    }

    #[test]
    fn one_point_is_a_dot_and_none_is_said() {
        let svg = chart(vec![(5.0, 2.0)]).svg().expect("there is a point");
        assert!(svg.contains("<circle"));
        for points in [vec![], vec![(0.0, f64::NAN)]] {
            assert!(chart(points).figure("").contains("No values yet."));
        }
        // Equal values have a range too.
        assert!(chart(vec![(0.0, 0.0), (1.0, 0.0)]).svg().is_some());
    }

    #[test]
    fn a_million_points_are_few_kilobytes() {
        let points = (0..1_000_000)
            .map(|at| (f64::from(at), f64::from(at * 7919 % 1000)))
            .collect();
        let mut chart = chart(points);
        chart.series[0].smoothed = true;
        let svg = chart.svg().expect("there are points");
        assert!(svg.len() < 100_000, "{}", svg.len());
    }
}

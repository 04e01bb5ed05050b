//! Charts as SVG inside of the page: drawn by `plotters` in fixed colours, which the page's style
//! replaces by its own.

use std::fmt::Display;
use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::html;
use super::thin::{smooth, thin};
use crate::drawing::axis::{Axis, AxisOptions, Extent, Mark, finite};
use crate::drawing::plot::{FONT, MARKS, triangle};
use crate::drawing::scale::Scale;

/// Width and height in units of the drawing; the page scales it to its columns.
const SIZE: (u32, u32) = (960, 560);
/// Columns that a curve is thinned to: no screen shows a chart with more pixels than twice that.
const COLUMNS: usize = 600;
/// The colour of text and axes, of the grid, and of curves: names for the style sheet rather than
/// colours.
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
/// Ticks at most, across and up.
const TICKS: (usize, usize) = (5, 6);
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

/// Curves over one axis.
pub(super) struct Chart<'a> {
    /// What is shown.
    pub(super) title: &'a str,
    /// What the axis across is, with its unit.
    pub(super) x: &'a str,
    /// What the axis up is, with its unit.
    pub(super) y: &'a str,
    /// Which values the axis up has to show; others are marked, and told of below.
    pub(super) extent: Extent,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far
    /// apart.
    pub(super) logarithmic: bool,
    /// A value that a line is drawn at, for comparison.
    pub(super) reference: Option<f64>,
    /// The curves, four at most.
    pub(super) series: Vec<Series>,
}

impl Chart<'_> {
    /// The chart as a figure with its legend; what is missing, if there is no finite point.
    pub(super) fn figure(&self, below: &str) -> String {
        let Some((svg, up)) = self.svg() else {
            return html::figure(self.title, &html::missing("No values yet."), below);
        };
        let values = self.series.iter().flat_map(Series::finite);
        let below = match up.beyond(values.map(|(_, y)| y)) {
            Some(beyond) => format!("Triangles: {beyond}. {below}"),
            None => below.to_string(),
        };
        html::figure(self.title, &(self.legend() + &svg), below.trim_end())
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

    /// The drawing, and its axis up.
    fn svg(&self) -> Option<(String, Axis)> {
        register();
        let finite: Vec<Vec<(f64, f64)>> = self
            .series
            .iter()
            .map(|series| series.finite().collect())
            .collect();
        let across = Axis::across(finite.iter().flatten().map(|(x, _)| *x), TICKS.0)?;
        let options = AxisOptions {
            extent: self.extent,
            logarithmic: self.logarithmic,
            reference: self.reference,
            ticks: TICKS.1,
        };
        let up = Axis::up(finite.iter().map(Vec::as_slice), &options)?;
        let curves: Vec<Drawn> = self
            .series
            .iter()
            .zip(finite)
            .zip(CURVES.iter().cycle())
            .flat_map(|((series, points), color)| drawn(series, points, *color, &across, &up))
            .collect();
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.draw(&area, &across, &up, &curves).ok()?;
            area.present().ok()?;
        }
        Some((inline(&svg, &self.description()), up))
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        across: &Axis,
        up: &Axis,
        curves: &[Drawn],
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let mut chart = ChartBuilder::on(area)
            .margin_top(14)
            .margin_left(10)
            .margin_right(72)
            .x_label_area_size(96)
            .y_label_area_size(150)
            .build_cartesian_2d(Scale::from(across), Scale::from(up))?;
        mesh(&mut chart, self.x, self.y)?;
        if let Some(reference) = self.reference.filter(|_| !up.logarithmic) {
            let line = [(across.low, reference), (across.high, reference)];
            chart.draw_series(DashedLineSeries::new(line, 10, 8, INK.stroke_width(2)))?;
        }
        for Drawn {
            points,
            marks,
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
            chart.draw_series(marks.iter().map(|mark| triangle(mark, 9, color.filled())))?;
        }
        Ok(())
    }
}

/// Axes and grid in the page's colours; `x` and `y` are what stands at the axes.
pub(super) fn mesh<B: DrawingBackend>(
    chart: &mut ChartContext<'_, B, Cartesian2d<Scale, Scale>>,
    x: &str,
    y: &str,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    register();
    let style = || TextStyle::from((FAMILY, TEXT)).color(&INK);
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .label_style(style())
        .axis_desc_style(style())
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
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
    marks: Vec<Mark>,
    color: RGBColor,
    opacity: f64,
}

/// The lines of a series of finite points: itself, and its running mean.
fn drawn(
    series: &Series,
    points: Vec<(f64, f64)>,
    color: RGBColor,
    across: &Axis,
    up: &Axis,
) -> Vec<Drawn> {
    let line = |points: &[(f64, f64)], opacity, marked: bool| {
        let points = thin(points.iter().copied(), across.low..across.high, COLUMNS);
        let clipped = up.clip(points.into_iter(), (across.high - across.low) / MARKS);
        Drawn {
            points: clipped.line,
            marks: if marked { clipped.marks } else { Vec::new() },
            color,
            opacity,
        }
    };
    // Points that were kept because they stand out are no sample of the others.
    let means = series.points.means.as_ref();
    let means = means.map_or_else(|| points.clone(), |means| finite(means).collect());
    let window = window(means.len());
    if points.is_empty() {
        Vec::new()
    } else if series.smoothed && window > 1 {
        let mean = match up.logarithmic {
            true => {
                let logarithms: Vec<_> = means.iter().map(|&(x, y)| (x, y.log10())).collect();
                let mean = smooth(&logarithms, window).into_iter();
                mean.map(|(x, y)| (x, 10_f64.powf(y))).collect()
            }
            false => smooth(&means, window),
        };
        vec![line(&points, 0.3, true), line(&mean, 1.0, false)]
    } else {
        vec![line(&points, 1.0, true)]
    }
}

/// Lines that a running mean takes in: an odd number, about 4 % of them.
fn window(lines: usize) -> usize {
    (lines / 50) * 2 + 1
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
            extent: Extent::Settled,
            logarithmic: true,
            reference: None,
            series: vec![Series::new("a <curve>", points)],
        }
    }

    #[test]
    fn a_chart_has_its_curve_its_axes_and_a_description() {
        let (svg, _) = chart(vec![(0.0, 1.0), (10.0, 3.0), (20.0, 2.0)])
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
                .0
        };
        assert!(wide(1.0).contains("\n100\n") && !wide(1.0).contains("\n4,000\n"));
        assert!(wide(-1.0).contains("\n4,000\n"));
    }

    #[test]
    fn one_point_is_a_dot_and_none_is_said() {
        let (svg, _) = chart(vec![(5.0, 2.0)]).svg().expect("there is a point");
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
        let (svg, _) = chart.svg().expect("there are points");
        assert!(svg.len() < 100_000, "{}", svg.len());
    }

    #[test]
    fn a_start_far_off_is_cut_marked_and_told_of() {
        let mut points: Vec<(f64, f64)> = (0..500)
            .map(|at| (f64::from(at), 0.1 * (f64::from(at) * 0.3).sin()))
            .collect();
        points[0].1 = -77.0;
        let figure = chart(points.clone()).figure("What to look for.");
        assert!(figure.contains("Triangles: beyond the axis, down to -77. What to look for."));
        assert!(
            figure.contains("<polygon") && figure.contains("\n-0.05\n"),
            "{figure}"
        );
        assert!(figure.contains("lowest -77"));
        // The whole of it on request, without marks.
        let whole = Chart {
            extent: Extent::Whole,
            ..chart(points)
        };
        let figure = whole.figure("");
        assert!(
            figure.contains("\n-60\n") && !figure.contains("Triangles"),
            "{figure}"
        );
    }
}

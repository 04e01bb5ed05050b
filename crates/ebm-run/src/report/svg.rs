//! Drawings as SVG inside of the page: made by `plotters` in fixed colours, which the page's style
//! replaces by its own.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::chart::{Chart, Series};
use super::html;
use super::thin::{smooth, thin};
use crate::drawing::axis::{Axis, Mark, finite};
use crate::drawing::plot::{FONT, MARKS, triangle};
use crate::drawing::scale::Scale;

/// Width and height in units of the drawing; the page scales it to its columns.
pub(super) const SIZE: (u32, u32) = (960, 560);
/// Room around curves for labels: left, right, top, bottom.
const ROOM: [u32; 4] = [160, 72, 14, 96];
/// Where curves are drawn: left, right, top, bottom.
pub(super) const AREA: [u32; 4] = [ROOM[0], SIZE.0 - ROOM[1], ROOM[2], SIZE.1 - ROOM[3]];
/// Columns that a curve is thinned to: no screen shows a chart with more pixels than twice that.
const COLUMNS: usize = 600;
/// The colour of text and axes, of the grid, and of curves: names for the style sheet rather than
/// colours.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
pub(super) const CURVES: [RGBColor; 4] = [
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

/// A coordinate system with the page's axes.
type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<Scale, Scale>>;

/// The curves of a chart over its axes, with its description.
pub(super) fn draw(chart: &Chart, across: &Axis, up: &Axis) -> Option<String> {
    let reference = chart.reference.filter(|_| !up.logarithmic);
    let scales = (Scale::from(across), Scale::from(up));
    let svg = on_axes(scales, &chart.x, &chart.y, |plane| {
        if let Some(reference) = reference {
            draw_reference(plane, (across.low, across.high), reference)?;
        }
        for (place, series) in chart.series.iter().enumerate() {
            let color = CURVES[series.color.unwrap_or(place) % CURVES.len()];
            draw_band(plane, &series.band, color, up)?;
            for curve in curves(series, across, up) {
                draw_curve(plane, &curve, color, series.dashed)?;
            }
            if let Some((x, y)) = series.ring {
                let ring = Circle::new((x, up.place(y).0), 13, color.stroke_width(STROKE));
                plane.draw_series([ring])?;
            }
        }
        Ok(())
    })?;
    Some(inline(&svg, &chart.description()))
}

/// What drawing into a text fails with.
type Failed = DrawingAreaErrorKind<std::io::Error>;

/// Axes with what is drawn on them; `x` and `y` are what stands at them.
pub(super) fn on_axes(
    (across, up): (Scale, Scale),
    x: &str,
    y: &str,
    draw: impl FnOnce(&mut Plane<'_, SVGBackend<'_>>) -> Result<(), Failed>,
) -> Option<String> {
    register();
    let mut svg = String::new();
    {
        let area: DrawingArea<_, Shift> =
            SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let [_, right, top, bottom] = ROOM;
        let mut plane = ChartBuilder::on(&area)
            .margin_top(top)
            .margin_left(10)
            .margin_right(right)
            .x_label_area_size(bottom)
            .y_label_area_size(ROOM[0] - 10)
            .build_cartesian_2d(across, up)
            .ok()?;
        mesh(&mut plane, x, y).ok()?;
        draw(&mut plane).ok()?;
        area.present().ok()?;
    }
    Some(svg)
}

/// A dashed line across at a value.
pub(super) fn draw_reference<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    (low, high): (f64, f64),
    value: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let line = [(low, value), (high, value)];
    plane.draw_series(DashedLineSeries::new(line, 10, 8, INK.stroke_width(2)))?;
    Ok(())
}

/// The bounds of a curve, as far as the axis shows them.
fn draw_band<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    band: &[(f64, f64, f64)],
    color: RGBColor,
    up: &Axis,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let place = |value: f64| {
        let (place, _) = up.place(value);
        // The logarithm of what isn't positive.
        if place.is_nan() { up.low } else { place }
    };
    let there = band.iter().map(|&(x, low, _)| (x, place(low)));
    let back = band.iter().rev().map(|&(x, _, high)| (x, place(high)));
    let outline: Vec<(f64, f64)> = there.chain(back).collect();
    if outline.len() > 2 {
        plane.draw_series([Polygon::new(outline, color.mix(0.2).filled())])?;
    }
    Ok(())
}

fn draw_curve<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    curve: &Curve,
    color: RGBColor,
    dashed: bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let style = color.mix(curve.opacity).stroke_width(STROKE);
    let points = curve.points.iter().copied();
    match curve.points[..] {
        // A line of one point is none.
        [point] => {
            plane.draw_series([Circle::new(point, 7, style.filled())])?;
        }
        _ if dashed => {
            let style = color.stroke_width(STROKE - 1);
            plane.draw_series(DashedLineSeries::new(points, 16, 12, style))?;
        }
        _ => {
            plane.draw_series(LineSeries::new(points, style))?;
        }
    }
    let marks = curve.marks.iter();
    plane.draw_series(marks.map(|mark| triangle(mark, 9, color.filled())))?;
    Ok(())
}

/// Axes and grid in the page's colours; `x` and `y` are what stands at the axes.
pub(super) fn mesh<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    x: &str,
    y: &str,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    register();
    let style = || TextStyle::from((FAMILY, TEXT)).color(&INK);
    plane
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
struct Curve {
    points: Vec<(f64, f64)>,
    marks: Vec<Mark>,
    opacity: f64,
}

/// The lines of a series: itself, and its running mean.
fn curves(series: &Series, across: &Axis, up: &Axis) -> Vec<Curve> {
    let line = |points: &[(f64, f64)], opacity, marked: bool| {
        let points = thin(points.iter().copied(), across.low..across.high, COLUMNS);
        let clipped = up.clip(points.into_iter(), (across.high - across.low) / MARKS);
        Curve {
            points: clipped.line,
            marks: if marked { clipped.marks } else { Vec::new() },
            opacity,
        }
    };
    let points: Vec<(f64, f64)> = series.finite().collect();
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
pub(super) fn window(lines: usize) -> usize {
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

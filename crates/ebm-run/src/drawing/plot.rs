//! Line plots as pictures.

use std::ops::Add;
use std::sync::Once;

use image::RgbImage;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::drawing::axis::{Axis, AxisOptions, Extent, Mark, Side, finite};
use crate::drawing::scale::Scale;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 480);
/// The font of all text, so that a picture is the same on every machine.
pub(crate) const FONT: &[u8] = include_bytes!("../../fonts/plot.ttf");
/// What the font is registered as.
const FAMILY: &str = "plot";
/// Colours of lines, told apart by most people (Okabe & Ito 2008).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
/// Length of the dashes of a line and of the gaps between them, in pixels.
type Dashes = (i32, i32);
/// What tells lines of one colour apart, where there are more lines than colours.
const DASHES: [Option<Dashes>; 3] = [None, Some((8, 4)), Some((2, 4))];
/// Ticks of an axis at most.
pub(crate) const TICKS: usize = 7;
/// Marks of values beyond the axis over the width of a plot, at most.
pub(crate) const MARKS: f64 = 60.0;
/// Width of the line beside a name in a legend, and the height of an entry, in pixels.
const LEGEND_LINE: i32 = 18;
const LEGEND_STEP: i32 = 22;

/// The name of the font, which is registered.
pub(crate) fn font() -> &'static str {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // Fails only for bytes that are no font.
        let _ = register_font(FAMILY, FontStyle::Normal, FONT);
    });
    FAMILY
}

/// The colour of each of several lines, and whether it has dashes: no two of 21 lines look alike.
fn strokes() -> impl Iterator<Item = (RGBColor, Option<Dashes>)> {
    let dashes = DASHES.into_iter().cycle();
    dashes.flat_map(|dashes| COLORS.map(|color| (color, dashes)))
}

/// Points, from left to right.
pub type Curve = Vec<(f64, f64)>;

/// Curves over one axis, drawn into a picture of 900 x 480 pixels.
pub struct LinePlot<'a> {
    /// What is shown.
    pub title: &'a str,
    /// What the axis across is.
    pub x: &'a str,
    /// What the axis up is.
    pub y: &'a str,
    /// Which values the axis up has to show; marks and a line below the title tell of others.
    pub extent: Extent,
    /// For each kind of curve its name, and its curves as points.
    pub curves: Vec<(&'a str, Vec<Curve>)>,
}

impl LinePlot<'_> {
    /// Draws the plot; points that aren't finite are left out. `None` without any point.
    pub fn draw(&self) -> Option<RgbImage> {
        let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
            self.draw_on(&area)?;
        }
        RgbImage::from_raw(SIZE.0, SIZE.1, pixels)
    }

    /// The same as an SVG document, whose text is in the reader's own font.
    pub fn draw_svg(&self) -> Option<String> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.draw_on(&area)?;
        }
        let ours = format!("font-family=\"{FAMILY}\"");
        Some(svg.replace(&ours, "font-family=\"sans-serif\""))
    }

    /// Draws the plot on all of an area.
    fn draw_on<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Option<()> {
        font();
        let finite: Vec<(&str, Vec<Curve>)> = self
            .curves
            .iter()
            .map(|(name, curves)| {
                let finite = curves.iter().map(|curve| finite(curve).collect());
                (*name, finite.collect())
            })
            .collect();
        let curves = || finite.iter().flat_map(|(_, curves)| curves);
        let across = Axis::across(curves().flatten().map(|(x, _)| *x), TICKS)?;
        let options = AxisOptions {
            extent: self.extent,
            logarithmic: false,
            reference: None,
            ticks: TICKS,
        };
        let up = Axis::up(curves().map(Vec::as_slice), &options)?;
        self.fill(area, &finite, &across, &up).ok()?;
        area.present().ok()
    }

    fn fill<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        curves: &[(&str, Vec<Curve>)],
        across: &Axis,
        up: &Axis,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let all = curves.iter().flat_map(|(_, curves)| curves).flatten();
        let note = up
            .beyond(all.map(|(_, y)| *y))
            .map(|beyond| format!("triangles: {beyond}"));
        let area = titled(area, self.title, note.as_deref())?;
        let entries: Vec<LegendEntry<'_>> = curves
            .iter()
            .zip(strokes())
            .map(|((name, _), (color, dashes))| (*name, color, dashes))
            .collect();
        let area = with_legend(&area, &entries)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d(Scale::from(across), Scale::from(up))?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style((FAMILY, 14))
            .axis_desc_style((FAMILY, 15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        let spacing = (across.high - across.low) / MARKS;
        for ((_, curves), (color, dashes)) in curves.iter().zip(strokes()) {
            for curve in curves {
                let shown = up.clip(curve.iter().copied(), spacing);
                if let [point] = shown.line[..] {
                    // A line of one point is none.
                    chart.draw_series([Circle::new(point, 4, color.filled())])?;
                }
                let style = color.stroke_width(2);
                match dashes {
                    None => chart.draw_series(LineSeries::new(shown.line, style))?,
                    Some((dash, gap)) => {
                        chart.draw_series(DashedLineSeries::new(shown.line, dash, gap, style))?
                    }
                };
                chart.draw_series(
                    shown
                        .marks
                        .iter()
                        .map(|mark| triangle(mark, 5, color.filled())),
                )?;
            }
        }
        Ok(())
    }
}

/// A triangle at a place of a chart.
type Triangle<B> = <EmptyElement<(f64, f64), B> as Add<Polygon<(i32, i32)>>>::Output;

/// The mark of a value beyond an axis: a triangle on the edge that points to where the value is.
pub(crate) fn triangle<B: DrawingBackend>(
    mark: &Mark,
    half: i32,
    style: ShapeStyle,
) -> Triangle<B> {
    let back = match mark.side {
        Side::Above => 2 * half,
        Side::Below => -2 * half,
    };
    EmptyElement::at((mark.x, mark.place))
        + Polygon::new(vec![(0, 0), (-half, back), (half, back)], style)
}

/// Writes a title, and a note below it, into an area; returns what is left of it.
pub(crate) fn titled<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    note: Option<&str>,
) -> Result<DrawingArea<B, Shift>, DrawingAreaErrorKind<B::ErrorType>> {
    let family = font();
    area.fill(&WHITE)?;
    let mut top = 10;
    let middle = area.dim_in_pixel().0 as i32 / 2;
    for (text, size) in [(Some(title), 20), (note, 14)] {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            continue;
        };
        let style = TextStyle::from((family, size).into_font());
        let (width, height) = area.estimate_text_size(text, &style)?;
        area.draw_text(text, &style, (middle - width as i32 / 2, top))?;
        top += height as i32 + 6;
    }
    Ok(area.split_vertically(top).1)
}

/// What stands in a legend: a name, and the line beside it.
pub(crate) type LegendEntry<'a> = (&'a str, RGBColor, Option<Dashes>);

/// Writes a legend on the right, beside the curves and not over them; returns what is left. One
/// curve without a name needs none.
pub(crate) fn with_legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    entries: &[LegendEntry<'_>],
) -> Result<DrawingArea<B, Shift>, DrawingAreaErrorKind<B::ErrorType>> {
    let text = TextStyle::from((font(), 14).into_font());
    let entries: Vec<_> = entries
        .iter()
        .filter(|(name, ..)| !name.is_empty())
        .collect();
    let mut widest = 0;
    for (name, ..) in &entries {
        widest = widest.max(area.estimate_text_size(name, &text)?.0 as i32);
    }
    let (width, _) = area.dim_in_pixel();
    if entries.is_empty() {
        return Ok(area.clone());
    }
    // A name that is longer than half of the picture is cut by its edge.
    let legend = (LEGEND_LINE + 8 + widest + 16).min(width as i32 / 2);
    let (left, right) = area.split_horizontally(width as i32 - legend);
    for (row, (name, color, dashes)) in (0..).zip(entries) {
        let top = 24 + row * LEGEND_STEP;
        let line = [(0, top), (LEGEND_LINE, top)];
        let style = color.stroke_width(3);
        match *dashes {
            None => right.draw(&PathElement::new(line, style))?,
            Some((dash, gap)) => right.draw(&DashedPathElement::new(line, dash, gap, style))?,
        }
        right.draw_text(name, &text, (LEGEND_LINE + 8, top - 8))?;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(curve: Vec<(f64, f64)>) -> Option<RgbImage> {
        LinePlot {
            title: "a title",
            x: "step",
            y: "energy",
            extent: Extent::Settled,
            curves: vec![("curve", vec![curve])],
        }
        .draw()
    }

    fn count(picture: &RgbImage, color: RGBColor) -> usize {
        let RGBColor(r, g, b) = color;
        picture
            .pixels()
            .filter(|pixel| pixel.0 == [r, g, b])
            .count()
    }

    #[test]
    fn a_curve_is_drawn_in_its_color_with_text_around() {
        let picture = plot(vec![(0.0, 1.0), (1.0, 2.0), (2.0, 0.5)]).expect("there are points");
        assert_eq!(picture.dimensions(), SIZE);
        // A line across the picture, two pixels wide, and dark text.
        assert!(count(&picture, COLORS[0]) > 800);
        let dark = picture
            .pixels()
            .filter(|pixel| pixel.0.iter().all(|&c| c < 90))
            .count();
        assert!(dark > 500, "{dark}");
    }

    #[test]
    fn points_that_are_not_finite_are_left_out() {
        assert!(plot(vec![]).is_none());
        assert!(plot(vec![(0.0, f64::NAN), (1.0, f64::INFINITY)]).is_none());
        assert!(plot(vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)]).is_some());
    }

    /// Beyond the names on the right nothing is drawn in a curve's colour, however high the curve
    /// is there.
    #[test]
    fn the_legend_lies_beside_the_curves() {
        let high = (0..50).map(|at| (f64::from(at), f64::from(at))).collect();
        let picture = plot(high).expect("there are points");
        let RGBColor(r, g, b) = COLORS[0];
        let mut columns: Vec<u32> = picture
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel.0 == [r, g, b])
            .map(|(x, _, _)| x)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        // The curve, a gap, and the line beside its name.
        let gaps: Vec<(u32, u32)> = columns
            .windows(2)
            .filter(|pair| pair[1] > pair[0] + 3)
            .map(|pair| (pair[0], pair[1]))
            .collect();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        let legend = columns.iter().filter(|&&x| x >= gaps[0].1).count();
        assert!(
            (LEGEND_LINE as usize - 1..=LEGEND_LINE as usize + 1).contains(&legend),
            "{legend}"
        );
    }

    /// A curve that starts at 1,000 and then moves by 1: it fills the height all the same, and its
    /// start is marked.
    #[test]
    fn a_start_far_off_leaves_the_rest_its_height() {
        let mut points: Curve = (0..400)
            .map(|at| (f64::from(at), (f64::from(at) * 0.3).sin()))
            .collect();
        points[0].1 = 1000.0;
        let picture = plot(points).expect("there are points");
        let RGBColor(r, g, b) = COLORS[0];
        // The middle of the plot, away from the marks at its left end and the legend.
        let rows = picture
            .enumerate_pixels()
            .filter(|(x, _, pixel)| (300..600).contains(x) && pixel.0 == [r, g, b])
            .map(|(_, y, _)| y);
        let (low, high) = rows.fold((u32::MAX, 0), |(low, high), y| (low.min(y), high.max(y)));
        assert!(high - low > 250, "only {low} to {high}");
    }

    #[test]
    fn a_plot_is_drawn_as_svg_too() {
        let plot = LinePlot {
            title: "a < b",
            x: "step",
            y: "energy",
            extent: Extent::Settled,
            curves: vec![("one", vec![vec![(0.0, 1.0), (1.0, 2.0)]]), ("two", vec![])],
        };
        let svg = plot.draw_svg().expect("there are points");
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        for needle in ["a &lt; b", "#0072B2", "font-family=\"sans-serif\"", "two"] {
            assert!(svg.contains(needle), "{needle}: {svg}");
        }
        assert!(!svg.contains("\"plot\""), "{svg}");
    }

    /// The eighth curve has the colour of the first, but gaps.
    #[test]
    fn more_curves_than_colors_have_dashes() {
        let plot = |at: usize| {
            let mut curves = vec![("", vec![]); at];
            curves.push(("last", vec![vec![(0.0, 1.0), (1.0, 1.0)]]));
            let plot = LinePlot {
                title: "",
                x: "step",
                y: "energy",
                extent: Extent::Settled,
                curves,
            };
            count(&plot.draw().expect("there are points"), COLORS[0])
        };
        let [solid, dashed, dotted] = [0, 7, 14].map(plot);
        assert!(dotted > 100, "{dotted}");
        // Two thirds of the line, and a third of it with ends of a pixel.
        assert!(dashed * 10 < solid * 9, "{dashed} of {solid}");
        assert!(dotted * 10 < dashed * 9, "{dotted} of {dashed}");
    }

    #[test]
    fn one_point_is_a_dot() {
        let picture = plot(vec![(20.0, -3.0)]).expect("there is a point");
        assert!(count(&picture, COLORS[0]) > 40);
    }
}

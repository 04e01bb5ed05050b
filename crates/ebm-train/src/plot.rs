//! Line plots as pictures.

use std::sync::Once;

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::number::tick;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 480);
/// The font of all text, so that a picture is the same on every machine.
pub(crate) const FONT: &[u8] = include_bytes!("../fonts/plot.ttf");
/// What the font is registered as.
const FAMILY: &str = "plot";
/// Colours of lines, told apart by most people (Okabe & Ito 2008).
const COLORS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// The name of the font, which is registered.
pub(crate) fn font() -> &'static str {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // Fails only for bytes that are no font.
        let _ = register_font(FAMILY, FontStyle::Normal, FONT);
    });
    FAMILY
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
    /// For each kind of curve its name, and its curves as points.
    pub curves: Vec<(&'a str, Vec<Curve>)>,
}

impl LinePlot<'_> {
    /// Draws the plot; points that aren't finite are left out. `None` without any point.
    pub fn draw(&self) -> Option<RgbImage> {
        font();
        let ((left, right), (bottom, top)) = self.ranges()?;
        let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
            self.fill(&area, left..right, bottom..top).ok()?;
            area.present().ok()?;
        }
        RgbImage::from_raw(SIZE.0, SIZE.1, pixels)
    }

    fn fill<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, plotters::coord::Shift>,
        across: std::ops::Range<f64>,
        up: std::ops::Range<f64>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, (FAMILY, 20))
            .margin(12)
            .margin_right(36)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| tick(*x))
            .y_label_formatter(&|y| tick(*y))
            .label_style((FAMILY, 14))
            .axis_desc_style((FAMILY, 15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for ((name, curves), &color) in self.curves.iter().zip(COLORS.iter().cycle()) {
            for (index, curve) in curves.iter().enumerate() {
                let points = curve.iter().copied().filter(is_finite);
                let line = LineSeries::new(points, color.stroke_width(2));
                let drawn = chart.draw_series(line)?;
                if index == 0 {
                    drawn.label(*name).legend(move |(x, y)| {
                        PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                    });
                }
            }
        }
        chart
            .configure_series_labels()
            .label_font((FAMILY, 14))
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()
    }

    /// The ranges of both axes, with some room around the curves.
    fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let points = || {
            let curves = self.curves.iter().flat_map(|(_, curves)| curves);
            curves.flatten().copied().filter(is_finite)
        };
        points().next()?;
        let around = |(low, high): (f64, f64), room: f64| {
            let room = if high > low {
                (high - low) * room
            } else {
                low.abs().max(1.0) * 0.1
            };
            (low - room, high + room)
        };
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let across = range(&mut points().map(|(x, _)| x));
        let up = range(&mut points().map(|(_, y)| y));
        Some((around(across, 0.0), around(up, 0.05)))
    }
}

fn is_finite((x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(curve: Vec<(f64, f64)>) -> Option<RgbImage> {
        LinePlot {
            title: "a title",
            x: "step",
            y: "energy",
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
}

//! Histograms of the energies of several sets over one axis, as PNG and SVG.

use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::energies::quantile;
use crate::plot::font;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 480);
/// Bins over the axis.
const BINS: usize = 80;
/// Share of each set that may lie beyond either end of the axis.
const BEYOND: f64 = 0.002;
/// Colours of sets, told apart by most people (Okabe & Ito 2008).
const COLORS: [RGBColor; 8] = [
    RGBColor(86, 180, 233),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(130, 130, 130),
];

/// The energies of several sets, counted in the same bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The ends of the axis; energies beyond them are counted in the first and the last bin.
    pub range: (f64, f64),
    /// For each set its name and the share of it that lies in each bin, from low to high energies.
    pub sets: Vec<(String, Vec<f64>)>,
}

/// A histogram as pictures.
#[derive(Clone, Debug)]
pub struct EnergyHistogram {
    /// 900 x 480 pixels.
    pub png: RgbImage,
    /// The same as SVG.
    pub svg: String,
}

impl Histogram {
    /// Counts energies. The axis holds all of each set but 0.2 % at either end; energies that aren't finite are left out.
    ///
    /// `None` without any energy.
    pub fn new(sets: &[(String, &[f32])]) -> Option<Self> {
        let sorted: Vec<Vec<f32>> = sets
            .iter()
            .map(|(_, energies)| {
                let finite = energies.iter().filter(|energy| energy.is_finite());
                let mut finite: Vec<f32> = finite.copied().collect();
                finite.sort_unstable_by(f32::total_cmp);
                finite
            })
            .collect();
        let ends = |share: f64| {
            let sets = sorted.iter().filter(|set| !set.is_empty());
            sets.map(move |set| quantile(set, share))
        };
        let low = ends(BEYOND).reduce(f64::min)?;
        let high = ends(1.0 - BEYOND).reduce(f64::max)?;
        let room = match high - low {
            0.0 => low.abs().max(1.0) * 0.05,
            width => width * 0.02,
        };
        let range = (low - room, high + room);
        let width = (range.1 - range.0) / BINS as f64;
        let bin =
            |energy: f32| ((f64::from(energy) - range.0) / width).clamp(0.0, BINS as f64 - 1.0);
        let counted = |set: &[f32]| {
            let mut shares = vec![0.0; BINS];
            for &energy in set {
                shares[bin(energy) as usize] += 1.0 / set.len() as f64;
            }
            shares
        };
        let names = sets.iter().map(|(name, _)| name.clone());
        Some(Self {
            range,
            sets: names.zip(sorted.iter().map(|set| counted(set))).collect(),
        })
    }

    /// Draws it; `None` if the drawing library fails.
    pub fn draw(&self) -> Option<EnergyHistogram> {
        let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
            self.fill(&area).ok()?;
            area.present().ok()?;
        }
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.fill(&area).ok()?;
            area.present().ok()?;
        }
        Some(EnergyHistogram {
            png: RgbImage::from_raw(SIZE.0, SIZE.1, pixels)?,
            // The font is measured here, but a browser hasn't got it.
            svg: svg.replace(
                &format!("font-family=\"{}\"", font()),
                "font-family=\"sans-serif\"",
            ),
        })
    }

    fn fill<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let family = font();
        area.fill(&WHITE)?;
        let shares = self.sets.iter().flat_map(|(_, shares)| shares);
        // Room above for the legend, a line a set.
        let room = 1.1 + 0.07 * self.sets.len() as f64;
        let top = shares.fold(0.0, |top: f64, &share| top.max(share)) * room;
        let mut chart = ChartBuilder::on(area)
            .caption("Energies", (family, 20))
            .margin(12)
            .margin_right(36)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(self.range.0..self.range.1, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc("energy E(x) = -f(x), in nats")
            .y_desc("share of the set in a bin")
            .label_style((family, 14))
            .axis_desc_style((family, 15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for ((name, shares), &color) in self.sets.iter().zip(COLORS.iter().cycle()) {
            let outline = self.outline(shares);
            chart.draw_series(std::iter::once(Polygon::new(
                outline.clone(),
                color.mix(0.15),
            )))?;
            chart
                .draw_series(LineSeries::new(outline, color.stroke_width(2)))?
                .label(name.as_str())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font((family, 14))
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()
    }

    /// The steps of a histogram, from the axis back to the axis.
    fn outline(&self, shares: &[f64]) -> Vec<(f64, f64)> {
        let width = (self.range.1 - self.range.0) / shares.len() as f64;
        let at = |bin: usize| self.range.0 + bin as f64 * width;
        let mut points = vec![(at(0), 0.0)];
        for (bin, &share) in shares.iter().enumerate() {
            points.extend([(at(bin), share), (at(bin + 1), share)]);
        }
        points.push((at(shares.len()), 0.0));
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(sets: &[(&str, &[f32])]) -> Option<Histogram> {
        let sets: Vec<(String, &[f32])> = sets
            .iter()
            .map(|&(name, energies)| (name.into(), energies))
            .collect();
        Histogram::new(&sets)
    }

    #[test]
    fn each_set_is_counted_once_in_bins_of_one_axis() {
        let low: Vec<f32> = (0..100).map(|e| e as f32 / 100.0).collect();
        let found = histogram(&[("low", &low), ("high", &[9.0, 9.0, f32::NAN, 10.0])]);
        let found = found.expect("there are energies");
        for (name, shares) in &found.sets {
            let sum: f64 = shares.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{name}: {sum}");
        }
        // The axis is from 0 to 10 with 2 % of room: 0 to 1 are the bins 1 to 9, 9 is in bin 70 and 10 in bin 78.
        assert!(found.range.0 < 0.0 && found.range.1 > 10.0);
        let filled = |set: usize| -> Vec<usize> {
            let shares = found.sets[set].1.iter().enumerate();
            shares
                .filter(|(_, share)| **share > 0.0)
                .map(|(bin, _)| bin)
                .collect()
        };
        assert_eq!(filled(0), (1..=9).collect::<Vec<usize>>());
        assert_eq!(filled(1), [70, 78]);
        assert!((found.sets[1].1[70] - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn pictures_hold_a_line_a_set_and_its_name() {
        let found = histogram(&[("inliers", &[0.0, 1.0]), ("outliers", &[5.0, 6.0])]);
        let drawn = found.and_then(|found| found.draw()).expect("it is drawn");
        for color in &COLORS[..2] {
            let RGBColor(r, g, b) = *color;
            let hits = drawn.png.pixels().filter(|pixel| pixel.0 == [r, g, b]);
            assert!(hits.count() > 100, "{color:?}");
        }
        for name in ["inliers", "outliers", "sans-serif", "</svg>"] {
            assert!(drawn.svg.contains(name), "no {name}");
        }
    }

    #[test]
    fn equal_energies_and_none_at_all() {
        assert_eq!(histogram(&[]), None);
        assert_eq!(histogram(&[("nothing", &[f32::NAN])]), None);
        let one = histogram(&[("one", &[3.0; 4])]).expect("there are energies");
        assert!(one.range.0 < 3.0 && one.range.1 > 3.0);
        assert!(one.draw().is_some());
    }
}

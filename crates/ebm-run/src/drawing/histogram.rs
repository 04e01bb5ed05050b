//! Histograms of the energies of several sets over one axis, as PNG and SVG.

use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::config::EnergyUnit;
use crate::drawing::axis::{Axis, Beyond, bulk};
use crate::drawing::plot::{LegendEntry, TICKS, font, titled, with_legend};
use crate::drawing::scale::Scale;
use crate::text::number::count;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 480);
/// Bins over the axis.
const BINS: usize = 80;
/// Share of each set at either end that doesn't decide where the axis ends, one value at least..
const EDGE: f64 = 0.05;
/// .. unless it lies within so many widths of the rest.
const REACH: f64 = 3.0;
/// Smaller sets can't say what is usual: they are shown within so many widths of the others.
const FEW: usize = 4;
const FEW_REACH: f64 = 10.0;
/// Where a bar for what lies beyond the axis begins and ends, and where the picture ends, in bins
/// from the end of the axis.
const OVERFLOW: (f64, f64, f64) = (3.0, 6.0, 8.0);
/// Height of the smallest bar, as a share of the picture: one example in thousands can be seen.
const SMALLEST_BAR: f64 = 0.01;
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
    /// The ends of the axis.
    pub range: (f64, f64),
    /// The sets, in the order in which they were given.
    pub sets: Vec<HistogramSet>,
    /// The energies that lie beyond the axis; `None` if none does.
    pub beyond: Option<Beyond>,
}

/// The energies of one set. All shares together are 1, unless the set is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSet {
    /// What it is called.
    pub name: String,
    /// The number of its energies, those that are finite.
    pub count: usize,
    /// The share of it that lies in each bin, from low to high energies.
    pub shares: Vec<f64>,
    /// The share that lies below the axis.
    pub below: f64,
    /// The share that lies above it.
    pub above: f64,
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
    /// Counts energies. The axis holds the bulk of each set: the inner 90 %, and what lies within
    /// three widths of it; what is further off is counted below or above the axis. Energies that
    /// aren't finite are left out.
    ///
    /// `None` without any energy.
    pub fn new(sets: &[(String, &[f32])]) -> Option<Self> {
        let sorted: Vec<Vec<f64>> = sets
            .iter()
            .map(|(_, energies)| {
                let finite = energies.iter().filter(|energy| energy.is_finite());
                let mut finite: Vec<f64> = finite.map(|&energy| energy.into()).collect();
                finite.sort_unstable_by(f64::total_cmp);
                finite
            })
            .collect();
        let (low, high) = usual_range(&sorted)?;
        let room = match high - low {
            0.0 => low.abs().max(1.0) * 0.05,
            width => width * 0.02,
        };
        let range = (low - room, high + room);
        let width = (range.1 - range.0) / BINS as f64;
        let counted = |name: &str, set: &[f64]| {
            let mut found = HistogramSet {
                name: name.into(),
                count: set.len(),
                shares: vec![0.0; BINS],
                below: 0.0,
                above: 0.0,
            };
            for &energy in set {
                let bin = ((energy - range.0) / width).min(BINS as f64 - 1.0) as usize;
                let share = if energy < range.0 {
                    &mut found.below
                } else if energy > range.1 {
                    &mut found.above
                } else {
                    &mut found.shares[bin]
                };
                *share += 1.0 / set.len() as f64;
            }
            found
        };
        let axis = Axis::linear(range.0, range.1, TICKS);
        Some(Self {
            range,
            beyond: axis.beyond(sorted.iter().flatten().copied()),
            sets: sets
                .iter()
                .zip(&sorted)
                .map(|((name, _), set)| counted(name, set))
                .collect(),
        })
    }

    /// Draws it, energies in `unit`; `None` if the drawing library fails.
    pub fn draw(&self, unit: EnergyUnit) -> Option<EnergyHistogram> {
        let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
            self.fill(&area, unit).ok()?;
            area.present().ok()?;
        }
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.fill(&area, unit).ok()?;
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
        unit: EnergyUnit,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let family = font();
        let area = titled(area, "Energies", self.note().as_deref())?;
        let colors = COLORS.iter().cycle();
        let names = self.sets.iter().map(|set| set.name.as_str());
        let entries: Vec<LegendEntry<'_>> = names
            .zip(colors)
            .map(|(name, color)| (name, *color, None))
            .collect();
        let area = with_legend(&area, &entries)?;

        let (low, high) = self.range;
        let width = (high - low) / BINS as f64;
        let axis = Axis::linear(low, high, TICKS);
        let (begin, end, edge) = OVERFLOW;
        // The bars beyond the axis that there are, and where the picture ends.
        let below = self.sets.iter().any(|set| set.below > 0.0);
        let above = self.sets.iter().any(|set| set.above > 0.0);
        let left = low - if below { edge * width } else { 0.0 };
        let right = high + if above { edge * width } else { 0.0 };
        let middle = 0.5 * (begin + end) * width;
        let mut across = Scale::from(&axis);
        across.range = left..right;
        for (there, place) in [(below, low - middle), (above, high + middle)] {
            across.ticks.extend(there.then(|| (place, "beyond".into())));
        }
        // Bars beyond the axis are as high as the picture at most, and don't flatten what is on it.
        let shares = self.sets.iter().flat_map(|set| &set.shares);
        let top = shares.fold(0.0, |top: f64, &share| top.max(share)) * 1.05;
        let up = Axis::linear(0.0, top, TICKS);

        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(across, Scale::from(&up))?;
        chart
            .configure_mesh()
            .x_desc(format!("energy E(x) = -f(x) ({unit})"))
            .y_desc("share of the set in a bin")
            .label_style((family, 14))
            .axis_desc_style((family, 15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (set, (_, color, _)) in self.sets.iter().zip(entries) {
            let bar = |share: f64, from: f64, to: f64| {
                let height = share.clamp(SMALLEST_BAR * top, top);
                let bar = vec![(from, 0.0), (from, height), (to, height), (to, 0.0)];
                (share > 0.0).then_some(bar)
            };
            let outlines = [
                Some(self.outline(&set.shares)),
                bar(set.below, low - end * width, low - begin * width),
                bar(set.above, high + begin * width, high + end * width),
            ];
            for outline in outlines.into_iter().flatten() {
                let filled = Polygon::new(outline.clone(), color.mix(0.15));
                chart.draw_series(std::iter::once(filled))?;
                chart.draw_series(LineSeries::new(outline, color.stroke_width(2)))?;
            }
        }
        Ok(())
    }

    /// What the bars at the ends are.
    fn note(&self) -> Option<String> {
        let beyond = self.beyond?;
        let all: usize = self.sets.iter().map(|set| set.count).sum();
        let bars = match (beyond.lowest, beyond.highest) {
            (Some(_), Some(_)) => "bars at both ends",
            (Some(_), None) => "bar on the left",
            _ => "bar on the right",
        };
        Some(format!(
            "{bars}: {} of {} energies, {beyond}",
            count(beyond.count as u64),
            count(all as u64)
        ))
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

/// The range that holds the bulk of each of some sorted sets.
fn usual_range(sets: &[Vec<f64>]) -> Option<(f64, f64)> {
    let bulks = |few: bool| {
        let sets = sets.iter().filter(move |set| (set.len() < FEW) == few);
        sets.filter_map(|set| bulk(set, EDGE, REACH))
    };
    let join = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
    let Some((low, high)) = bulks(false).reduce(join) else {
        return bulks(true).reduce(join);
    };
    let room = FEW_REACH * (high - low);
    let near = sets.iter().filter(|set| set.len() < FEW).flatten();
    let near = near.filter(|energy| (low - room..=high + room).contains(energy));
    Some(near.fold((low, high), |range, &energy| join(range, (energy, energy))))
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
        for set in &found.sets {
            let sum: f64 = set.shares.iter().sum::<f64>() + set.below + set.above;
            assert!((sum - 1.0).abs() < 1e-9, "{}: {sum}", set.name);
        }
        // The axis is from 0 to 10 with 2 % of room: 0 to 1 are the bins 1 to 9, 9 is in bin 70 and
        // 10 in bin 78.
        assert!(found.range.0 < 0.0 && found.range.1 > 10.0);
        let filled = |set: usize| -> Vec<usize> {
            let shares = found.sets[set].shares.iter().enumerate();
            shares
                .filter(|(_, share)| **share > 0.0)
                .map(|(bin, _)| bin)
                .collect()
        };
        assert_eq!(filled(0), (1..=9).collect::<Vec<usize>>());
        assert_eq!(filled(1), [70, 78]);
        assert!((found.sets[1].shares[70] - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn pictures_hold_a_line_a_set_and_its_name() {
        let found = histogram(&[("inliers", &[0.0, 1.0]), ("outliers", &[5.0, 6.0])]);
        let drawn = found
            .and_then(|found| found.draw(EnergyUnit::Nats))
            .expect("it is drawn");
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
        assert!(one.draw(EnergyUnit::Nats).is_some());
    }

    /// One energy of 1e9 among a few hundred, or among ten, and a set of one: the others keep their
    /// bins.
    #[test]
    fn one_outlier_goes_into_a_bar_of_its_own() {
        for count in [10, 300] {
            let mut energies: Vec<f32> = (0..count).map(|e| e as f32 / count as f32).collect();
            energies[count / 2] = 1e9;
            let alone = [-5e7];
            let found = histogram(&[("set", &energies), ("alone", &alone)]);
            let found = found.expect("there are energies");
            assert!(
                found.range.0 > -0.5 && found.range.1 < 1.5,
                "{:?}",
                found.range
            );
            let set = &found.sets[0];
            assert!((set.above - 1.0 / count as f64).abs() < 1e-9);
            let filled = set.shares.iter().filter(|share| **share > 0.0).count();
            assert!(filled >= 9.min(count), "{filled} bins");
            assert_eq!((found.sets[1].below, found.sets[1].above), (1.0, 0.0));
            let beyond = found.beyond.expect("two are beyond");
            assert_eq!(
                (beyond.count, beyond.lowest, beyond.highest),
                (2, Some(-5e7), Some(1e9))
            );
            let drawn = found.draw(EnergyUnit::Model {
                temperature: 4.5e-5,
            });
            let svg = drawn.expect("it is drawn").svg;
            for text in [
                "beyond\n",
                "bars at both ends: 2 of ",
                "model units; ",
                "temperature is 4.5e-5",
            ] {
                assert!(svg.contains(text), "no {text:?}");
            }
        }
        // A tail that is long is no outlier.
        let long: Vec<f32> = (0..1000)
            .map(|e| -(1.0 - (e as f32 + 0.5) / 1000.0).ln())
            .collect();
        let found = histogram(&[("exponential", &long)]).expect("there are energies");
        assert!(
            found.sets[0].above < 0.002 && found.range.1 > 6.0,
            "{:?}",
            found.range
        );
    }
}

//! Axes of curves and histograms: which range they show, where their ticks are, and what lies
//! beyond.

use crate::drawing::ticks::{round_powers, round_values};
use crate::text::number::{count, number};

/// Share of the way across that a settled range takes for the start of a run.
const START: f64 = 0.1;
/// Share of values at either end that never decide a range; one value at least, where there are
/// four.
const EDGE: f64 = 0.01;
/// How many widths of the bulk a settled range goes on beyond it, as far as there are values.
const REACH: f64 = 1.0;
/// A settled range is for values that are spread more than so many times as wide; others are all
/// shown.
const WORTH: f64 = 2.5;
/// Positive values further apart than this factor get powers of ten.
const FAR_APART: f64 = 20.0;
/// Room above and below the curves, as a share of the range.
const ROOM: f64 = 0.05;
/// Values that differ by less, compared with their size, are equal up to rounding.
const ROUNDING: f64 = 1e-9;
/// Larger numbers are taken for that, so that widths can be computed.
const LARGEST: f64 = 1e300;

/// Which values an axis has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Whole,
    /// Those of a process that has settled: the first tenth of the way and rare spikes may lie
    /// beyond the axis, where they would leave the rest flat; the last value of each curve may not.
    Settled,
}

/// Where a value lies beyond an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Below its lowest value.
    Below,
    /// Above its highest.
    Above,
}

/// The range of an axis and its ticks at round values.
///
/// Places on the axis are values, or their logarithms to base 10 where it is logarithmic.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The lowest place.
    pub low: f64,
    /// The highest place, above the lowest.
    pub high: f64,
    /// The places of the ticks, from low to high.
    pub ticks: Vec<f64>,
    /// Whether places are logarithms.
    pub logarithmic: bool,
    /// The power of ten of the step from tick to tick.
    exponent: i32,
}

/// What is beyond an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// The number of values.
    pub count: usize,
    /// The lowest value below the axis.
    pub lowest: Option<f64>,
    /// The highest value above it.
    pub highest: Option<f64>,
}

/// A curve as an axis shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clipped {
    /// Places on the axis.
    pub line: Vec<(f64, f64)>,
    /// Marks of what lies beyond it.
    pub marks: Vec<Mark>,
}

/// The mark of a value beyond an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Where it is across.
    pub x: f64,
    /// The end of the axis.
    pub place: f64,
    /// Which end.
    pub side: Side,
}

/// What an axis up is for, besides its curves.
#[derive(Clone, Copy, Debug)]
pub struct AxisOptions {
    /// Which values it has to show.
    pub extent: Extent,
    /// Whether it may be logarithmic, which it is where all values are positive and far apart.
    pub logarithmic: bool,
    /// A value that it has to show, unless it is logarithmic.
    pub reference: Option<f64>,
    /// The most ticks; no fewer than three are made.
    pub ticks: usize,
}

impl Axis {
    /// The axis up of curves, each with its points `(x, y)` from left to right; points that aren't
    /// finite don't count.
    ///
    /// `None` without any point.
    pub fn up<'a>(
        curves: impl IntoIterator<Item = &'a [(f64, f64)]>,
        options: &AxisOptions,
    ) -> Option<Self> {
        let mut curves: Vec<Vec<(f64, f64)>> = curves
            .into_iter()
            .map(|curve| finite(curve).collect())
            .filter(|curve: &Vec<_>| !curve.is_empty())
            .collect();
        let values = || curves.iter().flatten().map(|(_, y)| *y);
        let (low, high) = ends(values())?;
        let logarithmic = options.logarithmic && low > 0.0 && high / low > FAR_APART;
        if logarithmic {
            for (_, y) in curves.iter_mut().flatten() {
                *y = y.log10();
            }
        }
        let (mut low, mut high) = extent(&curves, options.extent)?;
        if logarithmic && high - low > FAR_APART.log10() {
            let (low, high) = with_room(low, high);
            return Some(Self::logarithmic(low, high, options.ticks));
        }
        if logarithmic {
            // What is left after the start isn't far apart.
            (low, high) = (10_f64.powf(low), 10_f64.powf(high));
        }
        if let Some(reference) = options.reference {
            (low, high) = (low.min(reference), high.max(reference));
        }
        let (low, high) = with_room(low, high);
        Some(Self::linear(low, high, options.ticks))
    }

    /// The axis across of values from left to right, without room beside them; whole numbers have
    /// ticks at whole numbers.
    ///
    /// `None` without any value that is finite.
    pub fn across(values: impl Iterator<Item = f64> + Clone, ticks: usize) -> Option<Self> {
        let (low, high) = ends(values.clone().filter(|value| value.is_finite()))?;
        let whole = values
            .filter(|value| value.is_finite())
            .all(|value| value.fract() == 0.0);
        let (low, high) = if is_constant(low, high) {
            let room = if whole { 0.5 } else { half_width(low) };
            (low - room, high + room)
        } else {
            (low, high)
        };
        let (ticks, exponent) = round_values(low, high, ticks, whole);
        Some(Self {
            low,
            high,
            ticks,
            logarithmic: false,
            exponent,
        })
    }

    /// An axis from `low` to `high`, with `most` ticks or a few less, but three at least.
    pub fn linear(low: f64, high: f64, most: usize) -> Self {
        // Room around what is clamped already has its place.
        let ends = 2.0 * LARGEST;
        let (low, high) = (low.clamp(-ends, ends), high.clamp(-ends, ends));
        let (low, high) = if is_constant(low, high) {
            (low - half_width(low), low + half_width(low))
        } else {
            (low, high)
        };
        let (ticks, exponent) = round_values(low, high, most, false);
        Self {
            low,
            high,
            ticks,
            logarithmic: false,
            exponent,
        }
    }

    /// An axis of logarithms from `10^low` to `10^high`, at least a factor of 20 apart.
    fn logarithmic(low: f64, high: f64, most: usize) -> Self {
        Self {
            low,
            high,
            ticks: round_powers(low, high, most),
            logarithmic: true,
            exponent: 0,
        }
    }

    /// The place of a value, on the axis even if the value isn't, and where it is then.
    pub fn place(&self, value: f64) -> (f64, Option<Side>) {
        let place = if self.logarithmic {
            value.log10()
        } else {
            value
        };
        // Rounding of the axis' own ends is not worth a mark.
        let slack = 1e-9 * (self.high - self.low);
        let side = if place < self.low - slack {
            Some(Side::Below)
        } else if place > self.high + slack {
            Some(Side::Above)
        } else {
            None
        };
        (place.clamp(self.low, self.high), side)
    }

    /// The value at a place.
    fn value(&self, place: f64) -> f64 {
        if self.logarithmic {
            10_f64.powf(place)
        } else {
            place
        }
    }

    /// What stands at a tick: with as many digits as it takes to tell it from the next.
    pub fn label(&self, tick: f64) -> String {
        if self.logarithmic {
            return number(self.value(tick));
        }
        let step = 10_f64.powi(self.exponent);
        if tick.abs() < 0.5 * step {
            return "0".into();
        }
        let largest = self.low.abs().max(self.high.abs());
        if largest < 1e6 && self.exponent >= -4 {
            let decimals = (-self.exponent).max(0) as usize;
            if decimals > 0 {
                return format!("{tick:.decimals$}");
            }
            let sign = if tick < 0.0 { "-" } else { "" };
            return format!("{sign}{}", count(tick.abs().round() as u64));
        }
        let digits = (tick.abs().log10().floor() as i32 - self.exponent).clamp(0, 15) as usize;
        let text = format!("{tick:.digits$e}");
        match text.split_once('e') {
            Some((digits, power)) if digits.contains('.') => {
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                format!("{digits}e{power}")
            }
            _ => text,
        }
    }

    /// A curve from left to right on the axis: its points as places, those beyond the axis on its
    /// edge, and marks for them, which keep a distance of `spacing` across.
    pub fn clip(&self, points: impl Iterator<Item = (f64, f64)>, spacing: f64) -> Clipped {
        let mut clipped = Clipped::default();
        for (x, y) in points {
            let (place, side) = self.place(y);
            clipped.line.push((x, place));
            let Some(side) = side else { continue };
            let before = clipped.marks.iter().rev().find(|mark| mark.side == side);
            if before.is_none_or(|before| x - before.x >= spacing) {
                clipped.marks.push(Mark { x, place, side });
            }
        }
        clipped
    }

    /// Which of some values lie beyond the axis; `None` if none does.
    pub fn beyond(&self, values: impl Iterator<Item = f64>) -> Option<Beyond> {
        let mut beyond = Beyond {
            count: 0,
            lowest: None,
            highest: None,
        };
        for value in values.filter(|value| value.is_finite()) {
            match self.place(value).1 {
                Some(Side::Below) => {
                    beyond.lowest = Some(beyond.lowest.map_or(value, |low| low.min(value)));
                }
                Some(Side::Above) => {
                    beyond.highest = Some(beyond.highest.map_or(value, |high| high.max(value)));
                }
                None => continue,
            }
            beyond.count += 1;
        }
        (beyond.count > 0).then_some(beyond)
    }
}

impl std::fmt::Display for Beyond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "beyond the axis, ")?;
        match (self.lowest, self.highest) {
            (Some(low), Some(high)) => write!(f, "from {} to {}", number(low), number(high)),
            (Some(low), None) => write!(f, "down to {}", number(low)),
            (_, high) => write!(f, "up to {}", number(high.unwrap_or(f64::NAN))),
        }
    }
}

/// The points of a curve that can be drawn.
pub(crate) fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let is_finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    points.iter().copied().filter(is_finite)
}

/// The ends of the bulk of sorted values: all but a share `edge` at either end, at least one value
/// where there are four or more, and from there on all that lie within `reach` widths of it.
pub(crate) fn bulk(sorted: &[f64], edge: f64, reach: f64) -> Option<(f64, f64)> {
    let (&first, &last) = (sorted.first()?, sorted.last()?);
    if sorted.len() < 4 {
        return Some((first, last));
    }
    let left_out = ((edge * sorted.len() as f64) as usize).max(1);
    let (low, high) = (sorted[left_out], sorted[sorted.len() - 1 - left_out]);
    let room = reach * (high - low);
    let begin = sorted.partition_point(|&value| value < low - room);
    let end = sorted.partition_point(|&value| value <= high + room);
    Some((sorted[begin], sorted[end - 1]))
}

/// The range of curves of finite points, none of them empty.
fn extent(curves: &[Vec<(f64, f64)>], extent: Extent) -> Option<(f64, f64)> {
    let whole = ends(curves.iter().flatten().map(|(_, y)| *y))?;
    if extent == Extent::Whole {
        return Some(whole);
    }
    let (left, right) = ends(curves.iter().flatten().map(|(x, _)| *x))?;
    let begin = left + START * (right - left);
    let mut settled: Option<(f64, f64)> = None;
    for curve in curves {
        let late = curve.iter().filter(|(x, _)| *x >= begin);
        let mut late: Vec<f64> = late.map(|(_, y)| *y).collect();
        late.sort_unstable_by(f64::total_cmp);
        let last = curve.last().map(|(_, y)| (*y, *y));
        for (low, high) in bulk(&late, EDGE, REACH).into_iter().chain(last) {
            settled = Some(settled.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
        }
    }
    let settled = settled?;
    let width = settled.1 - settled.0;
    // What only ever departs from one value has nothing else to show.
    let shows_less = is_constant(settled.0, settled.1) || whole.1 - whole.0 <= WORTH * width;
    Some(if shows_less { whole } else { settled })
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(clamped).fold(None, |ends, value| {
        Some(ends.map_or((value, value), |(low, high): (f64, f64)| {
            (low.min(value), high.max(value))
        }))
    })
}

fn clamped(value: f64) -> f64 {
    value.clamp(-LARGEST, LARGEST)
}

/// Whether there is no width between two ends, up to rounding.
fn is_constant(low: f64, high: f64) -> bool {
    high - low <= (ROUNDING * low.abs().max(high.abs())).max(1.0 / LARGEST)
}

/// Half of the range around a constant.
fn half_width(value: f64) -> f64 {
    if value.abs() <= 1.0 / LARGEST {
        1.0
    } else {
        0.1 * value.abs()
    }
}

fn with_room(low: f64, high: f64) -> (f64, f64) {
    let room = if is_constant(low, high) {
        half_width(low)
    } else {
        ROOM * (high - low)
    };
    (low - room, high + room)
}

#[cfg(test)]
#[path = "axis_tests.rs"]
mod tests;

//! Axes as plotters takes them: a range with ticks and labels of our own.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::drawing::axis::Axis;

/// A range with a label at each of its ticks.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    /// Both ends, the lower first.
    pub(crate) range: Range<f64>,
    /// Where ticks are, and what stands at them.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl From<&Axis> for Scale {
    fn from(axis: &Axis) -> Self {
        let ticks = axis.ticks.iter();
        Self {
            range: axis.low..axis.high,
            ticks: ticks.map(|&tick| (tick, axis.label(tick))).collect(),
        }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(tick, _)| *tick).collect()
    }
}

impl ValueFormatter<f64> for Scale {
    fn format(value: &f64) -> String {
        value.to_string()
    }

    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(tick, _)| tick == value);
        tick.map_or_else(String::new, |(_, label)| label.clone())
    }
}

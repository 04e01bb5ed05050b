//! An interval of real numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The numbers between two ends, `[low, high]`; whoever takes one says whether the ends belong to
/// it and whether it may be empty.
///
/// Written and read as an array, `[low, high]`. What takes an interval takes an array too:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use ebm_ops::{Interval, Noise};
///
/// let pixels: Interval = [-1.0, 1.0].into();
/// assert_eq!(pixels, Interval::new(-1.0, 1.0));
/// assert_eq!((pixels.width(), pixels.middle()), (2.0, 0.0));
///
/// let start: Tensor<2> = Noise::new(7).uniform_in([100, 784], [-1.0, 1.0], &Device::flex());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// From `low` to `high`, whatever they are.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// `high - low`.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// `(low + high) / 2`.
    #[must_use]
    pub fn middle(self) -> f64 {
        (self.low + self.high) / 2.0
    }

    /// Whether `low <= value <= high`.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

impl From<(f64, f64)> for Interval {
    fn from((low, high): (f64, f64)) -> Self {
        Self { low, high }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(Interval { low, high }: Interval) -> Self {
        [low, high]
    }
}

impl From<Interval> for (f64, f64) {
    fn from(Interval { low, high }: Interval) -> Self {
        (low, high)
    }
}

/// `[low, high]`, both in the format that is asked for.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        self.low.fmt(f)?;
        f.write_str(", ")?;
        self.high.fmt(f)?;
        f.write_str("]")
    }
}

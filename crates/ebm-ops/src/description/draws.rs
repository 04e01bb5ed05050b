//! What random values are drawn from, and where in a stream.

use super::Interval;

/// Where in a stream a tensor's values are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The key of the stream.
    pub(crate) key: u64,
    /// The first block.
    pub(crate) first: u64,
}

/// What values are drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Distribution {
    /// Uniform on a range.
    Uniform(HalfOpen),
    /// Standard normal.
    Normal,
    /// Standard logistic.
    Logistic,
}

/// The range `[low, high)` that uniforms are mapped to, in f32.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfOpen {
    pub(crate) low: f32,
    pub(crate) width: f32,
    /// The largest value below `high`.
    pub(crate) top: f32,
}

impl HalfOpen {
    /// `[0, 1)`: the map is then the identity, bit for bit.
    pub(crate) const UNIT: Self = Self {
        low: 0.0,
        width: 1.0,
        top: 1.0_f32.next_down(),
    };

    /// `[low, high)`.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold or `high - low` isn't finite, both as f32.
    pub(crate) fn new(range: Interval) -> Self {
        let (low, high) = (range.low as f32, range.high as f32);
        assert!(
            low < high && (high - low).is_finite(),
            "uniforms need low < high and a finite range, found low = {low} and high = {high}"
        );
        Self {
            low,
            width: high - low,
            top: high.next_down(),
        }
    }
}

//! What was found of a partition function: one number, or several with their intervals.

use ebm_ops::Interval;
use serde::Serialize;

use super::error::JudgingError;

/// `log Z` in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum LogPartition {
    /// The sum over all states.
    Exact {
        /// `log Z`.
        log_partition: f64,
    },
    /// What somebody else found.
    Given {
        /// `log Z`.
        log_partition: f64,
    },
    /// Two estimates that bound it on average.
    Annealed {
        /// From the base distribution to the model: too small on average.
        forward: Bound,
        /// From samples of the model to the base distribution: too large on average, as far as they
        /// are exact samples. Without data nothing vouches for that, and that the two agree is no
        /// sign of it.
        reverse: Bound,
        /// Inverse temperatures, both ends included.
        temperatures: usize,
        /// Chains in each direction.
        chains: usize,
    },
}

/// One direction of annealing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// The estimate of `log Z`.
    pub log_partition: f64,
    /// Its approximate 95 % interval.
    pub interval: Interval,
    /// The mean of the log-weights in place of the logarithm of their mean: looser, and less
    /// variable.
    pub mean_bound: f64,
    /// How many equal weights these weights are worth. It knows nothing of modes that no chain has
    /// found.
    pub effective_sample_size: f64,
    /// Of the reverse direction without data: the samples that it starts at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<TemperedSamples>,
}

/// Samples of the model by parallel tempering, and what they say of `log Z`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemperedSamples {
    /// `log Z` by Bennett's acceptance ratio of neighbouring temperatures: an estimate that may be
    /// off either way.
    pub log_partition: f64,
    /// Its standard error, over chains that never met.
    pub standard_error: f64,
    /// Temperatures.
    pub temperatures: usize,
    /// How often replicas went from the base to the model and back, all chains together, in the
    /// second half of the sweeps.
    pub round_trips: usize,
    /// The lowest probability with which neighbouring temperatures swapped.
    pub lowest_swap_rate: f64,
}

impl TemperedSamples {
    /// The approximate 95 % interval.
    fn interval(&self) -> Interval {
        let half = 1.96 * self.standard_error;
        Interval::new(self.log_partition - half, self.log_partition + half)
    }
}

/// Whether numbers for `log Z` say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// All their intervals overlap, or the numbers lie within half a nat; and the intervals aren't
    /// wide.
    Close,
    /// So they do, but they are 5 nats wide or more, which would hold nearly anything.
    Vague,
    /// Neither do their intervals overlap, nor are they near each other.
    Apart,
}

/// Numbers no further apart than so many nats say the same, however narrow their intervals are.
const NEAR: f64 = 0.5;
/// Intervals that take in so many nats together say nothing.
const WIDEST: f64 = 5.0;

/// The lowest and the highest end of intervals.
fn hull(intervals: impl Iterator<Item = Interval>) -> Interval {
    let nothing = Interval::new(f64::INFINITY, f64::NEG_INFINITY);
    intervals.fold(nothing, |hull, x| {
        Interval::new(hull.low.min(x.low), hull.high.max(x.high))
    })
}

impl LogPartition {
    /// The estimate: exact, or that of the forward direction, as the literature reports it; without
    /// data that of parallel tempering, which finds more modes.
    pub fn value(&self) -> f64 {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => *log_partition,
            Self::Annealed { forward, .. } => {
                let samples = self.samples();
                samples.map_or(forward.log_partition, |samples| samples.log_partition)
            }
        }
    }

    /// The samples of the model that stand in for data, where there are none. The bounds have no
    /// common judge then: modes that neither has found are missing from both.
    pub fn samples(&self) -> Option<&TemperedSamples> {
        match self {
            Self::Annealed { reverse, .. } => reverse.samples.as_ref(),
            Self::Exact { .. } | Self::Given { .. } => None,
        }
    }

    /// How far the numbers for `log Z` are apart, in nats.
    pub fn spread(&self) -> f64 {
        let points = self.values().into_iter();
        hull(points.map(|value| Interval::new(value, value))).width()
    }

    /// Whether the numbers for `log Z` say the same.
    pub fn agreement(&self) -> Agreement {
        let intervals = self.intervals();
        let lowest_end = intervals
            .iter()
            .fold(f64::INFINITY, |end, x| end.min(x.high));
        let highest_start = intervals
            .iter()
            .map(|x| x.low)
            .fold(f64::NEG_INFINITY, f64::max);
        if self.spread() > NEAR && highest_start > lowest_end {
            Agreement::Apart
        } else if self.interval().width() < WIDEST {
            Agreement::Close
        } else {
            // Infinite too, of a single chain.
            Agreement::Vague
        }
    }

    /// Every number that is a `log Z`.
    fn values(&self) -> Vec<f64> {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => vec![*log_partition],
            Self::Annealed {
                forward, reverse, ..
            } => {
                let samples = self.samples().map(|samples| samples.log_partition);
                let bounds = [forward.log_partition, reverse.log_partition];
                bounds.into_iter().chain(samples).collect()
            }
        }
    }

    /// The 95 % interval of each of them.
    fn intervals(&self) -> Vec<Interval> {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => {
                vec![Interval::new(*log_partition, *log_partition)]
            }
            Self::Annealed {
                forward, reverse, ..
            } => {
                let samples = self.samples().map(TemperedSamples::interval);
                let bounds = [forward.interval, reverse.interval];
                bounds.into_iter().chain(samples).collect()
            }
        }
    }

    /// This, if it is made of numbers.
    pub(super) fn check(self) -> Result<Self, JudgingError> {
        if self.values().iter().all(|value| value.is_finite()) {
            Ok(self)
        } else {
            Err(JudgingError::NotFinite { what: "log Z" })
        }
    }

    /// From the lower end of the forward interval to the upper end of either, 95 % in each
    /// direction; without data with the interval of parallel tempering. [`value`](Self::value) lies
    /// in it.
    pub fn interval(&self) -> Interval {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => {
                Interval::new(*log_partition, *log_partition)
            }
            Self::Annealed {
                forward, reverse, ..
            } => {
                let upper = Interval::new(forward.interval.high, reverse.interval.high);
                let samples = self.samples().map(TemperedSamples::interval);
                hull([forward.interval, upper].into_iter().chain(samples))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(log_partition: f64, half: f64) -> Bound {
        Bound {
            log_partition,
            interval: Interval::new(log_partition - half, log_partition + half),
            mean_bound: log_partition,
            effective_sample_size: 50.0,
            samples: None,
        }
    }

    /// Forward and reverse, each with half of its interval, and an estimate of tempering with its
    /// standard error.
    fn annealed(
        forward: (f64, f64),
        reverse: (f64, f64),
        tempered: Option<(f64, f64)>,
    ) -> LogPartition {
        let mut reverse = bound(reverse.0, reverse.1);
        reverse.samples = tempered.map(|(log_partition, standard_error)| TemperedSamples {
            log_partition,
            standard_error,
            temperatures: 4,
            round_trips: 100,
            lowest_swap_rate: 0.5,
        });
        LogPartition::Annealed {
            forward: bound(forward.0, forward.1),
            reverse,
            temperatures: 100,
            chains: 10,
        }
    }

    #[test]
    fn the_interval_holds_the_value() {
        for tempered in [(10.0, 0.1), (12.0, 0.1), (8.0, 0.2), (10.0, 3.0)] {
            let found = annealed((10.0, 0.1), (10.1, 0.2), Some(tempered));
            let (Interval { low, high }, value) = (found.interval(), found.value());
            assert_eq!(value, tempered.0);
            let half = 1.96 * tempered.1;
            assert!(low <= value - half && value + half <= high, "{found:?}");
            assert!(low < 9.901 && high > 10.299, "{found:?}");
        }
        let Interval { low, high } = annealed((10.0, 0.1), (10.1, 0.2), None).interval();
        assert!((low - 9.9).abs() < 1e-12 && (high - 10.3).abs() < 1e-12);
    }

    #[test]
    fn a_vague_number_agrees_with_nothing() {
        let with = |error| annealed((10.0, 0.1), (10.1, 0.1), Some((10.0, error))).agreement();
        assert_eq!(with(0.1), Agreement::Close);
        assert_eq!(with(3.0), Agreement::Vague);
        assert_eq!(with(f64::INFINITY), Agreement::Vague);
        let wide = annealed((10.0, 3.0), (10.1, 0.1), None);
        assert_eq!(wide.agreement(), Agreement::Vague);
    }

    /// Bounds between which there is room don't agree because the room is counted as theirs.
    #[test]
    fn numbers_far_beyond_their_intervals_are_apart() {
        for tempered in [None, Some((10.0, 0.1))] {
            let found = annealed((10.0, 0.1), (13.0, 0.1), tempered);
            assert_eq!(found.agreement(), Agreement::Apart, "{tempered:?}");
        }
        let below = annealed((13.0, 0.1), (10.0, 0.1), None);
        assert_eq!(below.agreement(), Agreement::Apart);
        let missed = annealed((10.0, 0.1), (10.1, 0.1), Some((11.0, 0.1)));
        assert_eq!(missed.agreement(), Agreement::Apart);
        let near = annealed((10.0, 0.01), (10.4, 0.01), Some((10.2, 0.01)));
        assert_eq!(near.agreement(), Agreement::Close);
        let overlapping = annealed((10.0, 0.6), (11.0, 0.6), Some((10.5, 0.1)));
        assert_eq!(overlapping.agreement(), Agreement::Close);
        let exact = LogPartition::Exact { log_partition: 3.0 };
        assert_eq!(exact.agreement(), Agreement::Close);
    }
}

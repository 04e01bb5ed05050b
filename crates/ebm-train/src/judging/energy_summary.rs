//! How the energies of a set are spread.

use serde::Serialize;

/// How the energies of a set are spread, in their unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EnergySummary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with one degree of freedom taken by the mean.
    pub standard_deviation: f64,
    /// The smallest energy.
    pub min: f64,
    /// The energy below which lie 5 % of the set: as for all quantiles, the nearest rank.
    pub quantile_5: f64,
    /// The middle energy.
    pub median: f64,
    /// The energy below which lie 95 % of the set.
    pub quantile_95: f64,
    /// The largest energy.
    pub max: f64,
}

impl EnergySummary {
    /// Looks at energies; `None` if there are none.
    pub fn new(energies: &[f32]) -> Option<Self> {
        let mut sorted = energies.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let count = sorted.len() as f64;
        let mean = sorted.iter().map(|&e| f64::from(e)).sum::<f64>() / count;
        let squares = sorted.iter().map(|&e| (f64::from(e) - mean).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0).max(1.0);
        Some(Self {
            mean,
            standard_deviation: variance.sqrt(),
            min: f64::from(min),
            quantile_5: quantile(&sorted, 0.05),
            median: quantile(&sorted, 0.5),
            quantile_95: quantile(&sorted, 0.95),
            max: f64::from(max),
        })
    }
}

/// The value of the nearest rank: the smallest of rising values with at least this share, 0 to 1,
/// at or below it.
///
/// # Panics
///
/// If there are no values.
pub fn quantile<T: Copy + Into<f64>>(sorted: &[T], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_that_of_the_textbook() {
        assert_eq!(EnergySummary::new(&[]), None);
        let energies: Vec<f32> = (1..=20).rev().map(|e| e as f32).collect();
        let summary = EnergySummary::new(&energies);
        let expected = EnergySummary {
            mean: 10.5,
            // (n^2 - 1) / 12 n / (n - 1)
            standard_deviation: 35.0_f64.sqrt(),
            min: 1.0,
            quantile_5: 1.0,
            median: 10.0,
            quantile_95: 19.0,
            max: 20.0,
        };
        assert_eq!(summary, Some(expected));
        let one = EnergySummary::new(&[3.0]);
        assert_eq!(
            one.map(|one| (one.mean, one.standard_deviation, one.median)),
            Some((3.0, 0.0, 3.0))
        );
    }
}

//! Systematic resampling: one uniform for all copies.

/// Where the places `(offset + j) / count`, `j = 0..count`, fall in the cumulative weights: `count`
/// indices in ascending order.
///
/// The weights are not negative and at least one is positive, `0 <= offset < 1`. An index of weight
/// zero is never given.
pub(super) fn systematic(weights: &[f64], count: usize, offset: f64) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let last = weights
        .iter()
        .rposition(|&weight| weight > 0.0)
        .unwrap_or(0);
    let mut index = 0;
    let mut cumulative = weights[0];
    (0..count)
        .map(|j| {
            let place = (offset + j as f64) / count as f64 * total;
            // Rounding may carry a place to the total, hence the last.
            while cumulative <= place && index < last {
                index += 1;
                cumulative += weights[index];
            }
            index
        })
        .collect()
}

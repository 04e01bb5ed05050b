//! Whether numbers are what they should be, up to rounding or up to chance.

/// Fails where `found` and `expected` differ by more than `tolerance * max(1, |expected|)`.
///
/// # Panics
///
/// If they do, or if the lengths differ.
pub fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        // A NaN must fail, hence no `>`.
        assert!(
            (found - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{what}, element {i}: found {found}, expected {expected}"
        );
    }
}

/// Fails where a value that should be `expected` with the standard error `error` is off by more
/// than five of them: false-positive rate 5.7e-7.
///
/// # Panics
///
/// If it is.
pub fn assert_within_error(found: f64, expected: f64, error: f64, what: &str) {
    let z = (found - expected) / error;
    assert!(
        z.abs() < 5.0,
        "{what}: found {found}, expected {expected} +- {error}, z = {z}"
    );
}

/// Mean and unbiased variance.
pub fn moments(sample: &[f64]) -> (f64, f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let squares: f64 = sample.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
}

/// Pearson's chi-square of counts, cells of fewer than 10 expected taken together, and the number
/// of cells.
///
/// # Panics
///
/// If something impossible happened.
pub fn chi_square(counts: &[f64], probabilities: &[f64]) -> (f64, f64) {
    let total: f64 = counts.iter().sum();
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut rare, mut rare_expected) = (0.0, 0.0);
    for (&found, probability) in counts.iter().zip(probabilities) {
        let expected = probability * total;
        assert!(expected > 0.0 || found == 0.0, "the impossible happened");
        if expected < 10.0 {
            rare += found;
            rare_expected += expected;
        } else {
            statistic += (found - expected) * (found - expected) / expected;
            cells += 1.0;
        }
    }
    if rare_expected >= 10.0 {
        statistic += (rare - rare_expected) * (rare - rare_expected) / rare_expected;
        cells += 1.0;
    }
    (statistic, cells)
}

/// Fails where a chi-square statistic is surprisingly large: five standard errors by the normal
/// approximation of Wilson and Hilferty, false-positive rate 2.9e-7.
///
/// # Panics
///
/// If it is.
pub fn assert_chi_square(statistic: f64, freedom: f64, what: &str) {
    let variance = 2.0 / (9.0 * freedom);
    let z = ((statistic / freedom).cbrt() - (1.0 - variance)) / variance.sqrt();
    assert!(
        z < 5.0,
        "{what}: chi-square {statistic} at {freedom}, z = {z}"
    );
}

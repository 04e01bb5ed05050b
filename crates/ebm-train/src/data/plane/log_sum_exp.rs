//! The logarithm of a sum of exponentials.

/// `log sum exp`, safe where every exponent is far below zero.
pub(super) fn log_sum_exp(exponents: &[f64]) -> f64 {
    let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = exponents.iter().map(|e| (e - largest).exp()).sum();
    largest + sum.ln()
}

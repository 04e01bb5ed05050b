//! Functions of numbers in f64.

use std::borrow::Borrow;

/// `a . b`.
///
/// # Panics
///
/// If the lengths differ.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))`, without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `ln sum_k exp(terms_k)`, without overflow.
pub fn log_sum_exp<I: IntoIterator<Item: Borrow<f64>>>(terms: I) -> f64 {
    let terms: Vec<f64> = terms.into_iter().map(|term| *term.borrow()).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
    largest + sum.ln()
}

/// Distribution function of the standard normal, by Marsaglia's series (Journal of Statistical
/// Software 11(4), 2004).
pub fn phi(z: f64) -> f64 {
    if z.abs() > 9.0 {
        // Beyond the precision of an f64; the series would overflow.
        return f64::from(u8::from(z > 0.0));
    }
    let (mut sum, mut term, mut k) = (z, z, 1.0);
    while term.abs() > 1e-17 {
        k += 2.0;
        term *= z * z / k;
        sum += term;
    }
    0.5 + sum * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

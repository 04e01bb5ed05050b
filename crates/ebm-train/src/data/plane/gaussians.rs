//! Eight Gaussians of equal weight, evenly on a circle of radius 1.

use std::f64::consts::{PI, TAU};

use super::log_sum_exp::log_sum_exp;

const COMPONENTS: usize = 8;

/// The centre of a Gaussian that a uniform number chooses.
pub(super) fn place([which, _]: [f64; 2]) -> [f64; 2] {
    center((which * COMPONENTS as f64) as usize)
}

/// The centre of one of the Gaussians.
fn center(index: usize) -> [f64; 2] {
    let (sin, cos) = (index as f64 / COMPONENTS as f64 * TAU).sin_cos();
    [cos, sin]
}

/// The log-density, of a mixture of normal distributions.
pub(super) fn log_density(x: [f64; 2], noise: f64) -> f64 {
    let exponents: [f64; COMPONENTS] = std::array::from_fn(|index| {
        let center = center(index);
        let square = (x[0] - center[0]).powi(2) + (x[1] - center[1]).powi(2);
        -0.5 * square / (noise * noise)
    });
    log_sum_exp(&exponents) - (COMPONENTS as f64).ln() - (2.0 * PI * noise * noise).ln()
}

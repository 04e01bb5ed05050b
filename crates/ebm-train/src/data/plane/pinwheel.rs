//! The pinwheel: five arms along the axis, each turned by an angle that grows with the distance
//! from the origin.

use std::f64::consts::{PI, TAU};

use super::log_sum_exp::log_sum_exp;

/// Number of arms.
const ARMS: usize = 5;
/// Mean and standard deviation along an arm.
const ALONG: (f64, f64) = (0.7, 0.2);
/// The angle of the twist at the origin, in radians.
const TWIST: f64 = 0.25;

/// The angle by which a point at this distance is turned.
fn twist(radius: f64) -> f64 {
    TWIST * (radius / ALONG.0).exp()
}

/// A point, from an arm's number as a uniform number and two normal ones.
pub(super) fn point([arm, _]: [f64; 2], [along, across]: [f64; 2], noise: f64) -> [f32; 2] {
    let arm = (arm * ARMS as f64).floor();
    let (x, y) = (ALONG.0 + ALONG.1 * along, noise * across);
    let (sin, cos) = (arm / ARMS as f64 * TAU + twist(x.hypot(y))).sin_cos();
    [(cos * x - sin * y) as f32, (sin * x + cos * y) as f32]
}

/// The log-density: turned back, a point of each arm is normal, and a turn by an angle that depends
/// on the distance alone has Jacobian 1.
pub(super) fn log_density([x, y]: [f64; 2], noise: f64) -> f64 {
    let back = twist(x.hypot(y));
    let exponents: [f64; ARMS] = std::array::from_fn(|arm| {
        let (sin, cos) = (arm as f64 / ARMS as f64 * TAU + back).sin_cos();
        let (along, across) = (cos * x + sin * y, cos * y - sin * x);
        -0.5 * (((along - ALONG.0) / ALONG.1).powi(2) + (across / noise).powi(2))
    });
    log_sum_exp(&exponents) - (ARMS as f64).ln() - (2.0 * PI * ALONG.1 * noise).ln()
}

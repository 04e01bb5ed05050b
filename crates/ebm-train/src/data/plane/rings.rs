//! The rings: three circles around the origin, along which points are uniform.

use std::f64::consts::TAU;

use super::arcs::Arc;

/// The radii of the circles.
pub(super) const RADII: [f64; 3] = [0.4, 0.8, 1.2];

/// A uniform place on the rings: the first number chooses the ring, in proportion to its length.
pub(super) fn place([which, turn]: [f64; 2]) -> [f64; 2] {
    let total: f64 = RADII.iter().sum();
    let mut rest = which * total;
    let radius = RADII
        .into_iter()
        .find(|radius| {
            rest -= radius;
            rest < 0.0
        })
        .unwrap_or(RADII[RADII.len() - 1]);
    let (sin, cos) = (turn * TAU).sin_cos();
    [radius * cos, radius * sin]
}

/// The circles with their shares of the points.
pub(super) fn arcs() -> Vec<Arc> {
    let total: f64 = RADII.iter().sum();
    let ring = |radius: f64| Arc {
        center: [0.0, 0.0],
        radius,
        from: 0.0,
        to: TAU,
        weight: radius / total,
    };
    RADII.map(ring).to_vec()
}

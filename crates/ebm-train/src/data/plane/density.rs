//! The true densities of the problems of the plane.

use std::f64::consts::{PI, TAU};

use super::arcs::Arc;
use super::normal::mass_between;
use super::{COMPONENTS, Plane, PlaneProblem, RING_RADII, component, occupied, pinwheel};

/// Noise below this leaves curves, not densities.
const LEAST_NOISE: f64 = 1e-3;

/// The density of a [`Plane`], normalised, in f64 on the host.
///
/// Gaussians and pinwheel are mixtures of (twisted) normal distributions; the checkerboard is a mixture of squares whose edges are
/// normal distribution functions; moons and rings are arcs blurred by noise, an integral over the arc taken to a
/// relative error below 1e-8 within ten standard deviations of the noise.
#[derive(Debug, Clone)]
pub struct PlaneDensity {
    kind: Kind,
    noise: f64,
}

#[derive(Debug, Clone)]
enum Kind {
    Arcs(Vec<Arc>),
    /// Lower left corners and the side.
    Squares(Vec<[f64; 2]>, f64),
    Pinwheel,
    Gaussians,
}

impl PlaneDensity {
    pub(super) fn of(plane: &Plane) -> Option<Self> {
        let mut noise = plane.noise();
        if noise < LEAST_NOISE && plane.problem() != PlaneProblem::Checkerboard {
            return None;
        }
        let kind = match plane.problem() {
            PlaneProblem::TwoMoons => {
                // As `two_moons` scales them.
                noise /= 1.5;
                let moon = |x: f64, y: f64, from: f64| Arc {
                    center: [(x - 0.5) / 1.5, (y - 0.25) / 1.5],
                    radius: 1.0 / 1.5,
                    from,
                    to: from + PI,
                    weight: 0.5,
                };
                Kind::Arcs(vec![moon(0.0, 0.0, 0.0), moon(1.0, 0.5, PI)])
            }
            PlaneProblem::Rings => {
                let total: f64 = RING_RADII.iter().sum();
                let ring = |radius: f64| Arc {
                    center: [0.0, 0.0],
                    radius,
                    from: 0.0,
                    to: TAU,
                    weight: radius / total,
                };
                Kind::Arcs(RING_RADII.map(ring).to_vec())
            }
            PlaneProblem::Checkerboard => {
                let (corners, side) = occupied();
                Kind::Squares(corners.collect(), side)
            }
            PlaneProblem::Pinwheel => Kind::Pinwheel,
            PlaneProblem::Gaussians => Kind::Gaussians,
        };
        Some(Self { kind, noise })
    }

    /// `log p(x)` in nats, for points in units of the plane; minus infinity where there is no mass.
    pub fn log_density(&self, x: [f64; 2]) -> f64 {
        let noise = self.noise;
        match &self.kind {
            Kind::Arcs(arcs) => {
                let terms: Vec<f64> = arcs.iter().map(|arc| arc.log_density(x, noise)).collect();
                log_sum_exp(&terms)
            }
            Kind::Squares(corners, side) => {
                let sum: f64 = corners
                    .iter()
                    .map(|corner| {
                        edge(x[0] - corner[0], *side, noise) * edge(x[1] - corner[1], *side, noise)
                    })
                    .sum();
                (sum / corners.len() as f64).ln()
            }
            Kind::Pinwheel => pinwheel::log_density(x, noise),
            Kind::Gaussians => {
                let exponents: [f64; COMPONENTS] = std::array::from_fn(|index| {
                    let center = component(index);
                    let square = (x[0] - center[0]).powi(2) + (x[1] - center[1]).powi(2);
                    -0.5 * square / (noise * noise)
                });
                log_sum_exp(&exponents) - (COMPONENTS as f64).ln() - (2.0 * PI * noise * noise).ln()
            }
        }
    }
}

/// The density at `x` of a uniform number from 0 to `side` plus noise.
fn edge(x: f64, side: f64, noise: f64) -> f64 {
    if noise == 0.0 {
        return f64::from(u8::from((0.0..side).contains(&x))) / side;
    }
    mass_between((x - side) / noise, x / noise) / side
}

/// `log sum exp`, safe where every exponent is far below zero.
pub(super) fn log_sum_exp(exponents: &[f64]) -> f64 {
    let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = exponents.iter().map(|e| (e - largest).exp()).sum();
    largest + sum.ln()
}

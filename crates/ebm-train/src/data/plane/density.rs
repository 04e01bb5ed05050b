//! The true densities of the problems of the plane.

use super::arcs::Arc;
use super::log_sum_exp::log_sum_exp;
use super::problem::PlaneProblem;
use super::{checkerboard, gaussians, pinwheel, rings, two_moons};

/// Noise below this leaves curves, not densities.
const LEAST_NOISE: f64 = 1e-3;

/// The density of a [`Plane`](super::Plane), normalised, in f64 on the host.
///
/// Gaussians and pinwheel are mixtures of (twisted) normal distributions; the checkerboard is a
/// mixture of squares whose edges are normal distribution functions; moons and rings are arcs
/// blurred by noise, an integral over the arc taken to a relative error below 1e-8 within ten
/// standard deviations of the noise.
#[derive(Debug, Clone)]
pub struct PlaneDensity {
    kind: Kind,
    noise: f64,
}

#[derive(Debug, Clone)]
enum Kind {
    Arcs(Vec<Arc>),
    /// The logarithm at a point with noise of this standard deviation.
    Function(fn([f64; 2], f64) -> f64),
}

impl PlaneDensity {
    /// The density of a problem with noise; `None` where points lie on curves.
    pub(super) fn of(problem: PlaneProblem, noise: f64) -> Option<Self> {
        if noise < LEAST_NOISE && problem != PlaneProblem::Checkerboard {
            return None;
        }
        let (kind, noise) = match problem {
            PlaneProblem::TwoMoons => {
                let (arcs, noise) = two_moons::arcs(noise);
                (Kind::Arcs(arcs), noise)
            }
            PlaneProblem::Rings => (Kind::Arcs(rings::arcs()), noise),
            PlaneProblem::Checkerboard => (Kind::Function(checkerboard::log_density), noise),
            PlaneProblem::Pinwheel => (Kind::Function(pinwheel::log_density), noise),
            PlaneProblem::Gaussians => (Kind::Function(gaussians::log_density), noise),
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
            Kind::Function(log_density) => log_density(x, noise),
        }
    }
}

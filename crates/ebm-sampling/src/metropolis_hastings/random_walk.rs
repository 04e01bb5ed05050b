//! Random walks: proposals around where a chain is, Gaussian or uniform, whatever the energy.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::MetropolisHastings;
use super::proposal::Proposal;
use super::state::EnergyState;

/// Random-walk Metropolis with a Gaussian proposal; BlackJAX's
/// `additive_step_random_walk.normal_random_walk`.
pub type RandomWalkMetropolis = MetropolisHastings<GaussianWalk>;

/// `x' = x + scale * z`, `z ~ N(0, 1)` (Metropolis et al. 1953).
///
/// Symmetric, so the log-ratio is 0. Positions are `[batch, ..]`, and all values of a configuration
/// move at once. Many values at once are efficient where about 23 % are accepted, one value where
/// 44 % are (Roberts, Gelman & Gilks 1997).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianWalk {
    /// Standard deviation of the proposal, positive, in units of x.
    pub scale: f64,
}

/// `x' = x + u`, `u` uniform in the box `[-half_width, half_width)` of each value.
///
/// Symmetric, so the log-ratio is 0, but for its resolution: `u` is a multiple of
/// `half_width 2^-23`, and the box has its lower edge but not its upper one, a drift of
/// `half_width 2^-24` a step. Positions are `[batch, ..]`, and all values of a configuration move
/// at once (Metropolis et al. 1953, whose particles moved one by one).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UniformWalk {
    /// Half the width of the box, positive, in units of x.
    pub half_width: f64,
}

impl MetropolisHastings<GaussianWalk> {
    /// A random walk of this scale at temperature 1, without bounds.
    pub fn new(scale: f64) -> Self {
        Self::proposing(GaussianWalk { scale })
    }
}

impl<E: Energy<D>, const D: usize> Proposal<E, D> for GaussianWalk {
    type State = EnergyState<D>;

    fn propose(&self, from: &EnergyState<D>, _: f64, noise: &mut Noise) -> Tensor<D> {
        let position = from.position.clone();
        let z: Tensor<D> = noise.normal(position.shape(), &position.device());
        position + z.mul_scalar(self.scale)
    }
}

impl<E: Energy<D>, const D: usize> Proposal<E, D> for UniformWalk {
    type State = EnergyState<D>;

    fn propose(&self, from: &EnergyState<D>, _: f64, noise: &mut Noise) -> Tensor<D> {
        let position = from.position.clone();
        let range = [-self.half_width, self.half_width];
        let u: Tensor<D> = noise.uniform_in(position.shape(), range, &position.device());
        position + u
    }
}

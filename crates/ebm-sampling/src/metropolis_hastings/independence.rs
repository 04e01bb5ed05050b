//! The independence sampler: proposals from a fixed density, wherever the chain is.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::proposal::Proposal;
use super::state::EnergyState;
use crate::density::Density;

/// `x' ~ q`, whatever `x` is (Hastings 1970; Tierney 1994); the log-ratio is
/// `log q(x) - log q(x')`, so that a proposal is accepted with probability `min(1, w(x') / w(x))`,
/// `w = exp(-E / T) / q`.
///
/// Use it where `q` is close to the target and has tails that are not lighter: the chain is
/// uniformly ergodic exactly where `exp(-E) / q` is bounded (Mengersen & Tweedie 1996), and is
/// stuck for long where that ratio is large. A chain that starts where `q` is zero stays there, as
/// the way back has no probability.
///
/// # Shapes
///
/// Positions are `[batch, ..]`, of the shape that the density draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Independence<Q> {
    /// What proposals are drawn from.
    pub density: Q,
}

impl<E: Energy<D>, Q: Density<D>, const D: usize> Proposal<E, D> for Independence<Q> {
    type State = EnergyState<D>;

    fn propose(&self, from: &EnergyState<D>, _: f64, noise: &mut Noise) -> Tensor<D> {
        self.density.draw(from.position.dims()[0], noise)
    }

    fn log_ratio(&self, from: &EnergyState<D>, to: &EnergyState<D>, _: f64) -> Option<Tensor<1>> {
        let energy = |state: &EnergyState<D>| self.density.energy(state.position.clone()).inner();
        Some(energy(to) - energy(from))
    }
}

//! Bit flips: proposals for states of two-valued units.

use burn::tensor::Tensor;
use ebm_models::{Coding, Energy};
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::accept::per_chain;
use super::proposal::Proposal;
use super::state::EnergyState;

/// Flips `flips` units of each chain, every set of so many equally likely.
///
/// Symmetric. With one flip this is the Metropolis algorithm of the Ising model with random sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BitFlips {
    /// How many units change, at least 1.
    pub flips: usize,
    /// The two values of a unit.
    pub coding: Coding,
}

impl<E: Energy<D>, const D: usize> Proposal<E, D> for BitFlips {
    type State = EnergyState<D>;

    /// # Panics
    ///
    /// If a state has fewer units than are flipped, or none are.
    fn propose(&self, from: &EnergyState<D>, _: f64, noise: &mut Noise) -> Tensor<D> {
        let position = from.position.clone();
        let shape = position.shape();
        let device = position.device();
        let states = per_chain(position);
        let [batch, units] = states.dims();
        assert!(
            (1..=units).contains(&self.flips),
            "{} units can't be flipped of {units}",
            self.flips
        );
        // The units with the smallest of independent uniforms. Where two are equal (2^-24 a pair) one more may flip,
        // which is as symmetric, since the choice doesn't depend on the state.
        let keys: Tensor<2> = noise.uniform([batch, units], &device);
        let largest = keys
            .clone()
            .neg()
            .topk(self.flips, 1)
            .min_dim(1)
            .neg()
            .expand([batch, units]);
        let flipped = keys.lower_equal(largest);
        let other = states
            .clone()
            .neg()
            .add_scalar(self.coding.low() + self.coding.high());
        states.mask_where(flipped, other).reshape(shape)
    }
}

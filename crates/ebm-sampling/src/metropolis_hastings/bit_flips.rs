//! Bit flips: proposals for states of two-valued units.

use burn::tensor::{Bool, Tensor, TensorData};
use ebm_models::{Coding, Energy};
use ebm_ops::{Noise, per_chain};
use serde::{Deserialize, Serialize};

use super::proposal::Proposal;
use super::state::EnergyState;

/// Flips `flips` units of each chain, every set of so many equally likely:
/// `q(x' | x) = 1 / C(units, flips)` for each `x'` at that Hamming distance.
///
/// Symmetric, so the log-ratio is 0. With one flip this is the Metropolis algorithm of the Ising
/// model with random sites (Metropolis et al. 1953; Newman & Barkema 1999, section 3.1). Chains
/// that always flip an even number of units keep the parity of their state for ever: with an even
/// `flips` they reach one half of the states only.
///
/// # Shapes
///
/// States are `[batch, ..]` and hold the two values of the coding and no others. The units to flip
/// are chosen on the host, so that nothing is sorted or read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BitFlips {
    /// How many units change, from 1 to the number of units.
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
        let shape = from.position.shape();
        let states = per_chain(from.position.clone());
        let [batch, units] = states.dims();
        assert!(
            (1..=units).contains(&self.flips),
            "{} units can't be flipped of {units}",
            self.flips
        );
        let mut flipped = vec![false; batch * units];
        for chain in flipped.chunks_mut(units) {
            for unit in noise.choose(self.flips, units) {
                chain[unit] = true;
            }
        }
        let flipped = TensorData::new(flipped, [batch, units]);
        let flipped = Tensor::<2, Bool>::from_data(flipped, &states.device());
        let sum = self.coding.low() + self.coding.high();
        let other = states.clone().neg().add_scalar(sum);
        states.mask_where(flipped, other).reshape(shape)
    }
}

//! Units of one block seen through noise: what is known of them tilts their fields.

use burn::tensor::Tensor;
use ebm_models::{BlockConditional, Conditional};

/// An energy with what an observation says of the units of one block: `E(x) - sum_i z_i x_i`, with
/// a field `z` for each chain.
///
/// Given the other blocks, the units of the block stay independent and only their fields change, so
/// that [`BlockGibbs`](crate::gibbs::BlockGibbs) draws from the posterior
/// `p(x | y) ∝ p(x) p(y | x)` as it draws from `p(x)`. Unlike units that are
/// [clamped](crate::conditioning::ClampedBlockGibbs), they may differ from what was observed.
#[derive(Clone, Debug)]
pub struct ObservedBlock<E> {
    energy: E,
    block: usize,
    fields: Tensor<2>,
}

impl<E: BlockConditional> ObservedBlock<E> {
    /// Two-valued units of which each was observed wrongly with a probability `p`, independently of
    /// the others (a binary symmetric channel): `z_i = T log((1 - p) / p) (2 y_i - 1)`, for chains
    /// at temperature `T`, at which `p(x) ∝ exp(-E(x) / T)`.
    ///
    /// # Shapes
    ///
    /// - `observed`: `[batch, units of the block]`, 0 or 1
    ///
    /// # Panics
    ///
    /// If `p` isn't between 0 and 1 (both excluded), the temperature isn't positive and finite, or
    /// the block hasn't so many units.
    pub fn flipped(
        energy: E,
        block: usize,
        observed: Tensor<2>,
        probability: f64,
        temperature: f64,
    ) -> Self {
        assert!(
            probability > 0.0 && probability < 1.0,
            "units are flipped with a probability between 0 and 1, found {probability}"
        );
        assert!(
            temperature > 0.0 && temperature.is_finite(),
            "a temperature must be above 0, found {temperature}"
        );
        let units = energy.block_sizes().get(block).copied();
        assert_eq!(
            units,
            Some(observed.dims()[1]),
            "block {block} has {units:?} units, but {} were observed",
            observed.dims()[1]
        );
        let strength = temperature * ((1.0 - probability) / probability).ln();
        let fields = observed.inner().mul_scalar(2.0 * strength) - strength;
        Self {
            energy,
            block,
            fields,
        }
    }
}

impl<E: BlockConditional> BlockConditional for ObservedBlock<E> {
    fn block_sizes(&self) -> Vec<usize> {
        self.energy.block_sizes()
    }

    fn sweep(&self) -> Vec<usize> {
        self.energy.sweep()
    }

    fn conditional(&self, block: usize, states: &[Tensor<2>]) -> Conditional {
        let given = self.energy.conditional(block, states);
        if block != self.block {
            return given;
        }
        match given {
            Conditional::Bernoulli(field) => Conditional::Bernoulli(field + self.fields.clone()),
            Conditional::Gaussian(field) => Conditional::Gaussian(field + self.fields.clone()),
        }
    }

    fn joint_energy(&self, states: &[Tensor<2>]) -> Tensor<1> {
        let said = (states[self.block].clone() * self.fields.clone()).sum_dim(1);
        self.energy.joint_energy(states) - said.squeeze_dim(1)
    }
}

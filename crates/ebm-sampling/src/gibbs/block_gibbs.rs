//! Block Gibbs sampling: every block of units redrawn exactly, given the others.

use burn::tensor::Tensor;
use ebm_models::{BlockConditional, Conditional};
use ebm_ops::Noise;

use crate::kernel::{Kernel, StepInfo};

/// One sweep: each block in turn is drawn from its distribution given the others (Geman & Geman
/// 1984), at the temperature `T`, i.e. from `exp(-E / T)`.
///
/// The energy is a [`BlockConditional`], for a layered machine its
/// [`layers()`](ebm_models::LayeredMachine::layers). Of the position only the blocks that are
/// redrawn last count: a sweep of a layered machine draws odd layers first, given the even ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockGibbs {
    /// Temperature in nats, above 0.
    pub temperature: f64,
}

impl Default for BlockGibbs {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

impl BlockGibbs {
    /// One block drawn from its distribution given the others: `[batch, units]`.
    pub(crate) fn redraw<E: BlockConditional>(
        &self,
        energy: &E,
        block: usize,
        states: &[Tensor<2>],
        noise: &mut Noise,
    ) -> Tensor<2> {
        match energy.conditional(block, states) {
            units if self.temperature == 1.0 => draw(units, noise),
            Conditional::Bernoulli(field) => {
                noise.bernoulli_logits(field.div_scalar(self.temperature))
            }
            Conditional::Gaussian(mean) => {
                let z: Tensor<2> = noise.normal(mean.shape(), &mean.device());
                mean + z.mul_scalar(self.temperature.sqrt())
            }
        }
    }
}

impl<E: BlockConditional> Kernel<E, Vec<Tensor<2>>> for BlockGibbs {
    type State = Vec<Tensor<2>>;

    fn init(&self, energy: &E, position: Vec<Tensor<2>>) -> Self::State {
        check_blocks(energy, &position);
        position.into_iter().map(Tensor::inner).collect()
    }

    fn step(
        &self,
        energy: &E,
        mut states: Self::State,
        noise: &mut Noise,
    ) -> (Self::State, StepInfo) {
        for block in energy.sweep() {
            states[block] = self.redraw(energy, block, &states, noise);
        }
        (states, StepInfo::default())
    }

    fn position(&self, states: &Self::State) -> Vec<Tensor<2>> {
        states.clone()
    }
}

/// Units drawn from their distribution.
pub(crate) fn draw(units: Conditional, noise: &mut Noise) -> Tensor<2> {
    match units {
        Conditional::Bernoulli(field) => noise.bernoulli_logits(field),
        Conditional::Gaussian(mean) => {
            let z: Tensor<2> = noise.normal(mean.shape(), &mean.device());
            mean + z
        }
    }
}

/// # Panics
///
/// If there isn't one state a block, with its units.
pub(crate) fn check_blocks<E: BlockConditional>(energy: &E, states: &[Tensor<2>]) {
    let expected = energy.block_sizes();
    let found: Vec<usize> = states.iter().map(|state| state.dims()[1]).collect();
    assert_eq!(
        found, expected,
        "the states have blocks of {found:?} units, but the energy has blocks of {expected:?}"
    );
}

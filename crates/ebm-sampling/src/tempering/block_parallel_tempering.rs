//! Parallel tempering of machines with blocks of units: all replicas are redrawn in one batch.

use burn::tensor::{Tensor, TensorData};
use ebm_models::{BlockConditional, Conditional};
use ebm_ops::Noise;

use super::ladder::{InvalidLadder, Ladder};
use super::swaps::Swaps;
use crate::gibbs::check_blocks;
use crate::kernel::{Kernel, StepInfo};

/// Block Gibbs sampling of `exp(-b_t E)` at inverse temperatures `1 = b_0 > b_1 > ... >= 0`, and
/// after each sweep swaps of neighbours, accepted with probability
/// `min(1, exp((b_t - b_{t+1}) (E_t - E_{t+1})))` (Swendsen & Wang 1986; for restricted Boltzmann
/// machines Desjardins et al. 2010). First the pairs (0, 1), (2, 3), ... are proposed, then (1, 2),
/// (3, 4), ...: deterministic pairs carry replicas faster than random ones (Syed et al. 2022).
///
/// All temperatures are one batch: a step takes the products of one sweep and one energy. Energies
/// of any other kind are tempered by [`ParallelTempering`](crate::tempering::ParallelTempering).
///
/// # Shapes
///
/// All replicas of all chains are rows of one batch, temperature by temperature:
/// `[temperatures * chains, units]`. The first `chains` rows are the samples of the model
/// ([`Ladder::cold`]). [`StepInfo::swapped`] is `[temperatures - 1, chains]`;
/// [`Run::swap_rates`](crate::Run::swap_rates) are its means over a run.
///
/// An inverse temperature of 0 is for binary units only: for Gaussian units there is no such
/// distribution, and chains there become infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockParallelTempering {
    ladder: Ladder,
}

/// Replicas of a [`BlockParallelTempering`].
#[derive(Clone, Debug)]
pub struct BlockParallelTemperingState {
    /// For each block the units of all rows: `[temperatures * chains, units]`.
    blocks: Vec<Tensor<2>>,
    /// For each row its inverse temperature: `[temperatures * chains, 1]`.
    inverse_temperatures: Tensor<2>,
    swaps: Swaps,
}

impl From<Ladder> for BlockParallelTempering {
    fn from(ladder: Ladder) -> Self {
        Self { ladder }
    }
}

impl BlockParallelTempering {
    /// A ladder of inverse temperatures.
    ///
    /// # Errors
    ///
    /// If it has fewer than two, doesn't start at 1, doesn't fall, or falls below 0.
    pub fn new(inverse_temperatures: Vec<f64>) -> Result<Self, InvalidLadder> {
        Ladder::new(inverse_temperatures).map(Self::from)
    }

    /// `count` inverse temperatures from 1 down to `lowest`, evenly spaced.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn linear(count: usize, lowest: f64) -> Result<Self, InvalidLadder> {
        Ladder::linear(count, lowest).map(Self::from)
    }

    /// The inverse temperatures.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The number of temperatures, and of replicas a chain.
    pub fn temperatures(&self) -> usize {
        self.ladder.temperatures()
    }
}

impl<E: BlockConditional> Kernel<E, Vec<Tensor<2>>> for BlockParallelTempering {
    type State = BlockParallelTemperingState;

    /// # Panics
    ///
    /// If the rows aren't a whole number of chains.
    fn init(&self, energy: &E, position: Vec<Tensor<2>>) -> Self::State {
        check_blocks(energy, &position);
        let rows = position[0].dims()[0];
        let chains = self.ladder.chains(rows);
        let blocks: Vec<Tensor<2>> = position.into_iter().map(Tensor::inner).collect();
        let device = blocks[0].device();
        let values = self.ladder.values().iter();
        let inverse_temperatures: Vec<f32> = values
            .flat_map(|&beta| std::iter::repeat_n(beta as f32, chains))
            .collect();
        BlockParallelTemperingState {
            blocks,
            inverse_temperatures: Tensor::from_data(
                TensorData::new(inverse_temperatures, [rows, 1]),
                &device,
            ),
            swaps: Swaps::new(&self.ladder, &device),
        }
    }

    fn step(
        &self,
        energy: &E,
        mut state: Self::State,
        noise: &mut Noise,
    ) -> (Self::State, StepInfo) {
        let beta = &state.inverse_temperatures;
        for block in energy.sweep() {
            state.blocks[block] = match energy.conditional(block, &state.blocks) {
                Conditional::Bernoulli(field) => noise.bernoulli_logits(field * beta.clone()),
                Conditional::Gaussian(mean) => {
                    let z: Tensor<2> = noise.normal(mean.shape(), &mean.device());
                    mean + z / beta.clone().sqrt()
                }
            };
        }
        let mut energies = energy.joint_energy(&state.blocks);
        let swapped = state.swaps.apply(&mut energies, &mut state.blocks, noise);
        let info = StepInfo {
            swapped: Some(swapped.accepted),
            swap_probability: Some(swapped.probability),
            ..StepInfo::default()
        };
        (state, info)
    }

    fn position(&self, state: &Self::State) -> Vec<Tensor<2>> {
        state.blocks.clone()
    }
}

//! Block Gibbs sampling with some units clamped: the others are redrawn given them.

use burn::tensor::{Bool, Tensor};
use ebm_models::BlockConditional;
use ebm_ops::Noise;

use super::mask;
use crate::gibbs::{BlockGibbs, check_blocks};
use crate::kernel::{Kernel, StepInfo};

/// [`BlockGibbs`] whose clamped units keep the values that they start with, bit for bit.
///
/// The units of a block are independent given the other blocks, so the distribution of its free
/// units doesn't depend on its clamped ones: each block is redrawn whole, and then its clamped
/// units get their values back. `p(free | clamped)` is stationary exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct ClampedBlockGibbs {
    gibbs: BlockGibbs,
    /// For some blocks which of their units are free.
    free: Vec<(usize, Vec<bool>)>,
}

impl ClampedBlockGibbs {
    /// Nothing is clamped yet.
    pub fn new(gibbs: BlockGibbs) -> Self {
        Self {
            gibbs,
            free: Vec::new(),
        }
    }

    /// Clamps the units of a block where `free` is false; the visible units of a layered machine
    /// are block 0.
    pub fn with_free(mut self, block: usize, free: &[bool]) -> Self {
        self.free.retain(|(other, _)| *other != block);
        self.free.push((block, free.to_vec()));
        self
    }
}

/// States of all blocks, and what is clamped in them.
#[derive(Clone, Debug)]
pub struct ClampedBlockGibbsState {
    blocks: Vec<Tensor<2>>,
    /// For each block that isn't wholly free where it is clamped and at what: `[batch, units]`
    /// each.
    clamped: Vec<Option<(Tensor<2, Bool>, Tensor<2>)>>,
}

impl<E: BlockConditional> Kernel<E, Vec<Tensor<2>>> for ClampedBlockGibbs {
    type State = ClampedBlockGibbsState;

    /// # Panics
    ///
    /// If there isn't one state a block, with its units, or a mask hasn't a value for each unit of
    /// its block.
    fn init(&self, energy: &E, position: Vec<Tensor<2>>) -> Self::State {
        check_blocks(energy, &position);
        let blocks: Vec<Tensor<2>> = position.into_iter().map(Tensor::inner).collect();
        let mut clamped: Vec<Option<(Tensor<2, Bool>, Tensor<2>)>> = vec![None; blocks.len()];
        for (block, free) in &self.free {
            let units = blocks.get(*block).map(|block| block.dims()[1]);
            assert_eq!(
                units,
                Some(free.len()),
                "block {block} of {} has {units:?} units, but {} are said to be free or clamped",
                blocks.len(),
                free.len()
            );
            let values = blocks[*block].clone();
            let free = mask(free, &values.device()).expand(values.shape());
            clamped[*block] = Some((free.bool_not(), values));
        }
        ClampedBlockGibbsState { blocks, clamped }
    }

    fn step(
        &self,
        energy: &E,
        mut state: Self::State,
        noise: &mut Noise,
    ) -> (Self::State, StepInfo) {
        for block in energy.sweep() {
            let drawn = self.gibbs.redraw(energy, block, &state.blocks, noise);
            state.blocks[block] = match &state.clamped[block] {
                Some((mask, values)) => drawn.mask_where(mask.clone(), values.clone()),
                None => drawn,
            };
        }
        (state, StepInfo::default())
    }

    fn position(&self, state: &Self::State) -> Vec<Tensor<2>> {
        state.blocks.clone()
    }
}

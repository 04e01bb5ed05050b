//! Gibbs sampling of a pairwise machine with any of its units clamped, one unit after the other.

use burn::tensor::{Int, Tensor};
use ebm_models::{PairwiseMachine, PairwiseParameters};
use ebm_ops::Noise;

use super::{indices, mask, numbers};
use crate::gibbs::{SingleSiteGibbs, SingleSiteGibbsState};
use crate::kernel::{Kernel, StepInfo};

/// [`SingleSiteGibbs`] whose clamped units keep the values that they start with, bit for bit.
///
/// `p(free | clamped)` is stationary exactly. The units are renumbered so that the clamped ones
/// come first, where [`SingleSiteGibbs::with_clamped`] leaves them alone; renumbering changes
/// nothing about a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct ClampedSingleSiteGibbs {
    gibbs: SingleSiteGibbs,
    free: Vec<bool>,
}

impl ClampedSingleSiteGibbs {
    /// Clamps the units where `free` is false, a value for each unit of the machine, visible and
    /// hidden. What `gibbs` says of clamped units isn't used.
    pub fn new(gibbs: SingleSiteGibbs, free: &[bool]) -> Self {
        let clamped = free.iter().filter(|free| !**free).count();
        Self {
            gibbs: gibbs.with_clamped(clamped),
            free: free.to_vec(),
        }
    }
}

/// Chains over renumbered units.
#[derive(Clone, Debug)]
pub struct ClampedSingleSiteGibbsState {
    renumbered: SingleSiteGibbsState,
    /// The new number of each unit: `[units]`.
    back: Tensor<1, Int>,
    /// Where the chains started: `[batch, units]`.
    start: Tensor<2>,
}

impl<E: PairwiseMachine> Kernel<E, Tensor<2>> for ClampedSingleSiteGibbs {
    type State = ClampedSingleSiteGibbsState;

    /// # Panics
    ///
    /// If a state or the mask hasn't as many values as the machine units.
    fn init(&self, machine: &E, position: Tensor<2>) -> Self::State {
        let (units, shape) = (machine.units(), position.dims());
        assert!(
            shape[1] == units && self.free.len() == units,
            "this machine has {units} units, but states of shape {shape:?} have {}, and {} are said to be free or clamped",
            shape[1],
            self.free.len()
        );
        let order = [numbers(&self.free, false), numbers(&self.free, true)].concat();
        let mut back = vec![0; units];
        for (new, &old) in order.iter().enumerate() {
            back[old] = new;
        }
        let start = position.inner();
        let device = start.device();
        let order = indices(&order, &device);
        let parameters = machine.parameters().inner();
        let renumbered = PairwiseParameters {
            couplings: parameters
                .couplings
                .select(0, order.clone())
                .select(1, order.clone()),
            bias: parameters.bias.select(0, order.clone()),
            coding: parameters.coding,
        };
        ClampedSingleSiteGibbsState {
            renumbered: SingleSiteGibbsState::new(renumbered, start.clone().select(1, order)),
            back: indices(&back, &device),
            start,
        }
    }

    fn step(
        &self,
        _machine: &E,
        mut state: Self::State,
        noise: &mut Noise,
    ) -> (Self::State, StepInfo) {
        state.renumbered = self.gibbs.sweep(state.renumbered, noise);
        (state, StepInfo::default())
    }

    fn position(&self, state: &Self::State) -> Tensor<2> {
        let units = state.renumbered.position().select(1, state.back.clone());
        let free = mask(&self.free, &units.device()).expand(units.shape());
        // Clamped values are given back as they were, even if they are neither of the two values.
        units.mask_where(free.bool_not(), state.start.clone())
    }
}

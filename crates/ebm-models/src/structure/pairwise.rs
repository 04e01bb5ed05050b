//! The structure of pairwise machines: couplings, biases, and how many of the units are visible.

use burn::tensor::Tensor;

use crate::pairwise::{Coding, PairwiseMachine, PairwiseParameters, assert_parameters};

/// A pairwise machine as plain arrays: couplings and biases, and which of the units are visible. It
/// is a [`PairwiseMachine`] itself, so that chains, annealing and recall take it.
///
/// # Shapes
///
/// - states: `[batch, units]`, the visible units first
#[derive(Clone, Debug)]
pub struct PairwiseStructure {
    parameters: PairwiseParameters,
    visible: usize,
}

impl PairwiseStructure {
    /// A machine of these parameters, whose first `visible` units are visible.
    ///
    /// # Panics
    ///
    /// If couplings and biases don't fit each other, or `visible` isn't in `1..=units`.
    pub fn new(parameters: PairwiseParameters, visible: usize) -> Self {
        let (couplings, bias) = (parameters.couplings.dims(), parameters.bias.dims());
        assert_parameters(couplings, bias, visible);
        Self {
            parameters,
            visible,
        }
    }

    /// The structure of a machine.
    pub fn of<M: PairwiseMachine>(machine: &M) -> Self {
        Self::new(machine.parameters(), machine.visible_units())
    }
}

impl PairwiseMachine for PairwiseStructure {
    fn couplings(&self) -> Tensor<2> {
        self.parameters.couplings.clone()
    }

    fn bias(&self) -> Tensor<1> {
        self.parameters.bias.clone()
    }

    fn coding(&self) -> Coding {
        self.parameters.coding
    }

    fn units(&self) -> usize {
        self.parameters.bias.dims()[0]
    }

    fn visible_units(&self) -> usize {
        self.visible
    }

    fn parameters(&self) -> PairwiseParameters {
        self.parameters.clone()
    }
}

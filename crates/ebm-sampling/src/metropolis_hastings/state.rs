//! What a chain keeps of its place: its energy, or its energy and gradient.

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::{finite_chains, select_chains};

use super::proposal::ProposalState;
use crate::gradient::energy_and_gradient;

/// Positions with their energies, so that a step costs one evaluation.
#[derive(Clone, Debug)]
pub struct EnergyState<const D: usize> {
    /// Where the chains are: `[batch, ..]`.
    pub position: Tensor<D>,
    /// Their energies: `[batch]`.
    pub energy: Tensor<1>,
}

/// Positions with their energies and gradients, so that a step costs one evaluation of each.
#[derive(Clone, Debug)]
pub struct GradientState<const D: usize> {
    /// Where the chains are: `[batch, ..]`.
    pub position: Tensor<D>,
    /// Their energies: `[batch]`.
    pub energy: Tensor<1>,
    /// The gradients there, `dE/dx`: `[batch, ..]`.
    pub gradient: Tensor<D>,
}

impl<E, const D: usize> ProposalState<E, D> for EnergyState<D> {
    fn at(energy: &E, position: Tensor<D>) -> Self
    where
        E: Energy<D>,
    {
        Self {
            energy: energy.energy(position.clone()).inner(),
            position,
        }
    }

    fn position(&self) -> &Tensor<D> {
        &self.position
    }

    fn energy(&self) -> &Tensor<1> {
        &self.energy
    }

    fn is_finite(&self) -> Tensor<1, Bool> {
        finite_chains(&self.energy, self.position.clone())
    }

    fn select(self, proposal: Self, accepted: &Tensor<1, Bool>) -> Self {
        Self {
            position: select_chains(accepted, self.position, proposal.position),
            energy: select_chains(accepted, self.energy, proposal.energy),
        }
    }
}

impl<E, const D: usize> ProposalState<E, D> for GradientState<D> {
    fn at(energy: &E, position: Tensor<D>) -> Self
    where
        E: Energy<D>,
    {
        let (energies, gradient) = energy_and_gradient(energy, position.clone());
        Self {
            position,
            energy: energies,
            gradient,
        }
    }

    fn position(&self) -> &Tensor<D> {
        &self.position
    }

    fn energy(&self) -> &Tensor<1> {
        &self.energy
    }

    fn is_finite(&self) -> Tensor<1, Bool> {
        finite_chains(&self.energy, self.gradient.clone() + self.position.clone())
    }

    fn select(self, proposal: Self, accepted: &Tensor<1, Bool>) -> Self {
        Self {
            position: select_chains(accepted, self.position, proposal.position),
            energy: select_chains(accepted, self.energy, proposal.energy),
            gradient: select_chains(accepted, self.gradient, proposal.gradient),
        }
    }
}

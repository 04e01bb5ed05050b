//! Random-walk Metropolis with a Gaussian proposal.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::accept::{accept, per_chain, select};
use crate::kernel::{Kernel, StepInfo};

/// Proposes `x' = x + scale * z`, `z ~ N(0, 1)`, and accepts it if `f` rises, else with probability
/// `exp((f(x') - f(x)) / temperature)` (Metropolis et al. 1953), chain by chain.
///
/// The proposal is symmetric, so `exp(-E / temperature)` is stationary exactly. A proposal whose energy is not a
/// number is rejected; a chain that *starts* where the energy is not a number stays there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metropolis {
    /// Standard deviation of the proposal, in units of x.
    pub scale: f64,
    /// Temperature in nats, positive.
    pub temperature: f64,
    /// Proposals outside this range are rejected (the target is zero there); `None` allows all.
    pub bounds: Option<(f64, f64)>,
}

impl Metropolis {
    /// Metropolis at temperature 1, without bounds.
    pub fn new(scale: f64) -> Self {
        Self {
            scale,
            temperature: 1.0,
            bounds: None,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Restricts the target to `[low, high]` in each component.
    pub fn with_bounds(mut self, low: f64, high: f64) -> Self {
        self.bounds = Some((low, high));
        self
    }
}

/// Positions of Metropolis chains with their energies, so that a step costs one evaluation.
#[derive(Clone, Debug)]
pub struct MetropolisState<const D: usize> {
    /// Where the chains are: `[batch, ..]`.
    pub position: Tensor<D>,
    /// Their energies: `[batch]`.
    pub energy: Tensor<1>,
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for Metropolis {
    type State = MetropolisState<D>;

    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        let position = position.inner();
        MetropolisState {
            energy: energy.energy(position.clone()).inner(),
            position,
        }
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let device = state.position.device();
        let shape = state.position.shape();
        let draws: Tensor<D> = noise.normal(shape, &device);
        let proposal = state.position.clone() + draws.mul_scalar(self.scale);
        let proposed_energy = energy.energy(proposal.clone()).inner();

        let rise = (state.energy.clone() - proposed_energy.clone()).div_scalar(self.temperature);
        let mut accepted = accept(rise, noise);
        if let Some((low, high)) = self.bounds {
            let outside = proposal
                .clone()
                .lower_scalar(low)
                .bool_or(proposal.clone().greater_scalar(high));
            let outside: Tensor<1> = per_chain(outside.float()).sum_dim(1).squeeze_dim(1);
            accepted = accepted.bool_and(outside.equal_scalar(0.0));
        }

        let state = MetropolisState {
            position: select(&accepted, state.position, proposal),
            energy: select(&accepted, state.energy, proposed_energy),
        };
        let info = StepInfo {
            accepted: Some(accepted.float()),
        };
        (state, info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }
}

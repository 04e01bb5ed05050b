//! Hamiltonian Monte Carlo: long proposals along trajectories of constant energy.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::gradient::energy_and_gradient;
use crate::kernel::{Kernel, StepInfo};
use crate::metropolis_hastings::{GradientState, ProposalState, accept, squared_norm};

/// Draws a momentum `p ~ N(0, 1)`, follows Hamilton's equations of `H(x, p) = E(x) / T + |p|^2 / 2` for `leapfrog_steps`
/// steps of `step_size`, and accepts where it ends with probability `min(1, exp(H(x, p) - H(x', p')))` (Duane et al. 1987;
/// Neal 2011).
///
/// `exp(-E / T)` is stationary exactly: the integrator is reversible and keeps volume, and its error of order
/// `step_size^2` is corrected by rejections. Efficiency is best where about 65 % are accepted (Beskos et al. 2013). The mass is 1
/// for every value: scale the configurations where their widths differ much. `leapfrog_steps` gradients a step. A
/// trajectory that ends where energy or gradient are not numbers is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HamiltonianMonteCarlo {
    /// Length of a leapfrog step, positive, in units of x.
    pub step_size: f64,
    /// Leapfrog steps of a trajectory, at least 1.
    pub leapfrog_steps: usize,
    /// Temperature in nats, positive.
    pub temperature: f64,
}

impl HamiltonianMonteCarlo {
    /// Trajectories at temperature 1.
    pub fn new(step_size: f64, leapfrog_steps: usize) -> Self {
        Self {
            step_size,
            leapfrog_steps,
            temperature: 1.0,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Follows the trajectory from a state with momentum `p`: half a step of the momentum, then steps of position and
    /// momentum in turn, the last of the momentum a half (the Stoermer-Verlet integrator).
    ///
    /// # Shapes
    ///
    /// - `momentum`: `[batch, ..]`, as the position
    ///
    /// # Panics
    ///
    /// If there are no steps.
    pub fn leapfrog<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        state: GradientState<D>,
        momentum: Tensor<D>,
    ) -> (GradientState<D>, Tensor<D>) {
        assert!(
            self.leapfrog_steps > 0,
            "a trajectory needs at least one leapfrog step, got 0"
        );
        let kick = self.step_size / self.temperature;
        let mut state = state;
        let mut momentum = momentum - state.gradient.clone().mul_scalar(0.5 * kick);
        for step in 1..=self.leapfrog_steps {
            let position = state.position + momentum.clone().mul_scalar(self.step_size);
            let (energies, gradient) = energy_and_gradient(energy, position.clone());
            let share = if step == self.leapfrog_steps {
                0.5
            } else {
                1.0
            };
            momentum = momentum - gradient.clone().mul_scalar(share * kick);
            state = GradientState {
                position,
                energy: energies,
                gradient,
            };
        }
        (state, momentum)
    }
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for HamiltonianMonteCarlo {
    type State = GradientState<D>;

    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        GradientState::at(energy, position.inner())
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let momentum: Tensor<D> = noise.normal(state.position.shape(), &state.position.device());
        let (proposal, end) = self.leapfrog(energy, state.clone(), momentum.clone());
        let potential =
            (state.energy.clone() - proposal.energy.clone()).div_scalar(self.temperature);
        let kinetic = (squared_norm(momentum) - squared_norm(end)).mul_scalar(0.5);
        let allowed = proposal.energy.clone().is_finite();
        let decision = accept(potential + kinetic, allowed, noise);
        let info = StepInfo {
            accepted: Some(decision.accepted.clone().float()),
            acceptance_probability: Some(decision.probability),
            ..StepInfo::default()
        };
        let state =
            <GradientState<D> as ProposalState<E, D>>::select(state, proposal, &decision.accepted);
        (state, info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }
}

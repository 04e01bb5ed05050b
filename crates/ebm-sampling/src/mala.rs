//! The Metropolis-adjusted Langevin algorithm: Langevin steps as proposals.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::accept::{accept, select, squared_norm};
use crate::gradient::energy_and_gradient;
use crate::kernel::{Kernel, StepInfo};

/// Proposes a Langevin step, `x' = x - step_size dE/dx + sqrt(2 step_size T) z`, and accepts it with probability
/// `min(1, exp(-(E(x') - E(x)) / T) q(x | x') / q(x' | x))`, where
/// `log q(x' | x) = -|x' - x + step_size dE/dx|^2 / (4 step_size T)` up to a constant (Besag 1994; Roberts & Tweedie 1996).
///
/// `exp(-E / T)` is stationary exactly, whatever the step; the bias of [`Langevin`](crate::Langevin) is corrected by
/// rejections. Efficiency is best where about 57 % are accepted (Roberts & Rosenthal 1998). One gradient a step. A proposal
/// whose energy or gradient is not a number is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mala {
    /// Factor of the gradient, positive, in units of x^2 a nat.
    pub step_size: f64,
    /// Temperature in nats, positive.
    pub temperature: f64,
}

/// Positions with their energies and gradients, so that a step costs one evaluation of each.
#[derive(Clone, Debug)]
pub struct GradientState<const D: usize> {
    /// Where the chains are: `[batch, ..]`.
    pub position: Tensor<D>,
    /// Their energies: `[batch]`.
    pub energy: Tensor<1>,
    /// The gradients there: `[batch, ..]`.
    pub gradient: Tensor<D>,
}

impl<const D: usize> GradientState<D> {
    /// The state of chains at `position`.
    pub(crate) fn at<E: Energy<D>>(energy: &E, position: Tensor<D>) -> Self {
        let position = position.inner();
        let (energies, gradient) = energy_and_gradient(energy, position.clone());
        Self {
            position,
            energy: energies,
            gradient,
        }
    }

    /// The proposal where it was accepted, elsewhere the current state.
    pub(crate) fn moved(self, proposal: Self, accepted: &Tensor<1, burn::tensor::Bool>) -> Self {
        Self {
            position: select(accepted, self.position, proposal.position),
            energy: select(accepted, self.energy, proposal.energy),
            gradient: select(accepted, self.gradient, proposal.gradient),
        }
    }
}

impl Mala {
    /// MALA at temperature 1.
    pub fn new(step_size: f64) -> Self {
        Self {
            step_size,
            temperature: 1.0,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// `-log q(to | from)` up to a constant: `[batch]`.
    fn cost<const D: usize>(&self, from: &GradientState<D>, to: &Tensor<D>) -> Tensor<1> {
        let mean = from.position.clone() - from.gradient.clone().mul_scalar(self.step_size);
        squared_norm(to.clone() - mean).div_scalar(4.0 * self.step_size * self.temperature)
    }
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for Mala {
    type State = GradientState<D>;

    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        GradientState::at(energy, position)
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let z: Tensor<D> = noise.normal(state.position.shape(), &state.position.device());
        let std = (2.0 * self.step_size * self.temperature).sqrt();
        let drift = state.gradient.clone().mul_scalar(self.step_size);
        let proposal =
            GradientState::at(energy, state.position.clone() - drift + z.mul_scalar(std));
        let fall = state.energy.clone() - proposal.energy.clone();
        let log_ratio = fall.div_scalar(self.temperature) + self.cost(&state, &proposal.position)
            - self.cost(&proposal, &state.position);
        let accepted = accept(log_ratio, noise);
        let info = StepInfo {
            accepted: Some(accepted.clone().float()),
        };
        (state.moved(proposal, &accepted), info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }
}

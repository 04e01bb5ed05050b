//! Underdamped Langevin dynamics: velocities with friction, by the splitting BAOAB.

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::{Noise, finite_chains, select_chains};
use serde::{Deserialize, Serialize};

use crate::gradient::energy_and_gradient;
use crate::kernel::{Kernel, StepInfo};
use crate::metropolis_hastings::{GradientState, ProposalState};

/// `dx = v dt`, `dv = -dE/dx dt - friction v dt + sqrt(2 friction T) dW`, unit mass, whose
/// stationary density is `exp(-E(x) / T - |v|^2 / (2 T))`, in steps of `h = step_size` (BAOAB;
/// Leimkuhler & Matthews, Applied Mathematics Research eXpress 2013):
///
/// ```text
/// B   v <- v - h/2 dE/dx
/// A   x <- x + h/2 v
/// O   v <- c v + sqrt(T (1 - c^2)) z,   c = exp(-friction h),   z ~ N(0, 1)
/// A   x <- x + h/2 v
/// B   v <- v - h/2 dE/dx
/// ```
///
/// One gradient a step: that of the last B is kept for the next first one.
///
/// # Bias
///
/// No step is rejected, so the stationary density is off by a term of order `step_size^2`, where
/// [`Langevin`](crate::langevin::Langevin)'s is of order `step_size`. Of a normal with energy
/// `k x^2 / 2` BAOAB's positions have variance `T / k` **exactly**, at any stable step,
/// `step_size^2 k < 4`, and any friction above 0. Only the velocities are off: independent of the
/// position, with variance
///
/// ```text
/// Var(v) = T (1 - step_size^2 k / 4)
/// ```
///
/// # Choosing friction and step
///
/// `1 / friction` is how long a velocity lasts. Friction of the order of `sqrt(k)` of the widest
/// directions mixes best; without friction chains never change their energy. With very much of it
/// they are [`Langevin`](crate::langevin::Langevin) chains of step `step_size^2 / 2`, each of whose
/// noises is the mean of two neighbouring draws.
///
/// # Steps that are not finite
///
/// A chain whose energy, gradient or position is not finite goes back to where it started with a
/// fresh velocity, and [`StepInfo::reset`] counts it; no position is ever NaN unless it started
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderdampedLangevin {
    /// Time of a step, positive; in units of x with unit mass and T in nats.
    pub step_size: f64,
    /// Rate at which velocities are forgotten, not negative, per unit of time.
    pub friction: f64,
    /// Temperature in nats, positive.
    pub temperature: f64,
    /// Whether chains draw their velocity from `N(0, T)` before their first step, which its O
    /// keeps, and not by that O; see [`with_thermal_start`](Self::with_thermal_start).
    #[serde(default)]
    pub thermal_start: bool,
}

impl UnderdampedLangevin {
    /// Underdamped Langevin dynamics at temperature 1.
    pub fn new(step_size: f64, friction: f64) -> Self {
        Self {
            step_size,
            friction,
            temperature: 1.0,
            thermal_start: false,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// For chains that start again and again, as in training: velocities are drawn before the first
    /// step.
    ///
    /// A velocity that is drawn by the first O comes after a kick and half a drift without it, and
    /// makes positions too narrow by a term of order `step_size` at each start. Drawn before, and
    /// anew after every step, chains of a normal are leapfrog steps with positions of variance
    /// `T / k / (1 - step_size^2 k / 4)`; anew after several, it lies between that and `T / k`.
    pub fn with_thermal_start(mut self) -> Self {
        self.thermal_start = true;
        self
    }
}

/// Positions and velocities of underdamped Langevin chains.
#[derive(Clone, Debug)]
pub struct UnderdampedLangevinState<const D: usize> {
    /// Where the chains are, with energies and gradients there.
    pub place: GradientState<D>,
    /// Their velocities: `[batch, ..]`; 0 for chains at their start.
    pub velocity: Tensor<D>,
    /// Where the chains started.
    start: GradientState<D>,
    /// Which chains are at their start, so that their O draws a velocity from `N(0, T)`, whatever
    /// the friction: `[batch]`.
    ///
    /// That needs no draw beyond the one that O makes anyway.
    at_start: Tensor<1, Bool>,
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for UnderdampedLangevin {
    type State = UnderdampedLangevinState<D>;

    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        let place = GradientState::at(energy, position.inner());
        UnderdampedLangevinState {
            velocity: place.position.zeros_like(),
            at_start: place.energy.zeros_like().equal_scalar(0.0),
            start: place.clone(),
            place,
        }
    }

    /// A chain at its start has no velocity until the O of its first step draws one from `N(0, T)`,
    /// or the beginning of that step with a [thermal start](Self::with_thermal_start).
    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let half = 0.5 * self.step_size;
        let GradientState {
            position, gradient, ..
        } = state.place;
        let kept = (-self.friction * self.step_size).exp();
        let (std, fresh_std) = (
            (self.temperature * (1.0 - kept * kept)).sqrt(),
            self.temperature.sqrt(),
        );
        let mut per_chain = [1; D];
        per_chain[0] = position.dims()[0];
        let at_start: Tensor<D> = state.at_start.float().reshape(per_chain);
        let z: Tensor<D> = noise.normal(position.shape(), &position.device());
        let before = if self.thermal_start {
            state.velocity + z.clone() * at_start.clone().mul_scalar(fresh_std)
        } else {
            state.velocity
        };
        let velocity = before - gradient.mul_scalar(half);
        let position = position + velocity.clone().mul_scalar(half);
        let velocity = if self.thermal_start {
            let keep = at_start.clone().mul_scalar(1.0 - kept).add_scalar(kept);
            velocity * keep + z * at_start.neg().add_scalar(1.0).mul_scalar(std)
        } else {
            velocity.mul_scalar(kept) + z * at_start.mul_scalar(fresh_std - std).add_scalar(std)
        };
        let position = position + velocity.clone().mul_scalar(half);
        let (energies, gradient) = energy_and_gradient(energy, position.clone());
        let velocity = velocity - gradient.clone().mul_scalar(half);
        let finite = finite_chains(&energies, gradient.clone() + position.clone());
        let reached = GradientState {
            position,
            energy: energies,
            gradient,
        };
        let at_start = finite.clone().bool_not();
        let info = StepInfo {
            reset: Some(at_start.clone().float()),
            ..StepInfo::default()
        };
        let state = UnderdampedLangevinState {
            place: <GradientState<D> as ProposalState<E, D>>::select(
                state.start.clone(),
                reached,
                &finite,
            ),
            velocity: select_chains(&finite, velocity.zeros_like(), velocity),
            start: state.start,
            at_start,
        };
        (state, info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.place.position.clone()
    }
}

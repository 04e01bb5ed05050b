//! Unadjusted Langevin dynamics, with step and noise chosen apart or by a temperature.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Interval, LangevinUpdate, Noise};
use serde::{Deserialize, Serialize};

use crate::gradient::energy_and_gradient;
use crate::kernel::{Kernel, StepInfo};

/// `x <- clamp(x - step_size * clip(dE/dx) + noise * z)`, `z ~ N(0, 1)`.
///
/// With `noise = sqrt(2 * step_size * T)` this is the Euler-Maruyama discretisation of the Langevin
/// equation, whose stationary density for small steps is `exp(-E / T)`
/// ([`at_temperature`](Self::at_temperature); Welling & Teh 2011 with a step of `2 * step_size`).
/// Image energies are usually sampled far colder, with step and noise chosen apart
/// ([`new`](Self::new)); the temperature they imply is [`temperature`](Self::temperature).
///
/// # Bias
///
/// The step is never rejected, so the stationary density differs from the target by a term of the
/// order of `step_size`. Of a normal with variance `v` at temperature 1, a step `s` is
/// `x' = (1 - s / v) x + sqrt(2 s) z`, so the variance of the chain settles where
/// `V = (1 - s / v)^2 V + 2 s`:
///
/// ```text
/// V = v / (1 - s / (2 v))
/// ```
///
/// too wide by the factor `1 / (1 - s / (2 v))`, which diverges at `s = 2 v`, where the step is
/// unstable. [`Mala`](crate::metropolis_hastings::Mala) removes the bias by rejections.
///
/// # Steps that are not finite
///
/// A chain whose energy, gradient or next position is not finite goes back to where it started, and
/// [`StepInfo::reset`] counts it; no position is ever NaN unless it started there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Langevin {
    /// Factor of the gradient, positive, in units of x^2 a nat.
    pub step_size: f64,
    /// Standard deviation of the noise of one step, in units of x.
    pub noise: f64,
    /// Each component of the gradient is limited to +-this; `None` leaves it.
    pub gradient_clip: Option<f64>,
    /// Positions are kept inside this range; `None` leaves them free.
    pub clamp: Option<Interval>,
}

impl Langevin {
    /// Langevin dynamics with its step and noise chosen apart, as for image energies.
    pub fn new(step_size: f64, noise: f64) -> Self {
        Self {
            step_size,
            noise,
            gradient_clip: None,
            clamp: None,
        }
    }

    /// Langevin dynamics that samples `exp(-E / temperature)`:
    /// `noise = sqrt(2 * step_size * temperature)`.
    pub fn at_temperature(step_size: f64, temperature: f64) -> Self {
        Self::new(step_size, (2.0 * step_size * temperature).sqrt())
    }

    /// Limits each component of the gradient to `[-limit, limit]`.
    pub fn with_gradient_clip(mut self, limit: f64) -> Self {
        self.gradient_clip = Some(limit);
        self
    }

    /// Keeps positions inside `[low, high]`.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold.
    pub fn with_clamp(mut self, range: impl Into<Interval>) -> Self {
        let range = range.into();
        let Interval { low, high } = range;
        assert!(
            low < high,
            "a clamp needs low < high, found low = {low} and high = {high}"
        );
        self.clamp = Some(range);
        self
    }

    /// The temperature that step and noise imply where the gradient isn't clipped,
    /// `noise^2 / (2 step_size)`.
    pub fn temperature(&self) -> f64 {
        self.noise * self.noise / (2.0 * self.step_size)
    }
}

/// Positions of Langevin chains.
#[derive(Clone, Debug)]
pub struct LangevinState<const D: usize> {
    /// Where the chains are: `[batch, ..]`.
    pub position: Tensor<D>,
    /// The energies where the last gradients were taken, one step behind the position: `[batch]`;
    /// `None` before the first step.
    pub previous_energy: Option<Tensor<1>>,
    /// Where the chains started: `[batch, ..]`.
    start: Tensor<D>,
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for Langevin {
    type State = LangevinState<D>;

    fn init(&self, _energy: &E, position: Tensor<D>) -> Self::State {
        let position = position.inner();
        LangevinState {
            start: position.clone(),
            position,
            previous_energy: None,
        }
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let (energies, gradient) = energy_and_gradient(energy, state.position.clone());
        let update = LangevinUpdate {
            step_size: self.step_size,
            noise: self.noise,
            gradient_clip: self.gradient_clip,
            clamp: self.clamp,
        };
        let (position, finite) =
            update.apply(state.position, gradient, &energies, &state.start, noise);
        let state = LangevinState {
            position,
            previous_energy: Some(energies),
            start: state.start,
        };
        let info = StepInfo {
            reset: Some(finite.bool_not().float()),
            ..StepInfo::default()
        };
        (state, info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }
}

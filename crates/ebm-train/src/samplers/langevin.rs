//! Unadjusted Langevin dynamics: steps down the gradient, with noise.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::tempering::Ladder;
use serde::{Deserialize, Serialize};

use super::{
    Sampler, check_unit_temperature, clamp_by_default, has_real_states, on_replicas, on_states,
    stretch_gradient,
};
use crate::chains::TransitionKernel;
use crate::keys::{InvalidValue, check, check_not_negative, check_positive};

crate::keys! {
/// Keys of Langevin dynamics: `x <- clamp(x - step_size * clip(dE/dx) + noise * z)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LangevinConfig {
    /// Transitions an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Factor of the gradient, above 0.
    pub step_size: f64,
    /// Standard deviation of the noise of a step, 0 or more; instead of `temperature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Temperature in the unit of the energy, 0 or more; `noise` is then
    /// `sqrt(2 * step_size * temperature)`. Instead of `noise`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Limit of each component of the gradient, above 0; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Whether positions are kept in the range of the data.
    #[serde(default = "clamp_by_default")]
    pub clamp: bool,
}
}

impl LangevinConfig {
    /// So many steps of this size an update, positions kept in the range of the data; either
    /// [noise](Self::with_noise) or [temperature](Self::with_temperature) is still to be set.
    pub fn new(steps: usize, step_size: f64) -> Self {
        Self {
            steps,
            step_size,
            noise: None,
            temperature: None,
            gradient_clip: None,
            clamp: true,
        }
    }

    /// The same with noise of this standard deviation in each step, and not that of a temperature.
    #[must_use]
    pub fn with_noise(mut self, std: f64) -> Self {
        (self.noise, self.temperature) = (Some(std), None);
        self
    }

    /// The same with the noise of this temperature, in the unit of the energy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        (self.noise, self.temperature) = (None, Some(temperature));
        self
    }

    /// The same with a limit of each component of the gradient.
    #[must_use]
    pub fn with_gradient_clip(mut self, limit: f64) -> Self {
        self.gradient_clip = Some(limit);
        self
    }

    /// The same, positions not kept in the range of the data.
    #[must_use]
    pub fn without_clamp(mut self) -> Self {
        self.clamp = false;
        self
    }

    /// The dynamics for data in `range`, at the temperature that step and noise imply.
    pub fn dynamics(&self, range: Interval) -> Langevin {
        let mut kernel = match (self.noise, self.temperature) {
            (None, Some(temperature)) => Langevin::at_temperature(self.step_size, temperature),
            (noise, _) => Langevin::new(self.step_size, noise.unwrap_or(0.0)),
        };
        kernel.gradient_clip = self.gradient_clip;
        kernel.clamp = self.clamp.then_some(range);
        kernel
    }
}

impl Sampler for LangevinConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.step_size", self.step_size)?;
        check(
            self.noise.is_some() != self.temperature.is_some(),
            "sampler.noise",
            if self.noise.is_some() {
                "both noise and temperature"
            } else {
                "neither noise nor temperature"
            },
            "exactly one of sampler.noise and sampler.temperature",
        )?;
        if let Some(noise) = self.noise {
            check_not_negative("sampler.noise", noise)?;
        }
        if let Some(temperature) = self.temperature {
            check_not_negative("sampler.temperature", temperature)?;
        }
        self.gradient_clip
            .map_or(Ok(()), |clip| check_positive("sampler.gradient_clip", clip))
    }

    fn transitions(&self) -> usize {
        self.steps
    }

    fn temperature(&self) -> f64 {
        self.dynamics(Interval::new(0.0, 1.0)).temperature()
    }

    fn moves(structure: &Structure) -> bool {
        has_real_states(structure)
    }

    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        _energy: &E,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Ok(on_states(self.dynamics(range)))
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        ladder: Ladder,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        check_unit_temperature(self.temperature())?;
        let cold = self.dynamics(range);
        Ok(on_replicas(ladder, self.steps, |beta| {
            let stretch = stretch_gradient(beta);
            Langevin {
                gradient_clip: cold.gradient_clip.map(|clip| clip * beta),
                clamp: cold.clamp,
                ..Langevin::at_temperature(self.step_size * stretch, 1.0)
            }
        }))
    }
}

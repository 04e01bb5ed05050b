//! Unadjusted Langevin dynamics: steps down the gradient, with noise.

use ebm_models::Structure;
use ebm_ops::Interval;
use ebm_sampling::langevin::Langevin;
use serde::{Deserialize, Serialize};

use super::{Sampler, clamp_by_default, has_real_states, stretch_gradient, stretch_length};
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

    /// The dynamics of replicas at an inverse temperature, for data in `range`: steps are longer,
    /// and limits of the gradient smaller, as the energy is.
    fn tempered(&self, beta: f64, range: Interval) -> Result<Langevin, InvalidValue> {
        let cold = self.dynamics(range);
        Ok(Langevin {
            step_size: cold.step_size * stretch_gradient(beta),
            noise: cold.noise * stretch_length(beta),
            gradient_clip: cold.gradient_clip.map(|clip| clip * beta),
            clamp: cold.clamp,
        })
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

    move_states!();

    fn temperature(&self) -> f64 {
        self.dynamics(Interval::new(0.0, 1.0)).temperature()
    }

    fn moves(structure: &Structure) -> bool {
        has_real_states(structure)
    }
}

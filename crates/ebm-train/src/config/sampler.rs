//! The `[sampler]` section: how chains move.

use ebm_sampling::{Langevin, Metropolis};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_at_least_one, check_not_negative, check_positive};
use super::section::section;

section! {
    /// The transition and how many of them an update makes.
    pub enum SamplerConfig {
        /// Unadjusted Langevin dynamics.
        "langevin" => Langevin(LangevinConfig),
        /// Random-walk Metropolis.
        "metropolis" => Metropolis(MetropolisConfig),
    }
}

/// Keys of Langevin dynamics: `x <- clamp(x - step_size * clip(dE/dx) + noise * z)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LangevinConfig {
    /// Transitions an update.
    pub steps: usize,
    /// Factor of the gradient.
    pub step_size: f64,
    /// Standard deviation of the noise of a step; instead of `temperature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Temperature, `noise = sqrt(2 * step_size * temperature)`; instead of `noise`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Limit of each component of the gradient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Whether positions are kept in the range of the data.
    #[serde(default = "clamp_by_default")]
    pub clamp: bool,
}

/// Keys of random-walk Metropolis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetropolisConfig {
    /// Transitions an update.
    pub steps: usize,
    /// Standard deviation of the proposal.
    pub scale: f64,
    /// Temperature in nats.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
    /// Whether proposals outside the range of the data are rejected.
    #[serde(default = "clamp_by_default")]
    pub clamp: bool,
}

fn clamp_by_default() -> bool {
    true
}

fn unit_temperature() -> f64 {
    1.0
}

impl LangevinConfig {
    /// The kernel for data in `range`.
    pub fn kernel(&self, range: (f64, f64)) -> Langevin {
        let mut kernel = match (self.noise, self.temperature) {
            (None, Some(temperature)) => Langevin::at_temperature(self.step_size, temperature),
            (noise, _) => Langevin::new(self.step_size, noise.unwrap_or(0.0)),
        };
        kernel.gradient_clip = self.gradient_clip;
        kernel.clamp = self.clamp.then_some(range);
        kernel
    }
}

impl MetropolisConfig {
    /// The kernel for data in `range`.
    pub fn kernel(&self, range: (f64, f64)) -> Metropolis {
        let mut kernel = Metropolis::new(self.scale).with_temperature(self.temperature);
        kernel.bounds = self.clamp.then_some(range);
        kernel
    }
}

impl SamplerConfig {
    /// Transitions an update.
    pub fn steps(&self) -> usize {
        match self {
            Self::Langevin(keys) => keys.steps,
            Self::Metropolis(keys) => keys.steps,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_at_least_one("sampler.steps", self.steps() as u64)?;
        match self {
            Self::Langevin(keys) => {
                check_positive("sampler.step_size", keys.step_size)?;
                check(
                    keys.noise.is_some() != keys.temperature.is_some(),
                    "sampler.noise",
                    if keys.noise.is_some() {
                        "both noise and temperature"
                    } else {
                        "neither noise nor temperature"
                    },
                    "exactly one of sampler.noise and sampler.temperature",
                )?;
                if let Some(noise) = keys.noise {
                    check_not_negative("sampler.noise", noise)?;
                }
                if let Some(temperature) = keys.temperature {
                    check_not_negative("sampler.temperature", temperature)?;
                }
                keys.gradient_clip
                    .map_or(Ok(()), |clip| check_positive("sampler.gradient_clip", clip))
            }
            Self::Metropolis(keys) => {
                check_positive("sampler.scale", keys.scale)?;
                check_positive("sampler.temperature", keys.temperature)
            }
        }
    }
}

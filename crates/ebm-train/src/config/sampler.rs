//! The `[sampler]` section: how chains move.

use ebm_sampling::{BlockParallelTempering, Langevin, RandomWalkMetropolis};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_not_negative, check_positive, check_transitions};
use super::section::section;

section! {
    /// The transition and how many of them an update makes.
    pub enum SamplerConfig {
        /// Unadjusted Langevin dynamics.
        "langevin" => Langevin(LangevinConfig),
        /// Random-walk Metropolis.
        "metropolis" => Metropolis(MetropolisConfig),
        /// Gibbs sampling of the units of a Boltzmann machine: blocks where it has them, else unit by unit.
        "gibbs" => Gibbs(GibbsConfig),
        /// Block Gibbs sampling at several temperatures whose chains swap places.
        "parallel_tempering" => ParallelTempering(ParallelTemperingConfig),
    }
}

super::docs::keys! {
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
    /// Temperature in the unit of the energy, 0 or more, `noise = sqrt(2 * step_size * temperature)`; instead of `noise`.
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

super::docs::keys! {
/// Keys of random-walk Metropolis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetropolisConfig {
    /// Transitions an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Standard deviation of the proposal, above 0.
    pub scale: f64,
    /// Temperature in the unit of the energy, above 0.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
    /// Whether proposals outside the range of the data are rejected.
    #[serde(default = "clamp_by_default")]
    pub clamp: bool,
}
}

super::docs::keys! {
/// Keys of Gibbs sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GibbsConfig {
    /// Sweeps over all units an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Temperature in the unit of the energy; 0, for single-site updates only, is the deterministic rule of a Hopfield network.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
}
}

super::docs::keys! {
/// Keys of parallel tempering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelTemperingConfig {
    /// Sweeps over all units, each followed by swaps, an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Number of temperatures, 2 to 1000; each chain has a replica at every one.
    #[serde(default = "ParallelTemperingConfig::default_temperatures")]
    pub temperatures: usize,
    /// Lowest inverse temperature, 0 to below 1; the others lie evenly between it and 1.
    #[serde(default)]
    pub lowest: f64,
}
}

impl ParallelTemperingConfig {
    fn default_temperatures() -> usize {
        10
    }

    /// The kernel.
    ///
    /// # Panics
    ///
    /// If the keys are out of range, which [`validate`](super::RunConfig::validate) finds.
    pub fn kernel(&self) -> BlockParallelTempering {
        BlockParallelTempering::linear(self.temperatures, self.lowest)
            .unwrap_or_else(|error| panic!("config section `sampler`: {error}"))
    }
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
        kernel.clamp = self.clamp.then_some(range.into());
        kernel
    }
}

impl MetropolisConfig {
    /// The kernel for data in `range`.
    pub fn kernel(&self, range: (f64, f64)) -> RandomWalkMetropolis {
        let mut kernel = RandomWalkMetropolis::new(self.scale).with_temperature(self.temperature);
        kernel.bounds = self.clamp.then_some(range.into());
        kernel
    }
}

impl SamplerConfig {
    /// Transitions an update.
    pub fn steps(&self) -> usize {
        match self {
            Self::Langevin(keys) => keys.steps,
            Self::Metropolis(keys) => keys.steps,
            Self::Gibbs(keys) => keys.steps,
            Self::ParallelTempering(keys) => keys.steps,
        }
    }

    /// The name of its kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Langevin(_) => "langevin",
            Self::Metropolis(_) => "metropolis",
            Self::Gibbs(_) => "gibbs",
            Self::ParallelTempering(_) => "parallel_tempering",
        }
    }

    /// The sampler without replicas at other temperatures.
    pub fn at_one_temperature(&self) -> Self {
        match self {
            Self::ParallelTempering(keys) => Self::Gibbs(GibbsConfig {
                steps: keys.steps,
                temperature: 1.0,
            }),
            other => other.clone(),
        }
    }

    /// The temperature, in the unit of the energy, of the distribution that chains follow, the lowest of several; of Langevin dynamics the one that step
    /// and noise imply.
    pub fn temperature(&self) -> f64 {
        match self {
            Self::Langevin(keys) => keys.kernel((0.0, 1.0)).temperature(),
            Self::Metropolis(keys) => keys.temperature,
            Self::Gibbs(keys) => keys.temperature,
            Self::ParallelTempering(_) => 1.0,
        }
    }

    /// Rows that each chain takes: one a temperature.
    pub fn replicas(&self) -> usize {
        match self {
            Self::ParallelTempering(keys) => keys.temperatures,
            _ => 1,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_transitions("sampler.steps", self.steps(), 1)?;
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
            Self::Gibbs(keys) => check_not_negative("sampler.temperature", keys.temperature),
            Self::ParallelTempering(keys) => {
                check(
                    (2..=1000).contains(&keys.temperatures),
                    "sampler.temperatures",
                    keys.temperatures,
                    "a whole number from 2 to 1000",
                )?;
                check(
                    (0.0..1.0).contains(&keys.lowest),
                    "sampler.lowest",
                    format!("{:?}", keys.lowest),
                    "an inverse temperature of at least 0 and below 1",
                )
            }
        }
    }
}

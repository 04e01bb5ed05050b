//! Random-walk Metropolis: normal steps, accepted or rejected.

use ebm_models::Structure;
use ebm_ops::Interval;
use ebm_sampling::metropolis_hastings::RandomWalkMetropolis;
use serde::{Deserialize, Serialize};

use super::{Sampler, clamp_by_default, has_real_states, stretch_length, unit_temperature};
use crate::keys::{InvalidValue, check_positive};

crate::keys! {
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

impl MetropolisConfig {
    /// So many steps of this standard deviation an update, at temperature 1.
    pub fn new(steps: usize, scale: f64) -> Self {
        Self {
            steps,
            scale,
            temperature: 1.0,
            clamp: true,
        }
    }

    /// The same at this temperature, in the unit of the energy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// The same, proposals outside the range of the data accepted as others are.
    #[must_use]
    pub fn without_clamp(mut self) -> Self {
        self.clamp = false;
        self
    }

    /// The kernel of replicas at an inverse temperature, for data in `range`.
    fn tempered(&self, beta: f64, range: Interval) -> Result<RandomWalkMetropolis, InvalidValue> {
        let mut kernel = RandomWalkMetropolis::new(self.scale * stretch_length(beta));
        kernel.temperature = self.temperature;
        kernel.bounds = self.clamp.then_some(range);
        Ok(kernel)
    }
}

impl Sampler for MetropolisConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.scale", self.scale)?;
        check_positive("sampler.temperature", self.temperature)
    }

    move_states!();

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn moves(structure: &Structure) -> bool {
        has_real_states(structure)
    }
}

//! Hamiltonian Monte Carlo: trajectories of several leapfrog steps, accepted or rejected.

use ebm_models::Structure;
use ebm_ops::Interval;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use serde::{Deserialize, Serialize};

use super::{Sampler, has_real_states, stretch_length, unit_temperature};
use crate::keys::{InvalidValue, check_count, check_positive};

crate::keys! {
/// Keys of Hamiltonian Monte Carlo (Duane et al. 1987): exact, with one gradient a leapfrog step.
/// Positions aren't kept in the range of the data: an energy has to rise outside of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HamiltonianConfig {
    /// Trajectories an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Length of a leapfrog step, above 0; best where about 65 % of the trajectories are accepted.
    pub step_size: f64,
    /// Leapfrog steps of a trajectory, 1 to 10,000; their mean where the length is random.
    pub leapfrog_steps: usize,
    /// Whether each transition draws its number of leapfrog steps, so that no direction is in step
    /// with the trajectories.
    #[serde(default)]
    pub random_length: bool,
    /// Temperature in the unit of the energy, above 0.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
}
}

impl HamiltonianConfig {
    /// So many trajectories an update, of leapfrog steps of this size, at temperature 1.
    pub fn new(steps: usize, step_size: f64, leapfrog_steps: usize) -> Self {
        Self {
            steps,
            step_size,
            leapfrog_steps,
            random_length: false,
            temperature: 1.0,
        }
    }

    /// The same at this temperature, in the unit of the energy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// The same, each transition drawing its number of leapfrog steps.
    #[must_use]
    pub fn with_random_length(mut self) -> Self {
        self.random_length = true;
        self
    }

    /// The kernel of replicas at an inverse temperature.
    fn tempered(&self, beta: f64, _: Interval) -> Result<HamiltonianMonteCarlo, InvalidValue> {
        let step_size = self.step_size * stretch_length(beta);
        let kernel = HamiltonianMonteCarlo::new(step_size, self.leapfrog_steps)
            .with_temperature(self.temperature);
        Ok(if self.random_length {
            kernel.with_random_length()
        } else {
            kernel
        })
    }
}

impl Sampler for HamiltonianConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.step_size", self.step_size)?;
        check_count("sampler.leapfrog_steps", self.leapfrog_steps, 10_000)?;
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

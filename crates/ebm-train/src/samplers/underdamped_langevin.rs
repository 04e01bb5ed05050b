//! Underdamped Langevin dynamics: velocities that last, with friction.

use ebm_models::Structure;
use ebm_ops::Interval;
use ebm_sampling::langevin::UnderdampedLangevin;
use serde::{Deserialize, Serialize};

use super::{Sampler, has_real_states, stretch_length, unit_temperature};
use crate::keys::{InvalidValue, check_positive};

crate::keys! {
/// Keys of underdamped Langevin dynamics (Leimkuhler & Matthews 2013, BAOAB), one gradient a step.
/// Velocities are drawn anew when an update begins. Positions aren't kept in the range of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderdampedLangevinConfig {
    /// Transitions an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Time of a step, above 0.
    pub step_size: f64,
    /// Rate at which velocities are forgotten, per unit of time, above 0.
    pub friction: f64,
    /// Temperature in the unit of the energy, above 0.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
}
}

impl UnderdampedLangevinConfig {
    /// So many steps of this size an update, at temperature 1.
    pub fn new(steps: usize, step_size: f64, friction: f64) -> Self {
        Self {
            steps,
            step_size,
            friction,
            temperature: 1.0,
        }
    }

    /// The same at this temperature, in the unit of the energy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// The kernel of replicas at an inverse temperature.
    fn tempered(&self, beta: f64, _: Interval) -> Result<UnderdampedLangevin, InvalidValue> {
        let stretch = stretch_length(beta);
        let kernel = UnderdampedLangevin::new(self.step_size * stretch, self.friction / stretch);
        Ok(kernel
            .with_temperature(self.temperature)
            .with_thermal_start())
    }
}

impl Sampler for UnderdampedLangevinConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.step_size", self.step_size)?;
        check_positive("sampler.friction", self.friction)?;
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

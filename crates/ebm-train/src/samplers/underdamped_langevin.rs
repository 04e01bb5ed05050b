//! Underdamped Langevin dynamics: velocities that last, with friction.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::langevin::UnderdampedLangevin;
use ebm_sampling::tempering::Ladder;
use serde::{Deserialize, Serialize};

use super::{
    Sampler, check_unit_temperature, has_real_states, on_replicas, on_states, stretch_length,
    unit_temperature,
};
use crate::chains::TransitionKernel;
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

    /// The kernel, its steps this much longer.
    fn dynamics(&self, stretch: f64) -> UnderdampedLangevin {
        UnderdampedLangevin::new(self.step_size * stretch, self.friction / stretch)
            .with_temperature(self.temperature)
            .with_thermal_start()
    }
}

impl Sampler for UnderdampedLangevinConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.step_size", self.step_size)?;
        check_positive("sampler.friction", self.friction)?;
        check_positive("sampler.temperature", self.temperature)
    }

    fn transitions(&self) -> usize {
        self.steps
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn moves(structure: &Structure) -> bool {
        has_real_states(structure)
    }

    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        _energy: &E,
        _range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Ok(on_states(self.dynamics(1.0)))
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        ladder: Ladder,
        _range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        check_unit_temperature(self.temperature)?;
        Ok(on_replicas(ladder, self.steps, |beta| {
            self.dynamics(stretch_length(beta))
        }))
    }
}

//! The Metropolis-adjusted Langevin algorithm: Langevin steps, accepted or rejected.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::metropolis_hastings::Mala;
use ebm_sampling::tempering::Ladder;
use serde::{Deserialize, Serialize};

use super::{
    Sampler, check_unit_temperature, clamp_by_default, has_real_states, on_replicas, on_states,
    stretch_gradient, unit_temperature,
};
use crate::chains::TransitionKernel;
use crate::keys::{InvalidValue, check_positive};

crate::keys! {
/// Keys of the Metropolis-adjusted Langevin algorithm (Besag 1994): exact, with one gradient a
/// step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MalaConfig {
    /// Transitions an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Factor of the gradient in a proposal, above 0; best where about 57 % are accepted.
    pub step_size: f64,
    /// Temperature in the unit of the energy, above 0.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
    /// Whether proposals outside the range of the data are rejected.
    #[serde(default = "clamp_by_default")]
    pub clamp: bool,
}
}

impl MalaConfig {
    /// So many steps of this size an update, at temperature 1.
    pub fn new(steps: usize, step_size: f64) -> Self {
        Self {
            steps,
            step_size,
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

    /// The kernel for data in `range`, its steps this much longer.
    fn mala(&self, range: Interval, stretch: f64) -> Mala {
        let mut kernel = Mala::new(self.step_size * stretch).with_temperature(self.temperature);
        kernel.bounds = self.clamp.then_some(range);
        kernel
    }
}

impl Sampler for MalaConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.step_size", self.step_size)?;
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
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Ok(on_states(self.mala(range, 1.0)))
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        ladder: Ladder,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        check_unit_temperature(self.temperature)?;
        Ok(on_replicas(ladder, self.steps, |beta| {
            self.mala(range, stretch_gradient(beta))
        }))
    }
}

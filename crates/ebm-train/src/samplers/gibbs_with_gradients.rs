//! Gibbs with gradients: flips of two-valued units, chosen by the gradient of the energy.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::metropolis_hastings::GibbsWithGradients;
use ebm_sampling::tempering::Ladder;
use serde::{Deserialize, Serialize};

use super::{
    Sampler, check_unit_temperature, coding_of, may_have_two_values, on_replicas, on_states,
    unit_temperature,
};
use crate::chains::TransitionKernel;
use crate::keys::{InvalidValue, check_positive};

crate::keys! {
/// Keys of Gibbs with gradients (Grathwohl et al. 2021): one flip a step, exact. The range of the
/// data is that of the units, `[0, 1]` or `[-1, 1]`, and chains start at `"binary"` states or at
/// binarised data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GibbsWithGradientsConfig {
    /// Transitions an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Temperature in the unit of the energy, above 0.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
}
}

impl GibbsWithGradientsConfig {
    /// So many flips an update, at temperature 1.
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            temperature: 1.0,
        }
    }

    /// The same at this temperature, in the unit of the energy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }
}

/// The kernel for units whose values are the ends of `range`.
fn flips(range: Interval, temperature: f64) -> Result<GibbsWithGradients, InvalidValue> {
    let coding = coding_of(range, "gibbs_with_gradients")?;
    Ok(GibbsWithGradients::new(coding).with_temperature(temperature))
}

impl Sampler for GibbsWithGradientsConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.temperature", self.temperature)
    }

    fn transitions(&self) -> usize {
        self.steps
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn has_two_values(&self) -> bool {
        true
    }

    fn moves(structure: &Structure) -> bool {
        may_have_two_values(structure)
    }

    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        _energy: &E,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Ok(on_states(flips(range, self.temperature)?))
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        ladder: Ladder,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        check_unit_temperature(self.temperature)?;
        let kernel = flips(range, 1.0)?;
        Ok(on_replicas(ladder, self.steps, |_| kernel))
    }
}

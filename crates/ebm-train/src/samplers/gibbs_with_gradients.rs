//! Gibbs with gradients: flips of two-valued units, chosen by the gradient of the energy.

use ebm_models::Structure;
use ebm_ops::Interval;
use ebm_sampling::metropolis_hastings::GibbsWithGradients;
use serde::{Deserialize, Serialize};

use super::{Sampler, coding_of, may_have_two_values, unit_temperature};
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

    /// The kernel, at any inverse temperature, for units whose values are the ends of `range`.
    fn tempered(&self, _: f64, range: Interval) -> Result<GibbsWithGradients, InvalidValue> {
        let coding = coding_of(range, "gibbs_with_gradients")?;
        Ok(GibbsWithGradients::new(coding).with_temperature(self.temperature))
    }
}

impl Sampler for GibbsWithGradientsConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("sampler.temperature", self.temperature)
    }

    move_states!();

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn has_two_values(&self) -> bool {
        true
    }

    fn moves(structure: &Structure) -> bool {
        may_have_two_values(structure)
    }
}

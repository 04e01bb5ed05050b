//! Gibbs sampling of the units of a Boltzmann machine: blocks where it has them, else unit by unit.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::gibbs::{BlockGibbs, SingleSiteGibbs};
use ebm_sampling::tempering::Ladder;
use serde::{Deserialize, Serialize};

use super::{Sampler, refuse_replicas, unit_temperature};
use crate::chains::{OnLayers, OnUnits, TransitionKernel};
use crate::keys::{InvalidValue, check_not_negative};

crate::keys! {
/// Keys of Gibbs sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GibbsConfig {
    /// Sweeps over all units an update, 1 to 1,000,000,000.
    pub steps: usize,
    /// Temperature in the unit of the energy; 0, for single-site updates only, is the deterministic
    /// rule of a Hopfield network.
    #[serde(default = "unit_temperature")]
    pub temperature: f64,
}
}

impl GibbsConfig {
    /// So many sweeps an update, at temperature 1.
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

impl Sampler for GibbsConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_not_negative("sampler.temperature", self.temperature)
    }

    fn transitions(&self) -> usize {
        self.steps
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    fn moves(structure: &Structure) -> bool {
        match structure {
            Structure::Smooth => false,
            Structure::Layered(_) | Structure::Pairwise(_) => true,
        }
    }

    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        energy: &E,
        _range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        let temperature = self.temperature;
        if let Structure::Pairwise(_) = energy.structure() {
            return Ok(Box::new(OnUnits(SingleSiteGibbs::new(temperature))));
        }
        if temperature == 0.0 {
            return Err(InvalidValue {
                key: "sampler.temperature",
                found: "0.0 with \"gibbs\"".into(),
                expected: "a number above 0 for a machine with layers, whose blocks are drawn, or a model that falls: \"hopfield\" or \"boltzmann_machine\"".into(),
            });
        }
        Ok(Box::new(OnLayers {
            kernel: BlockGibbs { temperature },
            replicas: 1,
        }))
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        _ladder: Ladder,
        _range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Err(refuse_replicas("gibbs"))
    }
}

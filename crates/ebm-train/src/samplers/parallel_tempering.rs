//! Parallel tempering: replicas at several temperatures that swap places.

use ebm_models::{Energy, Structure};
use ebm_ops::Interval;
use ebm_sampling::tempering::{BlockParallelTempering, InvalidLadder, Ladder};
use serde::{Deserialize, Serialize};

use super::{GibbsConfig, Sampler, SamplerConfig, refuse_replicas};
use crate::chains::{OnLayers, TransitionKernel};
use crate::keys::{InvalidValue, check};

crate::keys! {
/// Keys of parallel tempering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelTemperingConfig {
    /// Sweeps over all units, each followed by swaps, an update, 1 to 1,000,000,000; of another
    /// sampler (`of`) rounds of its steps, each followed by swaps.
    pub steps: usize,
    /// Number of temperatures, 2 to 1000; each chain has a replica at every one.
    #[serde(default = "ParallelTemperingConfig::default_temperatures")]
    pub temperatures: usize,
    /// Lowest inverse temperature, 0 to below 1, above 0 with `of`. The others lie evenly between
    /// it and 1, with `of` at even ratios.
    #[serde(default)]
    pub lowest: f64,
    /// The sampler whose replicas they are, a section of its own that takes the keys of `sampler`,
    /// at temperature 1; absent: block Gibbs sampling of a machine with layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Box<SamplerConfig>>,
}
}

impl ParallelTemperingConfig {
    /// So many sweeps of the layers of a machine an update, at inverse temperatures from 1 to
    /// `lowest`.
    pub fn new(steps: usize, temperatures: usize, lowest: f64) -> Self {
        Self {
            steps,
            temperatures,
            lowest,
            of: None,
        }
    }

    /// The same with replicas of another sampler, which has to be at temperature 1.
    #[must_use]
    pub fn of(mut self, sampler: impl Into<SamplerConfig>) -> Self {
        self.of = Some(Box::new(sampler.into()));
        self
    }

    fn default_temperatures() -> usize {
        10
    }

    /// The inverse temperatures.
    fn ladder(&self) -> Result<Ladder, InvalidLadder> {
        match self.of {
            None => Ladder::linear(self.temperatures, self.lowest),
            Some(_) => Ladder::geometric(self.temperatures, self.lowest),
        }
    }
}

impl Sampler for ParallelTemperingConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
        check(
            (2..=1000).contains(&self.temperatures),
            "sampler.temperatures",
            self.temperatures,
            "a whole number from 2 to 1000",
        )?;
        check(
            (0.0..1.0).contains(&self.lowest),
            "sampler.lowest",
            format!("{:?}", self.lowest),
            "an inverse temperature of at least 0 and below 1",
        )?;
        let Some(of) = &self.of else {
            return Ok(());
        };
        check(
            self.lowest > 0.0,
            "sampler.lowest",
            format!("{:?}", self.lowest),
            "an inverse temperature above 0 and below 1 with sampler.of, for instance 0.1",
        )?;
        of.validate()
    }

    fn transitions(&self) -> usize {
        self.steps
    }

    fn replicas(&self) -> usize {
        self.temperatures
    }

    fn without_replicas(&self) -> Option<SamplerConfig> {
        Some(match &self.of {
            Some(of) => of.at_one_temperature(),
            None => SamplerConfig::Gibbs(GibbsConfig {
                steps: self.steps,
                temperature: 1.0,
            }),
        })
    }

    fn has_two_values(&self) -> bool {
        self.of
            .as_ref()
            .is_some_and(|of| of.keys().has_two_values())
    }

    /// Of any structure, if `of` names a sampler that can.
    fn moves(_structure: &Structure) -> bool {
        true
    }

    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        energy: &E,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        let ladder = self.ladder().map_err(|error| InvalidValue {
            key: "sampler.temperatures",
            found: self.temperatures.to_string(),
            expected: format!("a ladder of inverse temperatures: {error}"),
        })?;
        let structure = energy.structure();
        match (&self.of, &structure) {
            (Some(of), _) if of.moves(&structure) => of.replicate(ladder, range),
            (None, Structure::Layered(_)) => Ok(Box::new(OnLayers {
                replicas: ladder.temperatures(),
                kernel: BlockParallelTempering::from(ladder),
            })),
            (of, _) => Err(InvalidValue {
                key: "sampler.of",
                found: of.as_ref().map_or("nothing".into(), |of| of.name().into()),
                expected: format!(
                    "a section of keys as those of `sampler` with a kind that moves states of this model: {}",
                    names_of_replicas(&structure)
                ),
            }),
        }
    }

    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        _ladder: Ladder,
        _range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        Err(refuse_replicas("parallel_tempering"))
    }
}

/// The names of samplers whose replicas can be moved, in quotes.
fn names_of_replicas(structure: &Structure) -> String {
    let names = SamplerConfig::names_that_move(structure).into_iter();
    // Replicas of blocks need no `of`, and replicas have none themselves.
    let names = names.filter(|name| !["gibbs", "parallel_tempering"].contains(name));
    let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

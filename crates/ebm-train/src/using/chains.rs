//! How the chains of a use move: units of a machine are redrawn, any other energy is moved through.

use burn::tensor::Tensor;
use ebm_models::{Energy, Structure};
use ebm_ops::{Interval, Noise};
use ebm_sampling::{BlockGibbs, SingleSiteGibbs, run};

use super::error::UsingError;
use crate::recipe::SamplerConfig;
use crate::{rows, run_continuous};

/// How chains move.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainOptions {
    /// The sampler, mostly that of training. Its number of steps isn't used, and of several
    /// temperatures only the lowest.
    pub sampler: SamplerConfig,
    /// The range of the values of a configuration, for samplers that stay in it.
    pub range: Interval,
}

impl ChainOptions {
    /// The sampler without replicas at other temperatures, which are of no use where chains are
    /// looked at.
    pub(super) fn sampler_at_one_temperature(&self) -> SamplerConfig {
        self.sampler.at_one_temperature()
    }
}

/// Moves chains by so many transitions: `[chains, ..]` of states.
pub(super) fn move_chains<E: Energy<D>, const D: usize>(
    energy: &E,
    states: Tensor<D>,
    options: &ChainOptions,
    steps: usize,
    noise: &mut Noise,
) -> Result<Tensor<D>, UsingError> {
    let shape = states.dims();
    let sampler = options.sampler_at_one_temperature();
    match (energy.structure(), &sampler) {
        (Structure::Layered(machine), SamplerConfig::Gibbs(keys)) if keys.temperature > 0.0 => {
            let kernel = BlockGibbs {
                temperature: keys.temperature,
            };
            let layers = machine.split(rows(states));
            let end = run(&kernel, machine.layers(), layers, steps, noise).position;
            Ok(machine.join(end).reshape(shape))
        }
        (Structure::Pairwise(machine), SamplerConfig::Gibbs(keys)) => {
            let kernel = SingleSiteGibbs::new(keys.temperature);
            let end = run(&kernel, &machine, rows(states), steps, noise).position;
            Ok(end.reshape(shape))
        }
        (Structure::Smooth, SamplerConfig::Langevin(_) | SamplerConfig::Metropolis(_)) => {
            let range = options.range.into();
            Ok(run_continuous(energy, &sampler, states, steps, range, noise).position)
        }
        (structure, sampler) => Err(UsingError::sampler(&structure, sampler)),
    }
}

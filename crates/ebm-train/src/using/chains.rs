//! How the chains of a use move: units of a machine are redrawn, any other energy is moved through.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Interval, Noise};
use ebm_sampling::Interrupt;

use super::error::UsingError;
use crate::samplers::SamplerConfig;

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
pub(super) fn move_chains<E: Energy<D> + Clone, const D: usize>(
    energy: &E,
    states: Tensor<D>,
    options: &ChainOptions,
    steps: usize,
    noise: &mut Noise,
) -> Result<Tensor<D>, UsingError> {
    let kernel = options
        .sampler_at_one_temperature()
        .kernel(energy, options.range)?;
    let never = &mut Interrupt::never();
    Ok(kernel.run(energy, states, steps, noise, never).position)
}

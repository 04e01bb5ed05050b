//! The configured kernel, chosen at run time.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::{Run, run};

use crate::config::SamplerConfig;

impl SamplerConfig {
    /// Moves chains by `steps` transitions of the configured kernel, for data in `range`.
    pub fn run<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        position: Tensor<D>,
        steps: usize,
        range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<D>> {
        match self {
            Self::Langevin(keys) => run(&keys.kernel(range), energy, position, steps, noise),
            Self::Metropolis(keys) => run(&keys.kernel(range), energy, position, steps, noise),
        }
    }
}

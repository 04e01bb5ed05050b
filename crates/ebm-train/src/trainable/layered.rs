//! Training of machines with layers: restricted, replicated and deep Boltzmann machines.

use burn::module::Module;
use burn::tensor::Tensor;
use ebm_models::{
    BlockConditional, Dbm, LayeredMachine, Precision, Rbm, ReplicatedRbm, VisibleUnits,
};
use ebm_ops::Noise;
use ebm_sampling::{BlockGibbs, Interrupt, Run, run_unless};

use super::{Trainable, row_shape, rows, run_continuous_unless};
use crate::recipe::SamplerConfig;

/// Share of the distance to the batch's means that offsets of a centred machine move in an update (Melchior,
/// Fischer & Wiskott 2016, section 4.2).
const OFFSET_RATE: f64 = 0.01;

impl<const D: usize> Trainable<D> for Rbm {
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        supports_blocks(sampler)
            || (self.visible_units() == VisibleUnits::Gaussian
                && matches!(
                    sampler,
                    SamplerConfig::Langevin(_) | SamplerConfig::Metropolis(_)
                ))
    }

    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        range: (f64, f64),
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        if !supports_blocks(sampler) {
            return run_continuous_unless(self, sampler, states, steps, range, noise, interrupt);
        }
        run_visible(&self.layers(), sampler, states, steps, noise, interrupt)
    }

    fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
        vec![Rbm::hidden_means(self, rows(states))]
    }

    fn follow(self, states: Tensor<D>) -> Self {
        if self.offsets().is_none() {
            return self;
        }
        let means = Rbm::hidden_means(&self.valid(), rows(states));
        self.with_hidden_means(means.mean_dim(0).squeeze_dim(0), OFFSET_RATE)
    }
}

/// By Gibbs sampling at one temperature only: its blocks are drawn given one copy of the other, which is no distribution of
/// [`joint_energy`](BlockConditional::joint_energy) that replicas could swap by.
impl<const D: usize> Trainable<D> for ReplicatedRbm {
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        matches!(sampler, SamplerConfig::Gibbs(keys) if keys.temperature > 0.0)
    }

    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        _range: (f64, f64),
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        run_visible(self, sampler, states, steps, noise, interrupt)
    }

    fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
        vec![ReplicatedRbm::hidden_means(self, rows(states))]
    }
}

/// States are all units in one row: `[batch, units, 1, ..]`.
impl<const D: usize> Trainable<D> for Dbm {
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        supports_blocks(sampler)
    }

    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        _range: (f64, f64),
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        let shape = states.dims();
        let layers = self.split(rows(states));
        run_blocks(&self.layers(), sampler, layers, steps, noise, interrupt)
            .map(|layers| self.join(layers).reshape(shape))
    }

    fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
        row_shape(examples[0], self.units())
    }

    fn clamp(&self, examples: Tensor<D>, sampler: &SamplerConfig, noise: &mut Noise) -> Tensor<D> {
        self.clamp_unless(examples, sampler, noise, &mut Interrupt::never())
    }

    fn clamp_unless(
        &self,
        examples: Tensor<D>,
        _sampler: &SamplerConfig,
        _noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Tensor<D> {
        let shape = self.state_shape(examples.dims());
        let layers = self
            .layers()
            .mean_field(rows(examples), &self.inference(), &mut || {
                interrupt.is_raised()
            });
        self.join(layers).reshape(shape)
    }

    fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
        let states = self.split(rows(states));
        let layers = self.layers();
        (1..layers.count())
            .map(|l| layers.conditional(l, &states).mean())
            .collect()
    }

    fn follow(self, states: Tensor<D>) -> Self {
        if self.offsets().is_none() {
            return self;
        }
        let means: Vec<Tensor<1>> = self
            .split(rows(states))
            .into_iter()
            .map(|layer| layer.mean_dim(0).squeeze_dim(0))
            .collect();
        self.with_means(&means, OFFSET_RATE)
    }
}

fn supports_blocks(sampler: &SamplerConfig) -> bool {
    match sampler {
        SamplerConfig::Gibbs(keys) => keys.temperature > 0.0,
        SamplerConfig::ParallelTempering(_) => true,
        SamplerConfig::Langevin(_) | SamplerConfig::Metropolis(_) => false,
    }
}

/// Block Gibbs sampling, at one temperature or several.
fn run_blocks<E: BlockConditional>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Vec<Tensor<2>>,
    steps: usize,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Run<Vec<Tensor<2>>> {
    match sampler {
        SamplerConfig::Gibbs(keys) => {
            let kernel = BlockGibbs {
                temperature: keys.temperature,
            };
            run_unless(&kernel, energy, states, steps, noise, interrupt)
        }
        SamplerConfig::ParallelTempering(keys) => {
            run_unless(&keys.kernel(), energy, states, steps, noise, interrupt)
        }
        other => panic!("blocks of units are not redrawn by {}", other.name()),
    }
}

/// Block Gibbs sampling of a machine of two layers whose states are its visible units.
fn run_visible<E: BlockConditional, const D: usize>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    steps: usize,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Run<Tensor<D>> {
    let shape = states.dims();
    let visible = rows(states);
    // The hidden units are drawn before they are looked at.
    let hidden = Tensor::zeros([shape[0], energy.block_sizes()[1]], &visible.device());
    run_blocks(
        energy,
        sampler,
        vec![visible, hidden],
        steps,
        noise,
        interrupt,
    )
    .map(|mut states| states.swap_remove(0).reshape(shape))
}

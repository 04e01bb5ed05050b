//! Training of pairwise machines: Boltzmann machines and Hopfield networks.

use burn::tensor::Tensor;
use ebm_models::{BoltzmannMachine, Hopfield, PairwiseMachine};
use ebm_ops::Noise;
use ebm_ops::activation::sigmoid;
use ebm_sampling::{Interrupt, Run, SingleSiteGibbs, random_states, run_unless};

use super::{Trainable, row_shape, rows};
use crate::recipe::SamplerConfig;

/// What pairwise machines share: states are all units in one row, `[batch, units, 1, ..]`, and the examples themselves
/// without hidden units; temperature 0 is a Hopfield network's own.
macro_rules! trainable_pairwise_machine {
    ($machine:ty) => {
        impl<const D: usize> Trainable<D> for $machine {
            fn supports(&self, sampler: &SamplerConfig) -> bool {
                matches!(sampler, SamplerConfig::Gibbs(_))
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
                run_sites(self, sampler, states, steps, noise, interrupt)
            }

            fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
                all_units(self, examples)
            }

            fn clamp(
                &self,
                examples: Tensor<D>,
                sampler: &SamplerConfig,
                noise: &mut Noise,
            ) -> Tensor<D> {
                draw_hidden(self, examples, sampler, noise, &mut Interrupt::never())
            }

            fn clamp_unless(
                &self,
                examples: Tensor<D>,
                sampler: &SamplerConfig,
                noise: &mut Noise,
                interrupt: &mut Interrupt<'_>,
            ) -> Tensor<D> {
                draw_hidden(self, examples, sampler, noise, interrupt)
            }

            fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
                hidden_site_means(self, states)
            }
        }
    };
}

trainable_pairwise_machine!(BoltzmannMachine);
trainable_pairwise_machine!(Hopfield);

/// Gibbs sampling unit by unit.
fn site_kernel(sampler: &SamplerConfig) -> SingleSiteGibbs {
    match sampler {
        SamplerConfig::Gibbs(keys) => SingleSiteGibbs::new(keys.temperature),
        other => panic!("single units are not redrawn by {}", other.name()),
    }
}

fn run_sites<M: PairwiseMachine, const D: usize>(
    machine: &M,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    steps: usize,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Run<Tensor<D>> {
    let shape = states.dims();
    let (kernel, states) = (site_kernel(sampler), rows(states));
    run_unless(&kernel, machine, states, steps, noise, interrupt).map(|units| units.reshape(shape))
}

fn all_units<M: PairwiseMachine, const D: usize>(machine: &M, examples: [usize; D]) -> [usize; D] {
    if machine.hidden_units() == 0 {
        examples
    } else {
        row_shape(examples[0], machine.units())
    }
}

/// Hidden units from fair coins by as many sweeps as the negative phase makes, visible ones clamped to the examples.
fn draw_hidden<M: PairwiseMachine, const D: usize>(
    machine: &M,
    examples: Tensor<D>,
    sampler: &SamplerConfig,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Tensor<D> {
    if machine.hidden_units() == 0 {
        return examples;
    }
    let shape = all_units(machine, examples.dims());
    let device = examples.device();
    let hidden = [shape[0], machine.hidden_units()];
    let hidden = random_states(machine.coding(), hidden, &device, noise);
    let states = Tensor::cat(vec![rows(examples), hidden], 1);
    let kernel = site_kernel(sampler).with_clamped(machine.visible_units());
    run_unless(&kernel, machine, states, sampler.steps(), noise, interrupt)
        .position
        .reshape(shape)
}

/// The probability that each hidden unit is high given all others.
fn hidden_site_means<M: PairwiseMachine, const D: usize>(
    machine: &M,
    states: Tensor<D>,
) -> Vec<Tensor<2>> {
    let hidden = machine.hidden_units();
    if hidden == 0 {
        return Vec::new();
    }
    let fields = machine
        .fields(rows(states))
        .narrow(1, machine.visible_units(), hidden);
    vec![sigmoid(fields.mul_scalar(machine.coding().field_scale()))]
}

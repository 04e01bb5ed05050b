//! What training asks of a model beyond its energy: how its chains move, and what its hidden units make of an example.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use ebm_models::{
    BlockConditional, BoltzmannMachine, ConvNet, Dbm, Energy, Hopfield, LayeredMachine, Mlp,
    PairwiseMachine, Rbm, ReplicatedRbm, VisibleUnits,
};
use ebm_ops::Noise;
use ebm_sampling::{BlockGibbs, Run, SingleSiteGibbs, random_states, run};

use crate::config::SamplerConfig;

/// An energy that can be trained by contrastive divergence.
///
/// For an energy of the examples themselves, such as a network, `impl Trainable<D> for Mine {}` is all there is to
/// write: its chains then move by Langevin dynamics or Metropolis. A model with hidden units of its own has *states*
/// that hold more than the example; it says how an example becomes a state, and moves its chains itself.
pub trait Trainable<const D: usize>: Energy<D> {
    /// Whether the sampler can move chains of this model.
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        matches!(
            sampler,
            SamplerConfig::Langevin(_) | SamplerConfig::Metropolis(_)
        )
    }

    /// Moves chains by `steps` transitions of the sampler, for data in `range`.
    ///
    /// # Panics
    ///
    /// If the sampler isn't [supported](Self::supports).
    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<D>> {
        run_continuous(self, sampler, states, steps, range, noise)
    }

    /// The shape of states for examples of the shape `[batch, ..]`.
    fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
        examples
    }

    /// The positive phase: states with the visible units clamped to the examples, hidden units inferred. Nothing of it
    /// is on the autodiff graph.
    fn clamp(
        &self,
        examples: Tensor<D>,
        _sampler: &SamplerConfig,
        _noise: &mut Noise,
    ) -> Tensor<D> {
        examples
    }

    /// The probability that hidden units are on, layer by layer `[batch, units]`, given what is beside them in `states`;
    /// on the autodiff graph. Nothing for a model without hidden units.
    fn hidden_means(&self, _states: Tensor<D>) -> Vec<Tensor<2>> {
        Vec::new()
    }

    /// Called after each update with the states of its positive phase: for what follows the data without a gradient.
    fn follow(self, _states: Tensor<D>) -> Self {
        self
    }
}

impl<const D: usize> Trainable<D> for Mlp {}

impl Trainable<4> for ConvNet {}

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

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<D>> {
        if !supports_blocks(sampler) {
            return run_continuous(self, sampler, states, steps, range, noise);
        }
        run_visible(&self.layers(), sampler, states, steps, noise)
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

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        _range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<D>> {
        run_visible(self, sampler, states, steps, noise)
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

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<D>,
        steps: usize,
        _range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<D>> {
        let shape = states.dims();
        let layers = self.split(rows(states));
        run_blocks(&self.layers(), sampler, layers, steps, noise)
            .map(|layers| self.join(layers).reshape(shape))
    }

    fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
        row_shape(examples[0], self.units())
    }

    fn clamp(
        &self,
        examples: Tensor<D>,
        _sampler: &SamplerConfig,
        _noise: &mut Noise,
    ) -> Tensor<D> {
        let shape = self.state_shape(examples.dims());
        let layers = self.mean_field(rows(examples));
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

/// States are all units in one row, `[batch, units, 1, ..]`; without hidden units they are the examples.
impl<const D: usize> Trainable<D> for BoltzmannMachine {
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
    ) -> Run<Tensor<D>> {
        run_sites(self, sampler, states, steps, noise)
    }

    fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
        all_units(self, examples)
    }

    fn clamp(&self, examples: Tensor<D>, sampler: &SamplerConfig, noise: &mut Noise) -> Tensor<D> {
        draw_hidden(self, examples, sampler, noise)
    }

    fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
        hidden_site_means(self, states)
    }
}

/// States as for the Boltzmann machine; temperature 0 is a Hopfield network's own.
impl<const D: usize> Trainable<D> for Hopfield {
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
    ) -> Run<Tensor<D>> {
        run_sites(self, sampler, states, steps, noise)
    }

    fn state_shape(&self, examples: [usize; D]) -> [usize; D] {
        all_units(self, examples)
    }

    fn clamp(&self, examples: Tensor<D>, sampler: &SamplerConfig, noise: &mut Noise) -> Tensor<D> {
        draw_hidden(self, examples, sampler, noise)
    }

    fn hidden_means(&self, states: Tensor<D>) -> Vec<Tensor<2>> {
        hidden_site_means(self, states)
    }
}

/// Langevin dynamics or Metropolis, which any energy allows.
pub(crate) fn run_continuous<E: Energy<D>, const D: usize>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    steps: usize,
    range: (f64, f64),
    noise: &mut Noise,
) -> Run<Tensor<D>> {
    match sampler {
        SamplerConfig::Langevin(keys) => run(&keys.kernel(range), energy, states, steps, noise),
        SamplerConfig::Metropolis(keys) => run(&keys.kernel(range), energy, states, steps, noise),
        other => panic!("this model has no units that {} could redraw", other.name()),
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
) -> Run<Vec<Tensor<2>>> {
    match sampler {
        SamplerConfig::Gibbs(keys) => {
            let kernel = BlockGibbs {
                temperature: keys.temperature,
            };
            run(&kernel, energy, states, steps, noise)
        }
        SamplerConfig::ParallelTempering(keys) => run(&keys.kernel(), energy, states, steps, noise),
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
) -> Run<Tensor<D>> {
    let shape = states.dims();
    let visible = rows(states);
    // The hidden units are drawn before they are looked at.
    let hidden = Tensor::zeros([shape[0], energy.block_sizes()[1]], &visible.device());
    run_blocks(energy, sampler, vec![visible, hidden], steps, noise)
        .map(|mut states| states.swap_remove(0).reshape(shape))
}

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
) -> Run<Tensor<D>> {
    let shape = states.dims();
    run(&site_kernel(sampler), machine, rows(states), steps, noise)
        .map(|units| units.reshape(shape))
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
    run(&kernel, machine, states, sampler.steps(), noise)
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

/// States of any rank as rows: `[batch, units]`.
pub(crate) fn rows<const D: usize>(states: Tensor<D>) -> Tensor<2> {
    states.flatten(1, D - 1)
}

/// `[batch, units, 1, ..]`.
fn row_shape<const D: usize>(batch: usize, units: usize) -> [usize; D] {
    let mut shape = [1; D];
    shape[0] = batch;
    shape[1] = units;
    shape
}

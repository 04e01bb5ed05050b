//! What training asks of a model beyond its energy: how its chains move, and what its hidden units make of an example.

mod layered;
mod pairwise;

use burn::module::Module;
use burn::tensor::Tensor;
use ebm_models::{ConvNet, Energy, Mlp, Precision};
use ebm_ops::Noise;
use ebm_sampling::{Interrupt, Run, run_unless};

use crate::recipe::SamplerConfig;

/// An energy that can be trained by contrastive divergence.
///
/// For an energy of the examples themselves, such as a network, `impl Trainable<D> for Mine {}` is all there is to
/// write: its chains then move by Langevin dynamics or Metropolis. A model with hidden units of its own has *states*
/// that hold more than the example; it says how an example becomes a state, and moves its chains itself.
pub trait Trainable<const D: usize>: Energy<D> + Module {
    /// Whether the sampler can move chains of this model.
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        matches!(
            sampler,
            SamplerConfig::Langevin(_) | SamplerConfig::Metropolis(_)
        )
    }

    /// Whether the model can make its products in this type ([`Precision::frozen`]). One of your own that casts where it
    /// multiplies says so here.
    fn supports_precision(&self, precision: Precision) -> bool {
        precision == Precision::F32
    }

    /// Moves chains by `steps` transitions of the sampler, for data in `range`; by fewer where `interrupt` calls them off between two
    /// of them, which [`Run::steps`] tells.
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
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        run_continuous_unless(self, sampler, states, steps, range, noise, interrupt)
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

    /// As [`clamp`](Self::clamp), for a model whose inference takes long: what it gives once `interrupt` was raised isn't used.
    fn clamp_unless(
        &self,
        examples: Tensor<D>,
        sampler: &SamplerConfig,
        noise: &mut Noise,
        _interrupt: &mut Interrupt<'_>,
    ) -> Tensor<D> {
        self.clamp(examples, sampler, noise)
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

impl<const D: usize> Trainable<D> for Mlp {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

impl Trainable<4> for ConvNet {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

/// Langevin dynamics or Metropolis, which any energy allows.
pub fn run_continuous<E: Energy<D>, const D: usize>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    steps: usize,
    range: (f64, f64),
    noise: &mut Noise,
) -> Run<Tensor<D>> {
    let never = &mut Interrupt::never();
    run_continuous_unless(energy, sampler, states, steps, range, noise, never)
}

/// As [`run_continuous`], unless `interrupt` calls the chains off.
fn run_continuous_unless<E: Energy<D>, const D: usize>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    steps: usize,
    range: (f64, f64),
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Run<Tensor<D>> {
    match sampler {
        SamplerConfig::Langevin(keys) => {
            run_unless(&keys.kernel(range), energy, states, steps, noise, interrupt)
        }
        SamplerConfig::Metropolis(keys) => {
            run_unless(&keys.kernel(range), energy, states, steps, noise, interrupt)
        }
        other => panic!("this model has no units that {} could redraw", other.name()),
    }
}

/// States of any rank as rows: `[batch, units]`.
pub fn rows<const D: usize>(states: Tensor<D>) -> Tensor<2> {
    states.flatten(1, D - 1)
}

/// `[batch, units, 1, ..]`.
fn row_shape<const D: usize>(batch: usize, units: usize) -> [usize; D] {
    let mut shape = [1; D];
    shape[0] = batch;
    shape[1] = units;
    shape
}

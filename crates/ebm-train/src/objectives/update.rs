//! What an objective has to choose its points from: a batch, the frozen model, its chains, noise.

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::{Interval, Noise};
use ebm_sampling::Interrupt;

use crate::chains::{NegativePhase, Negatives, TransitionKernel};
use crate::examples::Batch;
use crate::metrics::{DeviceScalars, Scalar};
use crate::samplers::SamplerConfig;
use crate::trainable::clamp;

/// The chains of a trainer: where they start, and what moves them.
pub(crate) struct Chains<'a, M, const D: usize> {
    pub(crate) phase: &'a NegativePhase<D>,
    pub(crate) kernel: &'a dyn TransitionKernel<M, D>,
    /// Transitions of this update.
    pub(crate) transitions: usize,
    /// The frozen model, its products of the type in which chains move.
    pub(crate) moving: &'a M,
}

/// What a recipe says of the states of the data.
pub(crate) struct PositivePhase<'a> {
    pub(crate) sampler: &'a SamplerConfig,
    /// Standard deviation of the noise added to the examples.
    pub(crate) data_noise: f64,
    pub(crate) range: Interval,
    /// Whether a state holds more than its example.
    pub(crate) infers: bool,
}

/// One update, as an objective sees it before the energies that it asks for are known.
///
/// Everything is drawn from the trainer's noise in the order in which it is asked for, and once:
/// what was asked for before is given again.
pub struct Update<'a, M, const D: usize> {
    batch: Batch<D>,
    frozen: &'a M,
    positive: PositivePhase<'a>,
    chains: Option<Chains<'a, M, D>>,
    noise: &'a mut Noise,
    interrupted: &'a mut dyn FnMut() -> bool,
    states: Option<Tensor<D>>,
    data: Option<Tensor<D>>,
    negatives: Option<Negatives<D>>,
    scalars: DeviceScalars,
}

/// What is left of an update when its points are chosen.
pub(crate) struct Chosen<const D: usize> {
    /// The states of the positive phase, with noise.
    pub(crate) data: Tensor<D>,
    pub(crate) negatives: Option<Negatives<D>>,
    pub(crate) scalars: DeviceScalars,
}

impl<'a, M: Energy<D>, const D: usize> Update<'a, M, D> {
    pub(crate) fn new(
        batch: Batch<D>,
        frozen: &'a M,
        positive: PositivePhase<'a>,
        chains: Option<Chains<'a, M, D>>,
        noise: &'a mut Noise,
        interrupted: &'a mut dyn FnMut() -> bool,
    ) -> Self {
        Self {
            batch,
            frozen,
            positive,
            chains,
            noise,
            interrupted,
            states: None,
            data: None,
            negatives: None,
            scalars: Vec::new(),
        }
    }

    /// The examples of the update, with their labels where there are any.
    pub fn batch(&self) -> &Batch<D> {
        &self.batch
    }

    /// The model as it is, off the autodiff graph.
    pub fn model(&self) -> &'a M {
        self.frozen
    }

    /// The range of the data.
    pub fn range(&self) -> Interval {
        self.positive.range
    }

    /// The device of the examples.
    pub fn device(&self) -> Device {
        self.batch.x.device()
    }

    /// The source of all randomness of the update.
    pub fn noise(&mut self) -> &mut Noise {
        self.noise
    }

    /// A number for the metrics, `[1]`, off the autodiff graph.
    pub fn tell(&mut self, scalar: Scalar, value: Tensor<1>) {
        self.scalars.push((scalar, value));
    }

    /// The states of the examples: the examples themselves, with hidden units inferred where a
    /// model has them in its states. Without the noise of the data.
    pub fn states(&mut self) -> Tensor<D> {
        if let Some(states) = &self.states {
            return states.clone();
        }
        let examples = self.batch.x.clone();
        let states = if self.positive.infers {
            let (sampler, mut interrupt) = (
                self.positive.sampler,
                Interrupt::when(&mut *self.interrupted),
            );
            let structure = self.frozen.structure();
            let (sweeps, temperature) = (sampler.transitions(), sampler.temperature());
            clamp(
                &structure,
                examples,
                sweeps,
                temperature,
                self.noise,
                &mut interrupt,
            )
        } else {
            examples
        };
        self.states.insert(states).clone()
    }

    /// The [states](Self::states) of the examples with the noise of the data: `[batch, ..]`.
    pub fn data(&mut self) -> Tensor<D> {
        if let Some(data) = &self.data {
            return data.clone();
        }
        let states = self.states();
        let data = add_noise(
            states,
            self.positive.data_noise,
            self.positive.range,
            self.noise,
        );
        self.data.insert(data).clone()
    }

    /// As many samples of the model as there are examples, where the trainer's chains have ended
    /// now: `[batch, ..]`. The chains are kept if the update is applied.
    ///
    /// # Panics
    ///
    /// If the objective [needs no chains](super::Objective::needs_chains).
    pub fn negatives(&mut self) -> Tensor<D> {
        if let Some(negatives) = &self.negatives {
            return negatives.samples.clone();
        }
        let states = self.states();
        let chains = self.chains.as_ref().unwrap_or_else(|| {
            panic!("an objective that says that it needs no chains asked for their samples")
        });
        let mut interrupt = Interrupt::when(&mut *self.interrupted);
        let negatives = chains.phase.sample(
            chains.moving,
            chains.kernel,
            &states,
            chains.transitions,
            self.noise,
            &mut interrupt,
        );
        self.negatives.insert(negatives).samples.clone()
    }

    /// What the trainer needs of it.
    pub(crate) fn finish(mut self) -> Chosen<D> {
        let data = self.data();
        Chosen {
            data,
            negatives: self.negatives,
            scalars: self.scalars,
        }
    }
}

/// Adds normal noise and brings the result back into the range.
fn add_noise<const D: usize>(
    x: Tensor<D>,
    std: f64,
    range: Interval,
    noise: &mut Noise,
) -> Tensor<D> {
    if std == 0.0 {
        return x;
    }
    let draws: Tensor<D> = noise.normal(x.dims(), &x.device());
    (x + draws.mul_scalar(std)).clamp(range.low, range.high)
}

//! The trainer: one update after the other, all of its state in a checkpoint.

mod metrics;
mod state;

use burn::tensor::{Device, Tensor};
use ebm_models::Precision;
use ebm_ops::Noise;
use ebm_sampling::Interrupt;

pub use metrics::{Metrics, StepOutcome};

use crate::error::TrainError;
use crate::examples::{Examples, Order};
use crate::gradients::ParameterGradients;
use crate::memory;
use crate::moving_average::MovingAverage;
use crate::negative_phase::NegativePhase;
use crate::objective::{ContrastiveDivergence, Sparsity};
use crate::optimizer::ParameterOptimizer;
use crate::recipe::{ChainsConfig, InvalidValue, Recipe, SamplerConfig};
use crate::trainable::Trainable;
use crate::weights::weights;

/// Trains one energy on one set of examples by contrastive divergence.
///
/// An update follows an estimate of the gradient of the negative log-likelihood,
///
/// ```text
/// d/dw -log p(x_data)  ≈  mean over a batch of dE(x_data)/dw  -  mean over chains of dE(x_sample)/dw
/// ```
///
/// with samples that Markov chains draw from the model as it is (Hinton 2002; chains that live on between updates: Tieleman 2008,
/// Du & Mordatch 2019). It is: a batch, the negatives that the frozen model gives, the
/// [objective](ContrastiveDivergence), the optimizer. One array of scalars is read back from the device, after the chains
/// have run, since a step that isn't finite must not be applied.
///
/// # Shapes
///
/// `D` is the rank of a batch of examples: 2 for vectors `[batch, features]`, 4 for images `[batch, channels, height, width]`.
pub struct Trainer<M, const D: usize> {
    recipe: Recipe,
    model: M,
    average: Option<MovingAverage<M>>,
    optimizer: ParameterOptimizer,
    negative_phase: NegativePhase<D>,
    examples: Examples<D>,
    order: Order,
    noise: Noise,
    step: u64,
    rollbacks: u32,
}

impl<M: Trainable<D>, const D: usize> Trainer<M, D> {
    /// Prepares training; `noise` is the source of all its randomness.
    ///
    /// # Errors
    ///
    /// If a value is out of range, there are fewer examples than a batch takes, or the chains don't fit into
    /// memory.
    pub fn new(
        recipe: Recipe,
        model: M,
        examples: Examples<D>,
        mut noise: Noise,
    ) -> Result<Self, TrainError> {
        recipe.validate()?;
        let batch_size = recipe.batch_size;
        if batch_size > examples.len() {
            return Err(TrainError::BatchTooLarge {
                batch_size,
                examples: examples.len(),
            });
        }
        if !model.supports(&recipe.sampler) {
            return Err(unsupported(&recipe.sampler).into());
        }
        check_precision(recipe.precision, &model, &examples.device())?;
        let mut shape = model.state_shape(examples.shape());
        let (key, found, chains) = match &recipe.chains {
            ChainsConfig::ReplayBuffer(keys) => ("chains.capacity", keys.capacity, keys.capacity),
            _ => {
                let replicas = recipe.sampler.replicas();
                (
                    "sampler.temperatures",
                    replicas,
                    batch_size.saturating_mul(replicas),
                )
            }
        };
        shape[0] = chains;
        // Where chains start is drawn, brought to its range and stored, the one from the other.
        let values = memory::product(&shape).saturating_mul(3);
        let device = examples.device();
        if !memory::fits_on(values, &device) {
            return Err(InvalidValue {
                key,
                found: found.to_string(),
                expected: format!(
                    "chains that fit into memory (these take {})",
                    memory::amount(values)
                ),
            }
            .into());
        }
        let order = Order::new(noise.split());
        shape[0] = batch_size;
        // Data, the same with noise, chains, their gradients, and the pass over data and chains together.
        let batch = memory::product(&shape).saturating_mul(6);
        if !memory::fits_on(batch, &device) {
            return Err(InvalidValue {
                key: "training.batch_size",
                found: batch_size.to_string(),
                expected: format!(
                    "batches of examples and chains that fit into memory (these take {})",
                    memory::amount(batch)
                ),
            }
            .into());
        }
        let negative_phase = NegativePhase::new(&recipe, shape, &mut noise, &device);
        Ok(Self {
            average: recipe
                .ema_decay
                .map(|decay| MovingAverage::new(&model, decay)),
            model: model.train(),
            optimizer: ParameterOptimizer::new(&recipe.optimizer),
            negative_phase,
            examples,
            order,
            noise,
            step: 0,
            rollbacks: 0,
            recipe,
        })
    }

    /// Makes one update.
    pub fn step(&mut self) -> StepOutcome {
        loop {
            // What nobody interrupts is made the first time.
            if let Some(outcome) = self.step_unless(&mut Interrupt::never()) {
                return outcome;
            }
        }
    }

    /// Makes one update, unless `interrupt` calls it off while its chains are moved. It is then as if it had not been tried, `None`: the
    /// noise, the chains and the place in the data are as before, so that the update that comes next is the same, bit for bit.
    pub fn step_unless(&mut self, interrupt: &mut Interrupt<'_>) -> Option<StepOutcome> {
        let (noise, place) = (self.noise.clone(), self.order.place());
        let recipe = &self.recipe;
        let learning_rate = self.learning_rate();
        let indices = self.order.next(recipe.batch_size, self.examples.len());
        let data = self.examples.batch(indices).x;

        let frozen = self.model.valid();
        // The same, but for the type of its products where chains are to move in half precision.
        let moving = recipe.precision.frozen(&frozen);
        // Chains that start at the data start at the examples, the objective sees them with noise.
        let clamped = frozen.clamp_unless(data, &self.recipe.sampler, &mut self.noise, interrupt);
        let negatives =
            self.negative_phase
                .sample(&moving, &clamped, &self.recipe, &mut self.noise, interrupt);
        if interrupt.was_raised() {
            (self.noise, self.order) = (noise, place);
            return None;
        }
        let clamped = add_noise(
            clamped,
            recipe.data_noise,
            self.recipe.range,
            &mut self.noise,
        );

        let mut objective = ContrastiveDivergence {
            energy_regularizer: self.recipe.objective.energy_regularizer,
        }
        .evaluate(
            &self.model,
            clamped.clone().autodiff(),
            negatives.samples.clone().autodiff(),
        );
        if let Some(keys) = &self.recipe.objective.sparsity {
            let sparsity = Sparsity {
                target: keys.target,
                cost: keys.cost,
            };
            let hidden = self.model.hidden_means(clamped.clone().autodiff());
            if let Some(penalty) = sparsity.penalty(hidden) {
                objective.loss = objective.loss + penalty;
            }
        }
        let gradients = ParameterGradients::collect(&self.model, objective.loss.backward());

        self.step += 1;
        let metrics =
            Metrics::read_back(self.step, &objective, &gradients, &negatives, learning_rate);
        if !metrics.is_finite() || metrics.largest_energy() > self.recipe.energy_limit {
            return Some(StepOutcome::Refused(metrics));
        }
        let factor = match self.recipe.optimizer.gradient_clip() {
            Some(limit) if metrics.gradient_norm > limit => limit / metrics.gradient_norm,
            _ => 1.0,
        };
        self.negative_phase.keep(negatives);
        let model = self.model.clone();
        self.model = self
            .optimizer
            .step(self.step - 1, learning_rate, model, gradients, factor)
            .follow(clamped);
        let average = self.average.take();
        self.average = average.map(|average| average.updated(&self.model, self.step - 1));
        Some(StepOutcome::Applied(metrics))
    }

    /// The number of updates so far, refused ones included.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The examples.
    pub fn examples(&self) -> &Examples<D> {
        &self.examples
    }

    /// The model that is being trained, on the autodiff graph.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Replaces the model before the first update, by one that was trained in another way, say.
    pub fn set_model(&mut self, model: M) {
        if let Some(average) = &mut self.average {
            average.set_model(model.valid());
        }
        self.model = model.train();
    }

    /// The model to sample from, off the autodiff graph: the moving average of the weights if one is kept,
    /// else the weights.
    pub fn sampling_model(&self) -> M {
        self.average
            .as_ref()
            .map_or_else(|| self.model.valid(), |average| average.model().clone())
    }

    /// Whether every weight is a finite number. Reads them back from the device.
    pub fn has_finite_weights(&self) -> bool {
        weights(&self.model)
            .into_values()
            .all(|data| data.convert::<f32>().iter::<f32>().all(f32::is_finite))
    }

    /// The learning rate of the next update: the schedule's, halved by each roll-back.
    pub fn learning_rate(&self) -> f64 {
        self.recipe.learning_rate(self.step, self.rollbacks)
    }

    /// The number of times that training went back to a checkpoint.
    pub fn rollbacks(&self) -> u32 {
        self.rollbacks
    }
}

/// What to say of a sampler that can't move chains of the model.
fn unsupported(sampler: &SamplerConfig) -> InvalidValue {
    match sampler {
        SamplerConfig::Gibbs(keys) if keys.temperature == 0.0 => InvalidValue {
            key: "sampler.temperature",
            found: "0.0 with \"gibbs\"".into(),
            expected: "a number above 0 for a machine with layers, whose blocks are drawn, or a model that falls: \"hopfield\" or \"boltzmann_machine\"".into(),
        },
        other => InvalidValue {
            key: "sampler.kind",
            found: format!("\"{}\"", other.name()),
            expected: "a sampler that can move chains of this model: \"langevin\" or \"metropolis\" for networks and Gaussian units, \"gibbs\" or \"parallel_tempering\" for machines with layers, \"gibbs\" for pairwise machines".into(),
        },
    }
}

/// Fails unless model and device make their products in this type.
fn check_precision<M: Trainable<D>, const D: usize>(
    precision: Precision,
    model: &M,
    device: &Device,
) -> Result<(), TrainError> {
    if !model.supports_precision(precision) {
        return Err(InvalidValue {
            key: "training.precision",
            found: format!("\"{precision}\""),
            expected: "\"f32\" with this model: networks and machines with layers can do with less"
                .into(),
        }
        .into());
    }
    if !precision.is_supported_by(device) {
        return Err(TrainError::UnsupportedPrecision { precision });
    }
    Ok(())
}

/// Adds normal noise and brings the result back into the range.
fn add_noise<const D: usize>(
    x: Tensor<D>,
    std: f64,
    (low, high): (f64, f64),
    noise: &mut Noise,
) -> Tensor<D> {
    if std == 0.0 {
        return x;
    }
    let draws: Tensor<D> = noise.normal(x.dims(), &x.device());
    (x + draws.mul_scalar(std)).clamp(low, high)
}

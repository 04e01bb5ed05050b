//! The trainer: one update after the other, all of its state in a checkpoint.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use ebm_ops::Noise;
use serde::Serialize;

use crate::checkpoint::{Checkpoint, TrainerState};
use crate::config::{ChainsConfig, ConfigError, SamplerConfig, TrainerConfig};
use crate::error::TrainError;
use crate::examples::{Examples, Order};
use crate::gradients::ParameterGradients;
use crate::memory;
use crate::moving_average::MovingAverage;
use crate::negative_phase::NegativePhase;
use crate::objective::{ContrastiveDivergence, Sparsity};
use crate::optimizer::ParameterOptimizer;
use crate::trainable::Trainable;
use crate::weights::{load_weights, weights};

/// Trains one energy on one set of examples by contrastive divergence.
///
/// An update is: a batch, the negatives that the frozen model gives, the objective, the optimizer. One array
/// of scalars is read back from the device, after the chains have run, since a step that isn't finite must
/// not be applied.
pub struct Trainer<M, const D: usize> {
    config: TrainerConfig,
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

/// What one update has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// The number of updates so far, this one included.
    pub step: u64,
    /// The objective.
    pub loss: f64,
    /// Mean energy of the batch, in nats.
    pub data_energy: f64,
    /// Mean energy of the samples, in nats.
    pub sample_energy: f64,
    /// `sample_energy - data_energy`: positive where the model prefers the data.
    pub gap: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Root mean square distance, per value, that the chains of this update moved.
    pub displacement: f64,
    /// Mean share of accepted proposals, for samplers that reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// Learning rate of this update.
    pub learning_rate: f64,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepOutcome {
    /// The parameters moved.
    Applied(Metrics),
    /// Objective or gradient were not finite, or an energy beyond the limit: nothing changed but the step
    /// number, the noise and the place in the data.
    Refused(Metrics),
}

impl<M: Trainable<D>, const D: usize> Trainer<M, D> {
    /// Prepares training; `noise` is the source of all its randomness.
    ///
    /// # Errors
    ///
    /// If a value is out of range, there are fewer examples than a batch takes, or the chains don't fit into
    /// memory.
    pub fn new(
        config: TrainerConfig,
        model: M,
        examples: Examples<D>,
        mut noise: Noise,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let batch_size = config.training.batch_size;
        if batch_size > examples.len() {
            return Err(TrainError::BatchTooLarge {
                batch_size,
                examples: examples.len(),
            });
        }
        if !model.supports(&config.sampler) {
            return Err(unsupported(&config.sampler).into());
        }
        let mut shape = model.state_shape(examples.shape());
        if let ChainsConfig::ReplayBuffer(keys) = &config.chains {
            shape[0] = keys.capacity;
            let values = memory::product(&shape);
            if !memory::fits(values) {
                return Err(ConfigError::Value {
                    key: "chains.capacity",
                    found: keys.capacity.to_string(),
                    expected: format!(
                        "chains that fit into memory (these take {})",
                        memory::amount(values)
                    ),
                }
                .into());
            }
        }
        let order = Order::new(noise.split());
        shape[0] = batch_size;
        let negative_phase = NegativePhase::new(&config, shape, &mut noise, &examples.device());
        Ok(Self {
            average: config
                .training
                .ema_decay
                .map(|decay| MovingAverage::new(&model, decay)),
            model: model.train(),
            optimizer: ParameterOptimizer::new(&config.optimizer),
            negative_phase,
            examples,
            order,
            noise,
            step: 0,
            rollbacks: 0,
            config,
        })
    }

    /// Makes one update.
    pub fn step(&mut self) -> StepOutcome {
        let training = &self.config.training;
        let learning_rate = self.learning_rate();
        let indices = self.order.next(training.batch_size, self.examples.len());
        let data = self.examples.batch(indices);

        let frozen = self.model.valid();
        // Chains that start at the data start at the examples, the objective sees them with noise.
        let clamped = frozen.clamp(data, &self.config.sampler, &mut self.noise);
        let negatives =
            self.negative_phase
                .sample(&frozen, &clamped, &self.config, &mut self.noise);
        let clamped = add_noise(
            clamped,
            training.data_noise,
            self.config.range,
            &mut self.noise,
        );

        let mut objective = ContrastiveDivergence {
            energy_regularizer: self.config.objective.energy_regularizer,
        }
        .evaluate(
            &self.model,
            clamped.clone().autodiff(),
            negatives.samples.clone().autodiff(),
        );
        if let Some(keys) = &self.config.objective.sparsity {
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
        let metrics = self.read_back(&objective, &gradients, &negatives, learning_rate);
        if !metrics.is_finite() || metrics.largest_energy() > self.config.energy_limit {
            return StepOutcome::Refused(metrics);
        }
        let factor = match self.config.optimizer.gradient_clip() {
            Some(limit) if metrics.gradient_norm > limit => limit / metrics.gradient_norm,
            _ => 1.0,
        };
        self.negative_phase.keep(negatives);
        let model = self.model.clone();
        self.model = self
            .optimizer
            .step(self.step - 1, learning_rate, model, gradients, factor)
            .follow(clamped);
        if let Some(average) = &mut self.average {
            average.update(&self.model, self.step - 1);
        }
        StepOutcome::Applied(metrics)
    }

    /// The number of updates so far, refused ones included.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// The configuration.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
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
        let factor = self
            .config
            .schedule
            .factor(self.step, self.config.training.steps);
        self.config.optimizer.learning_rate() * factor * 0.5_f64.powi(self.rollbacks as i32)
    }

    /// The number of times that training went back to a checkpoint.
    pub fn rollbacks(&self) -> u32 {
        self.rollbacks
    }

    /// Goes back to `checkpoint` with half the learning rate that training has now.
    ///
    /// # Errors
    ///
    /// A message, if the checkpoint belongs to another model or configuration.
    pub fn roll_back(&mut self, checkpoint: Checkpoint) -> Result<(), String> {
        let rollbacks = self.rollbacks + 1;
        self.restore(checkpoint)?;
        self.rollbacks = rollbacks;
        Ok(())
    }

    /// Everything that training depends on but the configuration and the data.
    pub fn checkpoint(&self) -> Checkpoint {
        let (optimizer, counters) = self.optimizer.state();
        let mut tensors = BTreeMap::new();
        insert(&mut tensors, MODEL, weights(&self.model));
        if let Some(average) = &self.average {
            insert(&mut tensors, AVERAGE, weights(average.model()));
        }
        insert(&mut tensors, OPTIMIZER, optimizer);
        if let Some(chains) = self.negative_phase.chains() {
            tensors.insert(CHAINS.to_string(), chains);
        }
        Checkpoint {
            state: TrainerState {
                step: self.step,
                rollbacks: self.rollbacks,
                noise: self.noise.clone(),
                order: self.order.clone(),
                counters,
                used_up: false,
            },
            tensors,
        }
    }

    /// Restores what [`checkpoint`](Self::checkpoint) gave: the next step is then, bit for bit on one
    /// backend, the step that would have followed.
    ///
    /// # Errors
    ///
    /// A message, if the checkpoint belongs to another model or configuration; the trainer is as it was then.
    pub fn restore(&mut self, checkpoint: Checkpoint) -> Result<(), String> {
        let Checkpoint { state, mut tensors } = checkpoint;
        let model = load_weights(self.model.clone(), take(&mut tensors, MODEL))?;
        let average = take(&mut tensors, AVERAGE);
        let average = match &self.average {
            Some(_) if average.is_empty() => {
                return Err(
                    "it holds no moving average, but config key `training.ema_decay` keeps one"
                        .into(),
                );
            }
            Some(old) => Some(load_weights(old.model().clone(), average)?),
            None if average.is_empty() => None,
            None => {
                return Err(
                    "it holds a moving average, but config key `training.ema_decay` keeps none"
                        .into(),
                );
            }
        };
        self.negative_phase.restore(tensors.remove(CHAINS))?;
        self.optimizer
            .restore(&model, take(&mut tensors, OPTIMIZER), state.counters);
        self.model = model;
        if let (Some(old), Some(new)) = (&mut self.average, average) {
            old.set_model(new);
        }
        self.step = state.step;
        self.rollbacks = state.rollbacks;
        self.noise = state.noise;
        self.order = state.order;
        Ok(())
    }

    /// The one read-back of an update.
    fn read_back(
        &self,
        objective: &crate::Objective,
        gradients: &ParameterGradients,
        negatives: &crate::Negatives<D>,
        learning_rate: f64,
    ) -> Metrics {
        let mut scalars = vec![
            objective.loss.clone().inner(),
            objective.data_energy.clone().inner(),
            objective.sample_energy.clone().inner(),
            negatives.displacement.clone(),
        ];
        let norm = gradients.norm();
        let has_norm = norm.is_some();
        scalars.extend(norm);
        scalars.extend(negatives.acceptance.clone());
        let values = Tensor::cat(scalars, 0).into_data().convert::<f32>();
        let mut values = values.iter::<f32>().map(f64::from);
        let mut next = || values.next().unwrap_or(f64::NAN);
        let (loss, data_energy, sample_energy, displacement) = (next(), next(), next(), next());
        let gradient_norm = if has_norm { next() } else { 0.0 };
        Metrics {
            step: self.step,
            loss,
            data_energy,
            sample_energy,
            gap: sample_energy - data_energy,
            gradient_norm,
            displacement,
            acceptance: negatives.acceptance.is_some().then(&mut next),
            learning_rate,
        }
    }
}

/// What to say of a sampler that can't move chains of the model.
fn unsupported(sampler: &SamplerConfig) -> ConfigError {
    match sampler {
        SamplerConfig::Gibbs(keys) if keys.temperature == 0.0 => ConfigError::Value {
            key: "sampler.temperature",
            found: "0.0 with \"gibbs\"".into(),
            expected: "a number above 0 for a machine with layers, whose blocks are drawn, or a model that falls: \"hopfield\" or \"boltzmann_machine\"".into(),
        },
        other => ConfigError::Value {
            key: "sampler.kind",
            found: format!("\"{}\"", other.name()),
            expected: "a sampler that can move chains of this model: \"langevin\" or \"metropolis\" for networks and Gaussian units, \"gibbs\" or \"parallel_tempering\" for machines with layers, \"gibbs\" for pairwise machines".into(),
        },
    }
}

impl Metrics {
    /// Whether objective, energies and gradient are finite.
    pub fn is_finite(&self) -> bool {
        [
            self.loss,
            self.data_energy,
            self.sample_energy,
            self.gradient_norm,
        ]
        .iter()
        .all(|value| value.is_finite())
    }

    fn largest_energy(&self) -> f64 {
        self.data_energy.abs().max(self.sample_energy.abs())
    }
}

/// Names of the arrays in a checkpoint.
const MODEL: &str = "model";
const AVERAGE: &str = "average";
const OPTIMIZER: &str = "optimizer";
const CHAINS: &str = "chains";

/// Adds `part` under `prefix.`.
fn insert(
    tensors: &mut BTreeMap<String, TensorData>,
    prefix: &str,
    part: BTreeMap<String, TensorData>,
) {
    tensors.extend(
        part.into_iter()
            .map(|(name, data)| (format!("{prefix}.{name}"), data)),
    );
}

/// Takes what is under `prefix.` out.
fn take(tensors: &mut BTreeMap<String, TensorData>, prefix: &str) -> BTreeMap<String, TensorData> {
    let (part, rest) = std::mem::take(tensors).into_iter().partition(|(name, _)| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('.'))
    });
    *tensors = rest;
    let part: BTreeMap<String, TensorData> = part;
    part.into_iter()
        .map(|(name, data)| (name[prefix.len() + 1..].to_string(), data))
        .collect()
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

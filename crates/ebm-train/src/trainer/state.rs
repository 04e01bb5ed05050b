//! All of a trainer's state as a checkpoint, and back.

use std::collections::BTreeMap;

use burn::tensor::TensorData;

use super::Trainer;
use crate::chains::NegativePhase;
use crate::saving::checkpoint::{AVERAGE, CHAINS, MODEL, OPTIMIZER, take_part};
use crate::saving::{Checkpoint, StateMismatch, TrainerState};
use crate::saving::{load_weights, weights};
use crate::trainable::Trainable;

impl<M: Trainable<D>, const D: usize> Trainer<M, D> {
    /// Goes back to `checkpoint` with half the learning rate that training has now, and with chains
    /// as long as they are now.
    ///
    /// # Errors
    ///
    /// If the checkpoint belongs to another model or configuration.
    pub fn roll_back(&mut self, checkpoint: Checkpoint) -> Result<(), StateMismatch> {
        let (rollbacks, chain_factor) = (self.rollbacks + 1, self.chain_factor);
        self.restore(checkpoint)?;
        (self.rollbacks, self.chain_factor) = (rollbacks, chain_factor);
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
        if let Some(chains) = self.negative_phase.as_ref().and_then(NegativePhase::chains) {
            tensors.insert(CHAINS.to_string(), chains);
        }
        Checkpoint {
            state: TrainerState {
                step: self.step,
                rollbacks: self.rollbacks,
                chain_factor: self.chain_factor,
                base_rate: Some(self.recipe.optimizer.learning_rate()),
                noise: self.noise.clone(),
                order: self.order.clone(),
                counters,
                used_up: false,
                collapses: 0,
                examples: Some(self.examples.fingerprint()),
            },
            tensors,
        }
    }

    /// Restores what [`checkpoint`](Self::checkpoint) gave: the next step is then, bit for bit on
    /// one backend, the step that would have followed.
    ///
    /// # Errors
    ///
    /// If the checkpoint belongs to another model or configuration; the trainer is as it
    /// was then.
    pub fn restore(&mut self, checkpoint: Checkpoint) -> Result<(), StateMismatch> {
        let Checkpoint { state, mut tensors } = checkpoint;
        let model = load_weights(self.model.clone(), take_part(&mut tensors, MODEL))?;
        let average = take_part(&mut tensors, AVERAGE);
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
        if let Some((name, count)) = state.counters.iter().find(|entry| *entry.1 > state.step) {
            return Err(StateMismatch(format!(
                "counter {name} is {count}, but only {} updates were made",
                state.step
            )));
        }
        let mut optimizer = self.optimizer.clone();
        optimizer.restore(&model, take_part(&mut tensors, OPTIMIZER), state.counters)?;
        let chains = tensors.remove(CHAINS);
        if let Some(name) = tensors.keys().next() {
            return Err(StateMismatch(format!("it has an unknown array {name}")));
        }
        // The last that can fail, since it changes what it restores.
        match &mut self.negative_phase {
            Some(phase) => phase.restore(chains)?,
            None if chains.is_some() => {
                return Err("it holds chains, but the objective needs none".into());
            }
            None => {}
        }
        self.optimizer = optimizer;
        self.model = model;
        if let (Some(old), Some(new)) = (&mut self.average, average) {
            old.set_model(new);
        }
        self.step = state.step;
        self.rollbacks = state.rollbacks;
        self.chain_factor = state.chain_factor;
        self.noise = state.noise;
        self.order = state.order;
        Ok(())
    }
}

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

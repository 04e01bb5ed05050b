//! A checkpoint: everything that training depends on but the configuration and the data, in one
//! file.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::TensorData;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::error::CheckpointError;
use super::tensor_file::TensorFile;
use crate::examples::{Fingerprint, Order};

/// Names of the arrays.
pub(crate) const MODEL: &str = "model";
pub(crate) const AVERAGE: &str = "average";
pub(crate) const OPTIMIZER: &str = "optimizer";
pub(crate) const CHAINS: &str = "chains";

/// Metadata key of the state.
const STATE: &str = "state";
/// Metadata key of the format's version.
const VERSION: &str = "ebm_checkpoint";
/// The version that this program writes and reads.
const CURRENT: &str = "1";

/// Far more than leave anything of a learning rate, which is 0 after 1075 of them.
pub const MOST_ROLLBACKS: u32 = 1_000_000;

/// The most times that chains are longer than the configuration says.
pub(crate) const LONGEST_CHAINS: f32 = 1e6;

/// The most updates, beyond which an f64 skips numbers.
const MOST_STEPS: u64 = 1 << 53;

/// The arrays and the state of a trainer.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What isn't an array.
    pub state: TrainerState,
    /// Weights (`model.*`), their moving average (`average.*`), what the optimizer remembers
    /// (`optimizer.*`) and the chains (`chains`).
    pub tensors: BTreeMap<String, TensorData>,
}

/// What of a trainer's state isn't an array.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerState {
    /// Updates made.
    pub step: u64,
    /// Times that training went back to a checkpoint; each halves the learning rate.
    pub rollbacks: u32,
    /// How many times as long as the configuration says chains are, 1 or more.
    #[serde(default = "as_they_are", skip_serializing_if = "is_one")]
    pub chain_factor: f32,
    /// The stream of chains and data noise.
    pub noise: Noise,
    /// The place in the data.
    pub order: Order,
    /// The learning rate of the configuration, which they halve; absent in checkpoints of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<f64>,
    /// Step counters of the optimizer.
    pub counters: BTreeMap<String, u64>,
    /// Whether training went back to this checkpoint and halved its learning rate. If it diverges
    /// again before it writes another, it goes back to the one before.
    #[serde(default)]
    pub used_up: bool,
    /// Times that training went back to its best model after a collapse.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub collapses: u32,
    /// The examples that it was made with; absent in checkpoints of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<Fingerprint>,
}

/// Takes what is under `prefix.` out.
pub(crate) fn take_part(
    tensors: &mut BTreeMap<String, TensorData>,
    prefix: &str,
) -> BTreeMap<String, TensorData> {
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

fn as_they_are() -> f32 {
    1.0
}

fn is_one(factor: &f32) -> bool {
    *factor == 1.0
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Checkpoint {
    /// Writes the checkpoint whole or not at all: a kill at any moment leaves the file that was
    /// there.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn save(self, path: &Path) -> Result<(), CheckpointError> {
        let state = serde_json::to_string(&self.state).map_err(|error| CheckpointError::Io {
            action: "write",
            path: path.to_path_buf(),
            source: error.into(),
        })?;
        let file = TensorFile {
            tensors: self.tensors,
            metadata: [
                (STATE.to_string(), state),
                (VERSION.to_string(), CURRENT.to_string()),
            ]
            .into(),
        };
        file.save(path)
    }

    /// Takes out the weights that samples are drawn with: their moving average if there is one.
    pub fn take_sampling_weights(&mut self) -> BTreeMap<String, TensorData> {
        let average = take_part(&mut self.tensors, AVERAGE);
        let weights = take_part(&mut self.tensors, MODEL);
        if average.is_empty() { weights } else { average }
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// If the file can't be read, was damaged, or is no checkpoint of this version.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let file = TensorFile::load(path)?;
        let corrupt = |message: String| CheckpointError::Corrupt {
            path: path.to_path_buf(),
            message,
        };
        match file.metadata.get(VERSION).map(String::as_str) {
            Some(CURRENT) => {}
            Some(other) => {
                return Err(corrupt(format!(
                    "it is a checkpoint of version {other}, expected {CURRENT}"
                )));
            }
            None => return Err(corrupt("it is no checkpoint".into())),
        }
        let state = file
            .metadata
            .get(STATE)
            .ok_or_else(|| corrupt("it holds no state".into()))?;
        let state: TrainerState =
            serde_json::from_str(state).map_err(|error| corrupt(error.to_string()))?;
        state.check().map_err(corrupt)?;
        tracing::debug!(path = %path.display(), "checkpoint read");
        Ok(Self {
            state,
            tensors: file.tensors,
        })
    }
}

impl TrainerState {
    /// Fails for numbers that no training comes to.
    fn check(&self) -> Result<(), String> {
        if self.step > MOST_STEPS {
            return Err(format!(
                "it says that {} updates were made, expected at most {MOST_STEPS}",
                self.step
            ));
        }
        if self.rollbacks > MOST_ROLLBACKS {
            return Err(format!(
                "it says that training went back {} times, expected at most {MOST_ROLLBACKS}",
                self.rollbacks
            ));
        }
        if !(1.0..=LONGEST_CHAINS).contains(&self.chain_factor) {
            return Err(format!(
                "it says that chains are {:?} times as long, expected 1 to {LONGEST_CHAINS:?}",
                self.chain_factor
            ));
        }
        Ok(())
    }
}

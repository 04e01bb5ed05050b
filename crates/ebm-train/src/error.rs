//! What can go wrong in training and in reading what training wrote.

use std::path::PathBuf;

use crate::data::DataError;
use crate::keys::InvalidValue;
use crate::saving::StateMismatch;

/// Training that can't start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A value of the recipe is out of range, or doesn't fit the model or the data.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// The data can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// There are fewer examples than a batch takes.
    #[error(
        "config key `training.batch_size`: found {batch_size}, expected at most the number of examples, {examples}"
    )]
    BatchTooLarge {
        /// The batch size.
        batch_size: usize,
        /// The number of examples.
        examples: usize,
    },
    /// Update after update was refused.
    #[error(
        "training diverged: at step {step} one update after the other was refused, since loss, energies or gradient are not finite or beyond the limit: lower the learning rate or the sampler's step, or raise the energy regulariser"
    )]
    Diverged {
        /// The step at which it was given up.
        step: u64,
    },
    /// A checkpoint can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device doesn't compute in a type that was asked for.
    #[error(
        "this device doesn't compute in {precision} (config key `training.precision`): use f32 or another backend"
    )]
    UnsupportedPrecision {
        /// What was asked for.
        precision: ebm_models::Precision,
    },
}

/// A file of arrays that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error("{} is corrupt ({message}): delete it, and the checkpoint before it is used", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The file doesn't hold the weights of the model that it is said to hold.
    #[error("can't import {}: {message}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        message: String,
    },
    /// The file belongs to another model or configuration.
    #[error("{} doesn't fit this configuration: {message}; use the config.toml that the run was started with", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What differs.
        message: StateMismatch,
    },
}

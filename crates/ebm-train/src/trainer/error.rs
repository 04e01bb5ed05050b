//! What can go wrong in training.

use crate::data::DataError;
use crate::keys::InvalidValue;
use crate::saving::CheckpointError;

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

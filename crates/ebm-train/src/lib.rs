//! How to learn an energy: data, objectives, chains, the loop, optimizers, checkpoints; and what a
//! trained one is worth ([`judging`]) and good for ([`using`]).
//!
//! [`Trainer`] is the library: one model of yours, one data set of yours, one `step()` at a time.
//! [`StochasticGradientLangevin`] draws parameters from their posterior instead, where the
//! likelihood is tractable.

pub mod data;
pub mod files;
pub mod judging;
pub mod keys;
pub mod recipe;
pub mod using;

mod augmentation;
mod chains;
mod examples;
mod metrics;
mod objectives;
mod optimizer;
mod samplers;
mod saving;
mod sgld;
mod trainable;
mod trainer;

pub use augmentation::Augmentation;
pub use chains::{
    Care, Eviction, NegativePhase, Negatives, OnLayers, OnReplicas, OnStates, OnUnits,
    TransitionKernel,
};
pub use examples::{Batch, Examples, Fingerprint, Order, ROWS_AT_A_TIME, host_values};
pub use metrics::{Combine, DeviceScalars, Metrics, Scalar, StepOutcome};
pub use objectives::{
    ContrastiveDivergence, GradientPenalty, Loss, Objective, ObjectiveKeys, PenalizedPoints,
    Points, RecoveryLikelihood, Sparsity, Update,
};
pub use optimizer::{MovingAverage, ParameterGradients, ParameterOptimizer};
pub use recipe::Recipe;
pub use samplers::Sampler;
pub use saving::{
    Checkpoint, CheckpointError, MOST_ROLLBACKS, StateMismatch, TensorFile, TrainerState,
    find_infinite, floats, is_safetensors, load_weights, read, weights,
};
pub use sgld::{
    Ensemble, RmsPropPreconditioner, SgldError, StepSizeSchedule, StochasticGradientLangevin,
    StochasticGradientLangevinConfig,
};
pub use trainable::{Trainable, clamp, has_hidden_units, hidden_means, rows, state_shape};
pub use trainer::{TrainError, Trainer, TrainerBuilder};

//! How to learn an energy: data, objectives, chains, the loop, optimizers, checkpoints.
//!
//! [`Trainer`] is the library: one model of yours, one data set of yours, one `step()` at a time.
//! [`StochasticGradientLangevin`] draws parameters from their posterior instead, where the likelihood is tractable.

pub mod data;
pub mod files;
pub mod memory;
pub mod recipe;

mod batch;
mod chains;
mod checkpoint;
mod error;
mod examples;
mod gradient_descent;
mod gradients;
mod metrics;
mod moving_average;
mod objectives;
mod optimizer;
mod samplers;
mod sgld;
mod states;
mod tensor_file;
mod trainable;
mod trainer;
mod weights;

pub use batch::Batch;
pub use chains::{
    NegativePhase, Negatives, OnLayers, OnReplicas, OnStates, OnUnits, TransitionKernel,
};
pub use checkpoint::{Checkpoint, MOST_ROLLBACKS, TrainerState};
pub use error::{CheckpointError, TrainError};
pub use examples::{Examples, Fingerprint, Order, ROWS_AT_A_TIME};
pub use gradients::ParameterGradients;
pub use metrics::{Combine, DeviceScalars, Metrics, Scalar, StepOutcome};
pub use moving_average::MovingAverage;
pub use objectives::{
    ContrastiveDivergence, Loss, Objective, ObjectiveKeys, Points, Sparsity, Update,
};
pub use optimizer::ParameterOptimizer;
pub use recipe::Recipe;
pub use samplers::Sampler;
pub use sgld::{
    Ensemble, RmsPropPreconditioner, SgldError, StepSizeSchedule, StochasticGradientLangevin,
    StochasticGradientLangevinConfig,
};
pub use states::{clamp, has_hidden_units, hidden_means, rows, state_shape};
pub use tensor_file::{TensorFile, is_safetensors, read};
pub use trainable::Trainable;
pub use trainer::{Trainer, TrainerBuilder};
pub use weights::{find_infinite, fitting, floats, load_weights, weights};

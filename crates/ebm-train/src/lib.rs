//! How to learn an energy: data, objectives, chains, the loop, optimizers, checkpoints; and what a
//! trained one is worth ([`judging`]) and good for ([`using`]).
//!
//! [`Trainer`] is the library: one model of yours, one data set of yours, one `step()` at a time.
//! [`StochasticGradientLangevin`] draws parameters from their posterior instead, where the
//! likelihood is tractable.

pub mod data;
pub mod files;
pub mod judging;
pub mod memory;
pub mod recipe;
pub mod using;

mod checkpoint;
mod error;
mod examples;
mod gradient_descent;
mod gradients;
mod host;
mod moving_average;
mod negative_phase;
mod objective;
mod optimizer;
mod sgld;
mod tensor_file;
mod trainable;
mod trainer;
mod weights;

pub use checkpoint::{Checkpoint, MOST_ROLLBACKS, TrainerState};
pub use error::{CheckpointError, TrainError};
pub use examples::{Examples, Fingerprint, Order, ROWS_AT_A_TIME};
pub use gradients::ParameterGradients;
pub use moving_average::MovingAverage;
pub use negative_phase::{NegativePhase, Negatives};
pub use objective::{ContrastiveDivergence, Objective, Sparsity};
pub use optimizer::ParameterOptimizer;
pub use recipe::Recipe;
pub use sgld::{
    Ensemble, RmsPropPreconditioner, SgldError, StepSizeSchedule, StochasticGradientLangevin,
    StochasticGradientLangevinConfig,
};
pub use tensor_file::{TensorFile, is_safetensors, read};
pub use trainable::{Trainable, rows, run_continuous};
pub use trainer::{Metrics, StepOutcome, Trainer};
pub use weights::{find_infinite, fitting, floats, load_weights, weights};

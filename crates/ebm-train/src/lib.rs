//! How to learn an energy: data, contrastive divergence, negative phases, the loop, checkpoints, run folders, evaluation.
//!
//! [`Trainer`] is the library: one model of yours, one data set of yours, one `step()` at a time.
//! [`StochasticGradientLangevin`] draws parameters from their posterior instead, where the likelihood is tractable.
//! [`inference`] uses a trained energy: to fill in pixels, to denoise, composed with others, to compare images.
//! [`run`] is what the `ebm` command calls: a whole run from a [`RunConfig`](config::RunConfig) into a folder.

pub mod config;
pub mod data;
pub mod evaluation;
pub mod inference;
pub mod report;
pub mod run;

mod axis;
mod checkpoint;
mod density_picture;
mod error;
mod examples;
mod files;
mod gradient_descent;
mod gradients;
mod input_file;
mod listing;
mod memory;
mod moving_average;
mod negative_phase;
mod network;
mod npz;
mod number;
mod objective;
mod optimizer;
mod picture;
mod plot;
mod process;
mod scale;
mod sgld;
mod suggestion;
mod tensor_file;
mod ticks;
mod titled_grid;
mod trainable;
mod trainer;
mod weights;

pub use axis::{Axis, AxisOptions, Beyond, Clipped, Extent, Mark, Side};
pub use checkpoint::{Checkpoint, TrainerState};
pub use density_picture::{DensityPanel, density_panels};
pub use error::{CheckpointError, TrainError};
pub use examples::{Examples, Fingerprint, Order};
pub use files::{is_special_file, write_whole};
pub use gradients::ParameterGradients;
pub use input_file::{InputError, read_text};
pub use moving_average::MovingAverage;
pub use negative_phase::{NegativePhase, Negatives};
pub use network::Network;
pub use npz::write_npz;
pub use objective::{ContrastiveDivergence, Objective, Sparsity};
pub use optimizer::ParameterOptimizer;
pub use picture::{PictureError, grouped_grid, image_grid, point_cloud, save_picture};
pub use plot::{Curve, LinePlot};
pub use sgld::{
    Ensemble, RmsPropPreconditioner, SgldError, StepSizeSchedule, StochasticGradientLangevin,
    StochasticGradientLangevinConfig,
};
pub use suggestion::{did_you_mean, nearest};
pub use tensor_file::TensorFile;
pub use titled_grid::{TitledColumns, titled_grid};
pub use trainable::Trainable;
pub use trainer::{Metrics, StepOutcome, Trainer};
pub use weights::{load_weights, weights};

//! What a trained model is worth: its partition function, how likely it finds data, what it takes
//! for outliers, what it recalls.
//!
//! Everything here takes an [`Energy`](ebm_models::Energy), a model of the workspace or one of your
//! own, a closure even, and asks its [`structure`](ebm_models::Energy::structure) what can be known
//! of it. Models are taken frozen (`model.valid()`).

mod annealed_bounds;
mod density_grid;
mod detection;
mod energies;
mod energy_summary;
mod error;
mod finite;
mod likelihood;
mod log_partition;
mod moments;
mod nearest;
mod partition;
mod partition_options;
mod plane;
mod psnr;
pub mod quality;
mod recall;

pub use density_grid::{DensityGrid, DensityGridError};
pub use detection::{auroc, false_positive_rate};
pub use energies::{
    check_samples, energies, energies_are_bounds, example_energies, gradient_norms,
};
pub use energy_summary::{EnergySummary, quantile};
pub use error::JudgingError;
pub use finite::check_finite;
pub use likelihood::{SetReport, evaluate};
pub use log_partition::{Agreement, Bound, LogPartition, TemperedSamples};
pub use moments::Estimate;
pub use nearest::{Neighbor, nearest_neighbors};
pub use partition::log_partition;
pub use partition_options::{PartitionMethod, PartitionOptions};
pub use plane::{PlaneDensities, PlaneLikelihood, PlaneOptions, PlaneReport};
pub use psnr::psnr;
pub use recall::{DamagedRecall, RecallReport, flip, recall_damaged};

pub(crate) use recall::{fall, is_whole, require_memory, to_spins};

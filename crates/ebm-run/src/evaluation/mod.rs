//! What a trained model is worth: its partition function, how likely it finds data, what it takes for outliers, and pictures.

mod annealed_bounds;
mod density_grid;
mod detection;
mod energies;
mod histogram;
mod likelihood;
mod log_partition;
mod nearest;
mod out_of_distribution;
mod partition;
mod pictures;
mod plane;
mod psnr;
mod recall;

pub use crate::run::{HeldOut, HeldOutOrigin, held_out};
pub use density_grid::{DensityGrid, DensityGridError};
pub use detection::{auroc, false_positive_rate};
pub(crate) use energies::quantile;
pub use energies::{
    EnergySummary, check_made, energies, energies_are_bounds, example_energies, finite,
    gradient_norms,
};
pub use histogram::{EnergyHistogram, Histogram, HistogramSet};
pub use likelihood::{Estimate, SetReport, evaluate};
pub use log_partition::{Agreement, Bound, LogPartition, TemperedSamples};
pub use nearest::{Neighbor, nearest_neighbors};
pub use out_of_distribution::OutlierSource;
pub use partition::{PartitionMethod, PartitionOptions, Progress, log_partition};
pub use pictures::{filters, reconstructions};
pub use plane::{PlaneDensities, PlaneLikelihood, PlaneOptions, PlaneReport};
pub use psnr::psnr;
pub use recall::{
    RecallEnd, RecallReport, Recalled, RecalledImage, RecalledImages, damaged, recall_damaged,
    recall_images, recall_originals,
};

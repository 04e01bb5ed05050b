//! Partition functions by annealed importance sampling and by parallel tempering.

mod acceptance_ratio;
mod annealed_importance;
mod annealing_path;
mod energy_path;
mod layered;
mod pairwise;
mod replicas;
mod schedule;
mod spacing;

pub use acceptance_ratio::{AcceptanceRatio, PairOfDensities, acceptance_ratio};
pub use annealed_importance::{AnnealedImportance, PartitionEstimate};
pub use annealing_path::AnnealingPath;
pub use energy_path::{Bridge, EnergyPath};
pub use layered::{LayeredPath, LayeredState};
pub use pairwise::PairwisePath;
pub use replicas::{ReplicaEstimate, ReplicaPath, TemperedReplicas};
pub use schedule::{SchedulePlace, TemperingSchedule, TemperingScheduleError};

//! Partition functions by annealed importance sampling: schedules of temperatures, paths of distributions, estimates.

mod annealed_importance;
mod annealing_path;
mod energy_path;
mod layered;
mod pairwise;
mod schedule;

pub use annealed_importance::{AnnealedImportance, PartitionEstimate};
pub use annealing_path::AnnealingPath;
pub use energy_path::{Bridge, EnergyPath};
pub use layered::{LayeredPath, LayeredState};
pub use pairwise::PairwisePath;
pub use schedule::{SchedulePlace, TemperingSchedule, TemperingScheduleError};

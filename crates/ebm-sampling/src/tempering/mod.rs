//! Temperatures: annealed towards the deepest valleys, or several at once so that chains cross barriers.

mod annealing;
mod parallel_tempering;

pub use annealing::{Annealed, Cooling, TemperatureSchedule, TemperatureScheduleError, anneal};
pub use parallel_tempering::{InvalidLadder, ParallelTempering};

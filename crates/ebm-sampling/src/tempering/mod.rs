//! Temperatures: annealing to the lowest energies, and replicas that cross barriers.

mod anneal_energy;
mod annealing;
mod block_parallel_tempering;
mod ladder;
mod parallel_tempering;
mod swaps;
mod tempered;

pub use anneal_energy::{AnnealedEnergy, anneal_energy};
pub use annealing::{Annealed, Cooling, TemperatureSchedule, TemperatureScheduleError, anneal};
pub use block_parallel_tempering::{BlockParallelTempering, BlockParallelTemperingState};
pub use ladder::{InvalidLadder, Ladder};
pub use parallel_tempering::{ParallelTempering, ParallelTemperingState};
pub use tempered::Tempered;

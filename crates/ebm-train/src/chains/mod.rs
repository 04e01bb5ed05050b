//! Where negatives come from: where chains start, what moves them, and what becomes of them.

mod config;
mod eviction;
mod long_chains;
mod negative_phase;
mod starting_points;
mod transition_kernel;

pub use config::{
    ChainStorage, ChainsConfig, DataChainsConfig, PersistentConfig, ReplayBufferConfig, StartConfig,
};
pub use eviction::Eviction;
pub use long_chains::LongChains;
pub use negative_phase::{Care, NegativePhase, Negatives};
pub(crate) use starting_points::starting_points;
pub use transition_kernel::{OnLayers, OnReplicas, OnStates, OnUnits, TransitionKernel};

//! Where negatives come from: where chains start, what moves them, and what becomes of them.

mod config;
mod negative_phase;
mod transition_kernel;

pub use config::{ChainStorage, ChainsConfig, PersistentConfig, ReplayBufferConfig, StartConfig};
pub use negative_phase::{NegativePhase, Negatives};
pub use transition_kernel::{OnLayers, OnReplicas, OnStates, OnUnits, TransitionKernel};

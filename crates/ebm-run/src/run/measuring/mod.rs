//! How good the models of a run are is measured, while it trains and afterwards.

mod gauge;
mod keeping;
mod likelihood;
mod log;
mod long_run;
mod measure;
mod numbers;

pub use long_run::{ChainsRequest, measure_chains};

pub(super) use keeping::Ending;
pub(super) use log::QualityLog;
pub(super) use measure::Measure;

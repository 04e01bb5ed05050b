//! How good the model of a run is: what is measured while it trains, and what that means.

mod history;
mod line;
mod long_run;
mod rules;
mod verdict;

pub use history::QualityHistory;
pub use line::{FeatureKind, Measured, QualityLine, Score, ScoreKind};
pub use long_run::LongRun;
pub use verdict::{Sign, Verdict};

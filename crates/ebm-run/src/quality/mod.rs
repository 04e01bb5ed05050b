//! How good the model of a run is: what is measured while it trains, and what that means.

mod history;
mod line;
mod verdict;

pub use history::QualityHistory;
pub use line::{FeatureKind, QualityLine, Score, ScoreKind};
pub use verdict::{Sign, Verdict};

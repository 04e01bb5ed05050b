//! Several runs side by side: where their configurations differ, and how good each became.

mod compared_run;
mod csv;
mod curves;
mod find;
mod table;

pub use compared_run::ComparedRun;
pub(crate) use compared_run::flatten;
pub use csv::csv_line;
pub use curves::{LeftOut, MOST_CURVES, quality_plot};
pub use find::find_runs;
pub(crate) use table::shown;
pub use table::{Comparison, ScoreSummary};

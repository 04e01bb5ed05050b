//! What a run tells while it goes on and what it writes down line by line: events and metrics.

pub(crate) mod event_history;
pub(crate) mod event_log;
pub(crate) mod events;
pub(crate) mod json_lines;
pub(crate) mod log_file;
pub(crate) mod log_lines;
pub(crate) mod metrics_history;
pub(crate) mod metrics_line;
pub(crate) mod metrics_log;
pub(crate) mod thinned;
pub(crate) mod traces;

pub use event_history::EventHistory;
pub(crate) use event_log::now;
pub use event_log::{EventKind, RecordedEvent};
pub use events::{Event, Outcome, Speed, Watch};
pub use json_lines::{Collect, JsonLines};
pub use metrics_history::{MetricsHistory, RecentMetrics};
pub use metrics_line::MetricsLine;

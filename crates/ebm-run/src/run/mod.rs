//! A whole run: from a configuration to a folder with metrics, pictures, checkpoints and the final
//! model.

mod event_history;
mod event_log;
mod events;
mod floats;
mod folder;
mod generate;
mod json_lines;
mod lock;
mod log_file;
mod log_lines;
mod machine;
mod metrics_history;
mod metrics_line;
mod metrics_log;
mod model_file;
mod model_images;
mod new_folder;
mod pictures;
mod plane;
mod processor;
mod runner;
mod splits;
mod start;
mod thinned;
mod traces;

pub use event_history::EventHistory;
pub use event_log::{EventKind, RecordedEvent};
pub use events::{Event, Outcome, Speed, Watch};
pub use folder::RunFolder;
pub use generate::{Annealing, SampleOptions, Samples, Walk, draw, sample, sample_picture, walk};
pub use json_lines::{Collect, JsonLines};
pub use machine::{Machine, Machines};
pub use metrics_history::{MetricsHistory, RecentMetrics};
pub use metrics_line::MetricsLine;
pub use model_file::{ModelFile, load_model};
pub use new_folder::ClaimedFolder;
pub use plane::PlaneView;
pub use processor::Processor;
pub use splits::{HeldOut, HeldOutOrigin, examples, held_out};
pub use start::{resume, train};

pub(crate) use event_log::now;
pub(crate) use floats::floats;
pub(crate) use generate::{CHAINS_AT_A_TIME, starting_points};
pub(crate) use splits::test_or_training;

//! A whole run: from a configuration to a folder with metrics, pictures, checkpoints and the final model.

mod events;
mod folder;
mod generate;
mod interchange;
mod metrics_log;
mod model_images;
mod pretraining;
mod runner;
mod source;
mod traces;

pub use events::{Event, Outcome, Speed, Watch};
pub use folder::RunFolder;
pub use generate::{Annealing, ModelFile, SampleOptions, load_model, sample, sample_picture};
pub use interchange::{ImportedModel, export, import};
pub use runner::{resume, train};
pub use source::examples;

pub(crate) use generate::{CHAINS_AT_A_TIME, starting_points};
pub(crate) use source::floats;

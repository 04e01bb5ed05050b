//! A whole run: from a configuration to a folder with metrics, pictures, checkpoints and the final
//! model.

mod folder;
mod generate;
mod lock;
mod machine;
mod measuring;
mod model_file;
mod model_images;
mod new_folder;
mod pace;
mod pictures;
mod plane;
mod pretraining;
mod processor;
mod rolling_back;
mod runner;
mod splits;
mod start;

pub use folder::RunFolder;
pub use generate::{Annealing, SampleOptions, Samples, Walk, draw, sample, sample_picture, walk};
pub use machine::{Machine, Machines};
pub use measuring::{ChainsRequest, measure_chains};
pub use model_file::{ModelFile, load_model};
pub use new_folder::ClaimedFolder;
pub use pace::seconds_per_update;
pub use plane::PlaneView;
pub use processor::Processor;
pub use splits::{HeldOut, HeldOutOrigin, examples, held_out};
pub use start::{resume, train, train_chosen};

pub(crate) use generate::CHAINS_AT_A_TIME;
pub(crate) use splits::test_or_training;

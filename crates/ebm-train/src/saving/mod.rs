//! What training leaves behind: weights by name, files of arrays, checkpoints.

pub(crate) mod checkpoint;
mod error;
mod tensor_file;
mod weights;

pub(crate) use checkpoint::LONGEST_CHAINS;
pub use checkpoint::{Checkpoint, MOST_ROLLBACKS, TrainerState};
pub use error::CheckpointError;
pub use tensor_file::{TensorFile, is_safetensors, read};
pub(crate) use weights::{ModulePath, fitting, track_path};
pub use weights::{StateMismatch, find_infinite, floats, load_weights, weights};

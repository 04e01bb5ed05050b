//! What can go wrong in reading what training wrote.

use std::path::PathBuf;

use super::weights::StateMismatch;

/// A file of arrays that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error("{} is corrupt ({message}): delete it, and the checkpoint before it is used", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The file doesn't hold the weights of the model that it is said to hold.
    #[error("can't import {}: {message}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        message: String,
    },
    /// The file belongs to another model or configuration.
    #[error("{} doesn't fit this configuration: {message}; use the config.toml that the run was started with", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What differs.
        message: StateMismatch,
    },
}

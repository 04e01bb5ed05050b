//! Errors as the command reports them: one message, and an exit code that tells wrong input from failure.

use std::process::ExitCode;

use ebm::backend::BackendError;
use ebm::training::config::ConfigError;
use ebm::training::{CheckpointError, PictureError, TrainError};

use super::terminal;

/// Why a command didn't do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The library failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The backend can't be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// An argument can't be used.
    #[error("`{argument}`: {message}")]
    Argument {
        /// The flag.
        argument: &'static str,
        /// What was found and what was expected.
        message: String,
    },
    /// An image file can't be used.
    #[error("{message}{hint}")]
    Image {
        /// What was found and what was expected.
        message: String,
        /// What to do, if there is more to say.
        hint: &'static str,
    },
    /// A file can't be written.
    #[error("can't write {path}: {message}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        message: String,
    },
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::Train(error.into())
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        Self::Train(error.into())
    }
}

impl Failure {
    /// Prints the message; 2 for what the user wrote, 1 for what the machine or the data did.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Config(ConfigError::Syntax { .. })
            | Self::Train(TrainError::Config(ConfigError::Syntax { .. })) => {
                terminal::error_in_lines(format_args!("{self}"));
            }
            _ => terminal::error(format_args!("{self}")),
        }
        match self {
            Self::Config(_)
            | Self::Argument { .. }
            | Self::Backend(BackendError::Unknown { .. } | BackendError::NotCompiledIn { .. }) => {
                ExitCode::from(2)
            }
            Self::Train(
                TrainError::Config(_)
                | TrainError::Model { .. }
                | TrainError::BatchTooLarge { .. }
                | TrainError::OutputNotEmpty { .. }
                | TrainError::NotEvaluable { .. }
                | TrainError::Composition(_)
                | TrainError::TooManyStates(_)
                | TrainError::NotAReport { .. }
                | TrainError::NotARun { .. },
            ) => ExitCode::from(2),
            Self::Train(_) | Self::Backend(_) | Self::Image { .. } | Self::Write { .. } => {
                ExitCode::FAILURE
            }
        }
    }
}

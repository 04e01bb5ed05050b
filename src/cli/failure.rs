//! Errors as the command reports them: one message, and an exit code that tells wrong input from
//! failure.

use std::process::ExitCode;

use ebm::backend::BackendError;
use ebm::run::config::ConfigError;
use ebm::run::{PictureError, RunError};
use ebm::training::judging::JudgingError;
use ebm::training::using::UsingError;
use ebm::training::{CheckpointError, TrainError};

/// Why a command didn't do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The library failed.
    #[error("{0}{hint}", hint = hint(.0))]
    Run(#[from] RunError),
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
    /// Some of several runs failed, each of which was told by itself.
    #[error("{} of {of} runs failed: {}", failed.len(), failed.join(", "))]
    Runs {
        /// Their names.
        failed: Vec<String>,
        /// How many runs there are.
        of: usize,
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

/// The flag that is a way out, where there is one.
fn hint(error: &RunError) -> &'static str {
    match error {
        RunError::Judging(JudgingError::TooManyStates(_)) => " (`--method ais`)",
        RunError::Train(TrainError::UnsupportedPrecision { .. }) => {
            "; `ebm devices` lists the types of each, `--precision` chooses one"
        }
        _ => "",
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::Run(error.into())
    }
}

impl From<JudgingError> for Failure {
    fn from(error: JudgingError) -> Self {
        Self::Run(error.into())
    }
}

impl From<UsingError> for Failure {
    fn from(error: UsingError) -> Self {
        Self::Run(error.into())
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        Self::Run(error.into())
    }
}

impl Failure {
    /// Whether the message is of several lines, as those of parsers are.
    pub(crate) fn has_lines(&self) -> bool {
        matches!(
            self,
            Self::Config(ConfigError::Syntax { .. })
                | Self::Run(RunError::Config(ConfigError::Syntax { .. }))
        )
    }

    /// The exit code: 2 for what the user wrote, 1 for what the machine or the data did.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::Argument { .. }
            | Self::Backend(BackendError::Unknown { .. } | BackendError::NotCompiledIn { .. }) => {
                ExitCode::from(2)
            }
            Self::Run(
                RunError::Config(_)
                | RunError::Model { .. }
                | RunError::Train(TrainError::BatchTooLarge { .. })
                | RunError::OutputNotEmpty { .. }
                | RunError::NotEvaluable { .. }
                | RunError::Composition(_)
                | RunError::Judging(
                    JudgingError::NotEvaluable { .. } | JudgingError::TooManyStates(_),
                )
                | RunError::Using(_)
                | RunError::NotAReport { .. }
                | RunError::NotARun { .. }
                | RunError::NoRuns { .. }
                | RunError::OtherConfiguration { .. }
                | RunError::Sweep(_),
            ) => ExitCode::from(2),
            Self::Run(_)
            | Self::Backend(_)
            | Self::Image { .. }
            | Self::Runs { .. }
            | Self::Write { .. } => ExitCode::FAILURE,
        }
    }
}

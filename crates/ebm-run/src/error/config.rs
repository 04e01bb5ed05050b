//! What can be wrong with a configuration.

use std::path::PathBuf;

use ebm_train::keys::InvalidValue;

/// A configuration that describes no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the config file {}: {message}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The file isn't TOML.
    #[error("{origin} isn't valid TOML: {message}")]
    Syntax {
        /// The file or flag.
        origin: String,
        /// Where and why.
        message: String,
    },
    /// A key is missing, unknown or of another type.
    #[error("{origin}: key `{key}`: {message}")]
    Key {
        /// The file, preset or flag that the configuration came from.
        origin: String,
        /// The key, with its section.
        key: String,
        /// What was found and what was expected.
        message: String,
    },
    /// A value is out of range.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// A preset that doesn't exist.
    #[error("there is no preset `{name}`: choose one of {known}")]
    UnknownPreset {
        /// What was asked for.
        name: String,
        /// The presets there are.
        known: String,
    },
    /// A `--set` that can't be read.
    #[error(
        "`--set {text}`: {message}; write `--set section.key=value`, for example `--set training.steps=500`"
    )]
    Override {
        /// The text of the flag.
        text: String,
        /// What is wrong with it.
        message: String,
    },
    /// The configuration can't be written.
    #[error("the configuration can't be written as TOML: {message}")]
    Write {
        /// Why.
        message: String,
    },
}

//! What can be wrong with a configuration, and the checks that find it.

use std::fmt::Display;
use std::path::PathBuf;

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
    #[error("config key `{key}`: found {found}, expected {expected}")]
    Value {
        /// The key, with its section.
        key: &'static str,
        /// The value.
        found: String,
        /// What it should be.
        expected: String,
    },
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

/// Fails with the key, the value and `expected` unless `holds`.
pub(super) fn check(
    holds: bool,
    key: &'static str,
    found: impl Display,
    expected: impl Into<String>,
) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::Value {
        key,
        found: found.to_string(),
        expected: expected.into(),
    })
}

/// Fails unless `value` is a number above zero that `f32`, in which devices compute, holds too.
pub(super) fn check_positive(key: &'static str, value: f64) -> Result<(), ConfigError> {
    check(
        (1e-37..=1e37).contains(&value),
        key,
        format!("{value:?}"),
        "a number above 0 (1e-37 to 1e37)",
    )
}

/// Fails unless `value` is a number of at least zero that `f32` holds too.
pub(super) fn check_not_negative(key: &'static str, value: f64) -> Result<(), ConfigError> {
    check(
        (0.0..=1e37).contains(&value),
        key,
        format!("{value:?}"),
        "a number of at least 0 (up to 1e37)",
    )
}

/// Fails unless `value` is at least zero and, as `f32` too, below one.
pub(super) fn check_decay(key: &'static str, value: f64) -> Result<(), ConfigError> {
    check(
        (0.0..=0.999_999_9).contains(&value),
        key,
        format!("{value:?}"),
        "a number of at least 0 and below 1 (at most 0.9999999)",
    )
}

/// Fails unless `value` is at least 1 and at most `most`.
pub(super) fn check_count(key: &'static str, value: usize, most: usize) -> Result<(), ConfigError> {
    check(
        (1..=most).contains(&value),
        key,
        value,
        format!("a whole number from 1 to {most}"),
    )
}

/// Most transitions of one chain: hours of the fastest of them, years of the slowest.
const MOST_TRANSITIONS: usize = 1_000_000_000;

/// Fails unless `value` is a number of transitions from `least` on that a chain can make in a lifetime.
pub(super) fn check_transitions(
    key: &'static str,
    value: usize,
    least: usize,
) -> Result<(), ConfigError> {
    check(
        (least..=MOST_TRANSITIONS).contains(&value),
        key,
        value,
        format!("a whole number of at least {least}, and at most {MOST_TRANSITIONS}"),
    )
}

/// Most layers of a network or machine.
const MOST_LAYERS: usize = 1000;

/// Fails if there are more layers than a network may have.
pub(super) fn check_layers(key: &'static str, layers: usize) -> Result<(), ConfigError> {
    check(
        layers <= MOST_LAYERS,
        key,
        format!("{layers} layers"),
        format!("at most {MOST_LAYERS} layers"),
    )
}

/// Fails unless `value` is at least 1.
pub(super) fn check_at_least_one(key: &'static str, value: u64) -> Result<(), ConfigError> {
    check(value >= 1, key, value, "a whole number of at least 1")
}

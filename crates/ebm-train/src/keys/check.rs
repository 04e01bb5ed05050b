//! Checks of the values of a recipe against their ranges.

use std::fmt::Display;

/// A value that is out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config key `{key}`: found {found}, expected {expected}")]
pub struct InvalidValue {
    /// The key, with its section.
    pub key: &'static str,
    /// The value.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

/// Fails with the key, the value and `expected` unless `holds`.
///
/// # Errors
///
/// If it isn't so.
pub fn check(
    holds: bool,
    key: &'static str,
    found: impl Display,
    expected: impl Into<String>,
) -> Result<(), InvalidValue> {
    if holds {
        return Ok(());
    }
    Err(InvalidValue {
        key,
        found: found.to_string(),
        expected: expected.into(),
    })
}

/// Fails unless `value` is a number above zero that `f32`, in which devices compute, holds too.
///
/// # Errors
///
/// If it isn't so.
pub fn check_positive(key: &'static str, value: f64) -> Result<(), InvalidValue> {
    check(
        (1e-37..=1e37).contains(&value),
        key,
        format!("{value:?}"),
        "a number above 0 (1e-37 to 1e37)",
    )
}

/// Fails unless `value` is a number of at least zero that `f32` holds too.
///
/// # Errors
///
/// If it isn't so.
pub fn check_not_negative(key: &'static str, value: f64) -> Result<(), InvalidValue> {
    check(
        (0.0..=1e37).contains(&value),
        key,
        format!("{value:?}"),
        "a number of at least 0 (up to 1e37)",
    )
}

/// Fails unless `value` is at least zero and, as `f32` too, below one.
///
/// # Errors
///
/// If it isn't so.
pub fn check_decay(key: &'static str, value: f64) -> Result<(), InvalidValue> {
    check(
        (0.0..=0.999_999_9).contains(&value),
        key,
        format!("{value:?}"),
        "a number of at least 0 and below 1 (at most 0.9999999)",
    )
}

/// Fails unless `value` lies between zero and one.
///
/// # Errors
///
/// If it isn't so.
pub fn check_share(key: &'static str, value: f64) -> Result<(), InvalidValue> {
    check(
        value > 0.0 && value < 1.0,
        key,
        format!("{value:?}"),
        "a number between 0 and 1",
    )
}

/// Fails unless `value` is at least 1 and at most `most`.
///
/// # Errors
///
/// If it isn't so.
pub fn check_count(key: &'static str, value: usize, most: usize) -> Result<(), InvalidValue> {
    check(
        (1..=most).contains(&value),
        key,
        value,
        format!("a whole number from 1 to {most}"),
    )
}

/// Most transitions of one chain: hours of the fastest of them, years of the slowest.
pub const MOST_TRANSITIONS: usize = 1_000_000_000;

/// Fails unless `value` is a number of transitions from `least` on that a chain can make in a
/// lifetime.
///
/// # Errors
///
/// If it isn't so.
pub fn check_transitions(
    key: &'static str,
    value: usize,
    least: usize,
) -> Result<(), InvalidValue> {
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
///
/// # Errors
///
/// If it isn't so.
pub fn check_layers(key: &'static str, layers: usize) -> Result<(), InvalidValue> {
    check(
        layers <= MOST_LAYERS,
        key,
        format!("{layers} layers"),
        format!("at most {MOST_LAYERS} layers"),
    )
}

/// Fails unless `value` is at least 1.
///
/// # Errors
///
/// If it isn't so.
pub fn check_at_least_one(key: &'static str, value: u64) -> Result<(), InvalidValue> {
    check(value >= 1, key, value, "a whole number of at least 1")
}

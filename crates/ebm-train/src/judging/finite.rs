//! The one check of results: numbers that are handed out as such are finite.

use super::error::JudgingError;

/// Finds out whether all values are finite; `what` they are is for the message.
///
/// # Errors
///
/// If one isn't.
pub fn check_finite(values: &[f32], what: &'static str) -> Result<(), JudgingError> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(JudgingError::NotFinite { what })
    }
}

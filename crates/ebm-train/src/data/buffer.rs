//! Memory for images that are loaded: whether there is enough, and a buffer of it.

use std::path::Path;

use super::DataError;
use crate::files::memory;

/// Finds out whether something that is to be loaded fits into memory; `what` says what it is.
///
/// # Errors
/// [`DataError::OutOfMemory`].
pub(super) fn check_memory(
    path: &Path,
    what: impl FnOnce() -> String,
    bytes: u128,
) -> Result<(), DataError> {
    if memory::fits_bytes(bytes) {
        return Ok(());
    }
    Err(DataError::OutOfMemory {
        path: path.to_owned(),
        what: what(),
        memory: memory::amount_of_bytes(bytes),
    })
}

/// A buffer of zeros, where memory gives it.
///
/// # Errors
/// [`DataError::OutOfMemory`].
pub(super) fn zeros(path: &Path, length: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| DataError::OutOfMemory {
            path: path.to_owned(),
            what: "images".into(),
            memory: memory::amount_of_bytes(length as u128),
        })?;
    bytes.resize(length, 0);
    Ok(bytes)
}

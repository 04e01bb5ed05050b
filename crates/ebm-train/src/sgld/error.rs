//! What can be wrong with the settings or with a restored state of Langevin dynamics over
//! parameters.

/// A setting out of range, or a state that doesn't belong to the chain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SgldError {
    /// A setting that can't be worked with.
    #[error("{name}: found {found}, expected {expected}")]
    Value {
        /// Which one.
        name: &'static str,
        /// What was found.
        found: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A counter that isn't there.
    #[error("the state has no counter {name}")]
    MissingCounter {
        /// Its name.
        name: String,
    },
    /// A preconditioned chain that has made steps, without a single mean square.
    #[error(
        "the state has made {steps} steps, but has no mean squares: it is that of a chain without a preconditioner"
    )]
    MissingMeanSquares {
        /// The steps made.
        steps: u64,
    },
    /// An array that the chain has no use for.
    #[error("the state has an unknown array {name}")]
    UnknownArray {
        /// Its name.
        name: String,
    },
    /// An array of another shape than its parameter.
    #[error("the state's array {name} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape of the parameter.
        expected: Vec<usize>,
    },
    /// An array that isn't one of floating-point numbers.
    #[error("the state's array {name} holds {found:?} values, expected floating-point numbers")]
    Type {
        /// Its name.
        name: String,
        /// The type of its values.
        found: burn::tensor::DType,
    },
    /// A counter that no chain comes to.
    #[error("the state's counter {name} is {found}, expected {least} to {most}")]
    Counter {
        /// Its name.
        name: String,
        /// Its value.
        found: u64,
        /// The least that it can be.
        least: u64,
        /// The most that it can be.
        most: u64,
    },
}

/// Fails unless `fits`.
pub(super) fn check(
    fits: bool,
    name: &'static str,
    found: f64,
    expected: &'static str,
) -> Result<(), SgldError> {
    if fits {
        Ok(())
    } else {
        Err(SgldError::Value {
            name,
            found,
            expected,
        })
    }
}

/// Fails unless the value is finite and above 0.
pub(super) fn check_positive(name: &'static str, found: f64) -> Result<(), SgldError> {
    check(
        found > 0.0 && found.is_finite(),
        name,
        found,
        "a finite number above 0",
    )
}

//! A number with its standard error.

use std::fmt;

/// What a Monte-Carlo method makes of a number, and how far off that typically is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The standard deviation of `value` over repetitions, as far as this run can tell, in the same
    /// units.
    pub standard_error: f64,
}

/// `value +- standard_error`.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} +- {}", self.value, self.standard_error)
    }
}

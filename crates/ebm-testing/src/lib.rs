//! What tests of several crates share: devices, values on the host, formulas in f64, tests of
//! chance, and machines so small that all their states can be summed over.
//!
//! Only integration tests use it: in a crate's unit tests its types would be there twice.
#![cfg(feature = "cpu")]

mod formulas;
pub mod pairwise;
pub mod states;
mod statistics;
mod tensors;
mod updates;

pub use formulas::{dot, log_sum_exp, phi, sigmoid, softplus};
pub use statistics::{assert_chi_square, assert_close, assert_within_error, chi_square, moments};
pub use tensors::{bits, devices, flags, floats, tensor, values};
pub use updates::langevin_updates;

//! The data that a trained model is judged on: examples held out, and outliers.

mod out_of_distribution;

pub use crate::run::{HeldOut, HeldOutOrigin, held_out};
pub use out_of_distribution::OutlierSource;

//! The data that a trained model is judged on: examples held out, and outliers.

mod held_out;
mod out_of_distribution;

pub use held_out::{HeldOut, HeldOutOrigin, held_out};
pub use out_of_distribution::OutlierSource;

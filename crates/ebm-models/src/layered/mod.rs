//! Layered Boltzmann machines: layers of units, each coupled to the next.

mod conditional;
mod layers;
mod machine;
mod mean_field;
mod parity;

pub use conditional::{BlockConditional, Conditional, log_sum};
pub(crate) use layers::split;
pub use layers::{Layers, VisibleUnits};
pub use machine::LayeredMachine;
pub use mean_field::MeanField;
pub use parity::Parity;

//! What training asks of a model beyond its energy, and what the states of its chains are.

mod states;
mod trainable_model;

pub use states::{clamp, has_hidden_units, hidden_means, rows, state_shape};
pub use trainable_model::Trainable;

//! Associative memories: recall of what is stored, and fake memories that nobody stored.

mod fakes;
mod recall;

pub use fakes::{fakes_from_random, fakes_near};
pub use recall::{Dynamics, Recall, recall};

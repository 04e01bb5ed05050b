//! Several runs one after the other: each a run folder in one folder, and all of it gone on with
//! where it was stopped.

mod plan;
mod seeds;
mod split;
mod sweep;
mod trial;

pub use seeds::Seeds;
pub use sweep::{GridAxis, RandomRange, Sweep};
pub use trial::{Standing, Trial};

//! Stochastic-gradient Langevin dynamics: draws of a module's parameters from their posterior, and
//! what is computed of them.

mod ensemble;
mod error;
mod langevin;
mod preconditioner;
mod state;
mod step_size;

pub use ensemble::Ensemble;
pub use error::SgldError;
pub use langevin::{StochasticGradientLangevin, StochasticGradientLangevinConfig};
pub use preconditioner::RmsPropPreconditioner;
pub use step_size::StepSizeSchedule;

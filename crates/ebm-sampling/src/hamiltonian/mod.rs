//! Hamiltonian Monte Carlo: trajectories of a fixed or random number of leapfrog steps.
//!
//! The No-U-Turn sampler (Hoffman & Gelman 2014) is left out on purpose: its trees differ in depth
//! from chain to chain, so a batch would wait for the deepest tree, and each doubling would have to
//! be read back. `chees_adaptation` finds a length that suits all chains instead.

mod hamiltonian_monte_carlo;

pub(crate) use hamiltonian_monte_carlo::Trajectory;
pub use hamiltonian_monte_carlo::{DIVERGENCE_THRESHOLD, HamiltonianMonteCarlo};

//! Hamiltonian Monte Carlo and what tunes it.

mod hamiltonian_monte_carlo;

pub use hamiltonian_monte_carlo::HamiltonianMonteCarlo;

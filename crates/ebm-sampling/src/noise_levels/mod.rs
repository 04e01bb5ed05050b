//! Data at several levels of noise, from hardly any to nothing but noise, and chains from each
//! level down to the one below.
//!
//! One network has the energies of all levels: the level is one more entry of dimension 1, a
//! feature of vectors or a channel of images. Given the noisier image, what the less noisy one was
//! is nearly Gaussian, so that short chains draw it at a real temperature, and no chain lives on
//! between updates (Gao, Song, Poole, Wu & Kingma 2021, "Learning energy-based models by diffusion
//! recovery likelihood").

mod levels;
mod recovery_energy;

pub use levels::{AtLevel, NoiseLevels};
pub use recovery_energy::RecoveryEnergy;

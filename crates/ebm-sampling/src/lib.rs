//! Markov chains that move through an energy: kernels, a runner, and the buffer that keeps chains between updates.
//!
//! A [`Kernel`] makes one transition; [`run`] makes many. Nothing here updates a parameter, and nothing
//! reads a value back from the device while a chain runs.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ebm_models::{Energy, MlpConfig};
//! use ebm_ops::Noise;
//! use ebm_sampling::{Langevin, run};
//!
//! # fn demo(device: Device) {
//! let mut noise = Noise::new(7);
//! let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
//! let start: Tensor<2> = noise.normal([100, 2], &device);
//! let kernel = Langevin::at_temperature(0.01, 1.0);
//! let chains = run(&kernel, &energy, start, 200, &mut noise).position; // [100, 2]
//! # }
//! ```

mod block_gibbs;
mod gradient;
mod kernel;
mod langevin;
mod metropolis;
mod parallel_tempering;
mod replay_buffer;

pub use block_gibbs::BlockGibbs;
pub use gradient::energy_and_gradient;
pub use kernel::{Kernel, Run, StepInfo, run, run_with};
pub use langevin::{Langevin, LangevinState};
pub use metropolis::{Metropolis, MetropolisState};
pub use parallel_tempering::{InvalidLadder, ParallelTempering};
pub use replay_buffer::{
    ChainsMismatch, Draw, ReplayBuffer, ReplayBufferConfig, StartingPoints, Storage,
};

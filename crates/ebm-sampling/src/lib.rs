//! Markov chains that move through an energy: kernels, a runner, and the replay buffer.
//!
//! A [`Kernel`] makes one transition; [`run`] makes many, [`sample`] keeps their draws and
//! [`stream`] hands them on. Whether chains can be believed is the business of [`diagnostics`].
//! Nothing here updates a parameter, and nothing reads a value back from the device while a chain
//! runs, except warm-up, which learns, and [`recall`](memories::recall), which stops by itself.
//!
//! | configurations | methods |
//! |---|---|
//! | vectors and images, by gradients | [`Langevin`](langevin::Langevin) (ULA), [`UnderdampedLangevin`](langevin::UnderdampedLangevin), [`Mala`](metropolis_hastings::Mala), [`HamiltonianMonteCarlo`](hamiltonian::HamiltonianMonteCarlo) |
//! | anything, by proposals | [`MetropolisHastings`](metropolis_hastings::MetropolisHastings) with a [`Proposal`](metropolis_hastings::Proposal): [`GaussianWalk`](metropolis_hastings::GaussianWalk), [`UniformWalk`](metropolis_hastings::UniformWalk), [`BitFlips`](metropolis_hastings::BitFlips), [`Independence`](metropolis_hastings::Independence), or one of your own |
//! | two-valued units | [`GibbsWithGradients`](metropolis_hastings::GibbsWithGradients) for smooth energies, [`SingleSiteGibbs`](gibbs::SingleSiteGibbs) for pairwise machines, [`BlockGibbs`](gibbs::BlockGibbs) for layered ones |
//! | values from a list | [`EnumeratedGibbs`](gibbs::EnumeratedGibbs) |
//! | barriers | [`ParallelTempering`](tempering::ParallelTempering) of any kernel, [`BlockParallelTempering`](tempering::BlockParallelTempering); [`anneal`](tempering::anneal) and [`anneal_energy`](tempering::anneal_energy) to the deepest valleys |
//! | associative memories | [`recall`](memories::recall), [`fakes_near`](memories::fakes_near), [`fakes_from_random`](memories::fakes_from_random) |
//! | near a known [`Density`](density::Density) | [`RejectionSampler`](importance_sampling::RejectionSampler), exact; [`importance_sample`](importance_sampling::importance_sample), weighted |
//! | some coordinates given | [`ConditionalEnergy`](conditioning::ConditionalEnergy) with any kernel, [`ClampedBlockGibbs`](conditioning::ClampedBlockGibbs), [`ClampedSingleSiteGibbs`](conditioning::ClampedSingleSiteGibbs); observed with noise: [`GaussianLikelihood`](conditioning::GaussianLikelihood), [`ObservedBlock`](conditioning::ObservedBlock) |
//! | data at several levels of noise | [`NoiseLevels`](noise_levels::NoiseLevels), down from noise |
//! | partition functions | [`AnnealedImportance`](partition::AnnealedImportance) from below and above, of machines and of any energy ([`EnergyPath`](partition::EnergyPath)); [`TemperedReplicas`](partition::TemperedReplicas) finds far modes |
//!
//! Kernels that reject tune themselves during a warm-up:
//! [`adapt_step_size`](adaptation::adapt_step_size) any with a step size,
//! [`window_adaptation`](adaptation::window_adaptation) Hamiltonian Monte Carlo's step size and
//! metric, as Stan does, [`chees_adaptation`](adaptation::chees_adaptation) its step size and the
//! length of its trajectories. There is no NUTS: its trees differ from chain to chain, which chains
//! that move as one batch can't follow; ChEES is made for them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ebm_models::{Energy, MlpConfig};
//! use ebm_ops::Noise;
//! use ebm_sampling::langevin::Langevin;
//! use ebm_sampling::run;
//!
//! # fn demo(device: Device) {
//! let mut noise = Noise::new(7);
//! let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
//! let start: Tensor<2> = noise.normal([100, 2], &device);
//! let kernel = Langevin::at_temperature(0.01, 1.0);
//! let chains = run(&kernel, &energy, start, 200, &mut noise).position; // [100, 2]
//! # }
//! ```

pub mod adaptation;
pub mod conditioning;
pub mod density;
pub mod diagnostics;
pub mod gibbs;
pub mod hamiltonian;
pub mod importance_sampling;
pub mod langevin;
pub mod memories;
pub mod metropolis_hastings;
pub mod noise_levels;
pub mod partition;
pub mod prelude;
pub mod tempering;

mod categorical;
mod draws;
mod estimate;
mod gradient;
mod interrupt;
mod kernel;
mod log_weights;
mod replay_buffer;
mod traces;

pub use ebm_ops::{FittedGaussians, Interval, StartingPoints};

pub use draws::{Draws, Schedule, sample, sample_with, stream};
pub use estimate::Estimate;
pub use gradient::energy_and_gradient;
pub use interrupt::Interrupt;
pub use kernel::{Kernel, Run, StepInfo, run, run_unless, run_with};
pub use replay_buffer::{ChainsMismatch, Draw, ReplayBuffer, ReplayBufferConfig, Storage};
pub use traces::EnergyTrace;

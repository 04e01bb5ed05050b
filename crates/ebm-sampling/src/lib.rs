//! Markov chains that move through an energy: kernels, a runner, and the replay buffer.
//!
//! A [`Kernel`] makes one transition; [`run`] makes many, [`sample`] keeps their draws and
//! [`stream`] hands them on. Whether chains can be believed is the business of [`diagnostics`].
//! Nothing here updates a parameter, and nothing reads a value back from the device while a chain
//! runs, except warm-up, which learns, and [`recall`], which stops by itself.
//!
//! | configurations | methods |
//! |---|---|
//! | vectors and images, by gradients | [`Langevin`] (ULA), [`UnderdampedLangevin`], [`Mala`], [`HamiltonianMonteCarlo`] |
//! | anything, by proposals | [`MetropolisHastings`] with a [`Proposal`]: [`GaussianWalk`], [`UniformWalk`], [`BitFlips`], [`Independence`], or one of your own |
//! | two-valued units | [`GibbsWithGradients`] for smooth energies, [`SingleSiteGibbs`] for pairwise machines, [`BlockGibbs`] for layered ones |
//! | values from a list | [`EnumeratedGibbs`] |
//! | barriers | [`ParallelTempering`] of any kernel, [`BlockParallelTempering`]; [`anneal`] and [`anneal_energy`] to the deepest valleys |
//! | associative memories | [`recall`], [`fakes_near`], [`fakes_from_random`] |
//! | near a known [`Density`] | [`RejectionSampler`], exact; [`importance_sample`], weighted |
//! | some coordinates given | [`ConditionalEnergy`] with any kernel, [`ClampedBlockGibbs`], [`ClampedSingleSiteGibbs`]; observed with noise: [`GaussianLikelihood`], [`ObservedBlock`] |
//! | partition functions | [`AnnealedImportance`] from below and above, of machines and of any energy ([`EnergyPath`]); [`TemperedReplicas`] finds far modes |
//!
//! Kernels that reject tune themselves during a warm-up: [`adapt_step_size`] any with a step size,
//! [`window_adaptation`] Hamiltonian Monte Carlo's step size and metric, as Stan does,
//! [`chees_adaptation`] its step size and the length of its trajectories. There is no NUTS: its
//! trees differ from chain to chain, which chains that move as one batch can't follow; ChEES is
//! made for them.
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

pub mod diagnostics;

mod adaptation;
mod categorical;
mod conditioning;
mod density;
mod draws;
mod estimate;
mod fake_memories;
mod gibbs;
mod gradient;
mod hamiltonian;
mod importance_sampling;
mod interrupt;
mod kernel;
mod langevin;
mod log_weights;
mod metropolis_hastings;
mod partition;
mod recall;
mod rejection_sampling;
mod replay_buffer;
mod tempering;
mod traces;
mod underdamped_langevin;

pub use ebm_ops::{Interval, StartingPoints};

pub use adaptation::{
    DualAveraging, MAX_LEAPFROG_STEPS, StepSize, WarmupWindows, adapt_step_size, chees_adaptation,
    find_reasonable_step_size, window_adaptation,
};
pub use conditioning::{
    ClampedBlockGibbs, ClampedBlockGibbsState, ClampedSingleSiteGibbs, ClampedSingleSiteGibbsState,
    ConditionalEnergy, GaussianLikelihood, ObservedBlock,
};
pub use density::{Density, NormalDensity, UniformDensity, UniformStates};
pub use draws::{Draws, Schedule, sample, sample_with, stream};
pub use estimate::Estimate;
pub use fake_memories::{fakes_from_random, fakes_near};
pub use gibbs::{
    BlockGibbs, EnumeratedGibbs, SingleSiteGibbs, SingleSiteGibbsState, SiteOrder, random_states,
};
pub use gradient::energy_and_gradient;
pub use hamiltonian::{DIVERGENCE_THRESHOLD, HamiltonianMonteCarlo};
pub use importance_sampling::{
    ImportanceError, ImportanceSample, ImportanceWeights, importance_sample,
};
pub use interrupt::Interrupt;
pub use kernel::{Kernel, Run, StepInfo, run, run_unless, run_with};
pub use langevin::{Langevin, LangevinState};
pub use metropolis_hastings::{
    BitFlips, EnergyState, GaussianWalk, GibbsWithGradients, GradientFlip, GradientState,
    Independence, LangevinProposal, Mala, MetropolisHastings, Proposal, ProposalState,
    RandomWalkMetropolis, UniformWalk,
};
pub use partition::{
    AcceptanceRatio, AnnealedImportance, AnnealingPath, Bridge, EnergyPath, LayeredPath,
    LayeredState, PairOfDensities, PairwisePath, PartitionEstimate, ReplicaEstimate, ReplicaPath,
    SchedulePlace, TemperedReplicas, TemperingSchedule, TemperingScheduleError, acceptance_ratio,
};
pub use recall::{Dynamics, Recall, recall};
pub use rejection_sampling::{RejectionError, RejectionSample, RejectionSampler};
pub use replay_buffer::{ChainsMismatch, Draw, ReplayBuffer, ReplayBufferConfig, Storage};
pub use tempering::{
    Annealed, AnnealedEnergy, BlockParallelTempering, BlockParallelTemperingState, Cooling,
    InvalidLadder, Ladder, ParallelTempering, ParallelTemperingState, TemperatureSchedule,
    TemperatureScheduleError, Tempered, anneal, anneal_energy,
};
pub use traces::EnergyTrace;
pub use underdamped_langevin::{UnderdampedLangevin, UnderdampedLangevinState};

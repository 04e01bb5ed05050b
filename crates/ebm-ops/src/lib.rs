//! Tensor operations that burn lacks: reproducible noise, fused operations, rows kept as bytes.
//!
//! [`Noise`] is the only source of randomness in the workspace. It is two numbers, so a checkpoint
//! saves it whole; it is an argument, never a global; and the same seed draws the same numbers on
//! every backend.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ebm_ops::Noise;
//!
//! let device = Device::flex();
//! let mut noise = Noise::new(42);
//! let mut chains = noise.split(); // for the chains alone: what they draw changes nothing else
//!
//! let start: Tensor<2> = chains.uniform_in([100, 784], [-1.0, 1.0], &device);
//! let step: Tensor<2> = chains.normal([100, 784], &device);
//! let moved = start + step * 0.005;
//! let binary = chains.bernoulli(burn::tensor::activation::sigmoid(moved));
//! assert_eq!(binary.dims(), [100, 784]);
//!
//! // `noise` is a `rand::Rng` too, and has shuffles of its own.
//! let order = noise.permutation(60_000);
//! assert_eq!(order.len(), 60_000);
//! ```

pub mod activation;

mod blocks;
mod bytes;
mod chains;
mod convolution;
#[cfg(feature = "cube")]
mod cube;
mod description;
mod elementary;
mod fill;
mod fitted_gaussians;
#[cfg(feature = "flex")]
mod flex;
#[cfg(any(feature = "cube", feature = "flex"))]
mod kernels;
mod langevin;
#[cfg(any(feature = "cube", feature = "flex"))]
mod layout;
mod lift;
mod linear;
#[cfg(feature = "flex")]
mod memory;
mod metropolis;
mod noise;
mod npy;
mod parameters;
mod philox;
mod progress;
mod rows;
mod softplus_sum;
mod starting_points;

pub use blocks::in_blocks;
pub use bytes::{byte_dtype, from_bytes, to_bytes};
pub use chains::{finite_chains, per_chain, select_chains};
pub use convolution::conv2d;
pub use description::{Interval, Stride2d};
pub use fitted_gaussians::FittedGaussians;
pub use langevin::LangevinUpdate;
pub use lift::lift;
pub use linear::linear;
pub use metropolis::MetropolisDecision;
pub use noise::Noise;
pub use npy::write_npy;
pub use parameters::{GradientDescent, moving_average, square_sum};
pub use philox::philox4x32_10;
pub use progress::Progress;
pub use rows::{Rows, row_indices};
pub use softplus_sum::softplus_sum;
pub use starting_points::StartingPoints;

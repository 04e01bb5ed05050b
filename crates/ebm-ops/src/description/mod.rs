//! Plain descriptions of operations, as kernels take them; they import nothing of the crate.

#[cfg(feature = "flex")]
mod descent;
mod draws;
mod elementwise;
mod interval;
#[cfg(any(feature = "cube", feature = "flex"))]
mod langevin;
#[cfg(feature = "flex")]
mod restart;
mod stride;

#[cfg(feature = "flex")]
pub(crate) use descent::Descent;
pub(crate) use draws::{Distribution, HalfOpen, Place};
pub(crate) use elementwise::Elementwise;
pub use interval::Interval;
#[cfg(any(feature = "cube", feature = "flex"))]
pub(crate) use langevin::LangevinStep;
#[cfg(feature = "flex")]
pub(crate) use restart::{Fresh, Restart};
pub use stride::Stride2d;

//! Kernels for GPUs, written in CubeCL: what [`crate::flex`] does for the CPU.
//!
//! Noise, and what is computed from it alone, has the same bits as on the CPU; functions of floats
//! agree to a few ULP.

mod draws;
mod elementary;
mod elementwise;
mod extension;
mod langevin;
mod metropolis;
mod philox;
mod tensors;
mod units;

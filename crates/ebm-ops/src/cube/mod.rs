//! Kernels for GPUs, written in CubeCL: what [`crate::flex`] does for the CPU.
//!
//! Noise, and what is made of it, has the bits of the CPU's; functions of floats agree with it to a few ULP.

mod draws;
mod elementary;
mod elementwise;
mod extension;
mod langevin;
mod metropolis;
mod philox;
mod tensors;
mod units;

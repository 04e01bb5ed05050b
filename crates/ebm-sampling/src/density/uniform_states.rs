//! Uniform states of two-valued units.

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, Energy};
use ebm_ops::Noise;

use super::{Density, batch_shape, flat};

/// Every state of two-valued units equally likely: `-log q(x) = units log 2`.
#[derive(Clone, Debug)]
pub struct UniformStates {
    coding: Coding,
    /// The shape of a state.
    shape: Vec<usize>,
    /// Where draws are made.
    device: Device,
}

impl UniformStates {
    /// States of `shape`.
    pub fn new(coding: Coding, shape: &[usize], device: &Device) -> Self {
        Self {
            coding,
            shape: shape.to_vec(),
            device: device.clone().inner(),
        }
    }
}

impl<const D: usize> Energy<D> for UniformStates {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let x = flat(x, &self.shape);
        let units = x.dims()[1] as f64;
        x.mul_scalar(0.0)
            .sum_dim(1)
            .squeeze_dim::<1>(1)
            .add_scalar(units * 2_f64.ln())
    }
}

impl<const D: usize> Density<D> for UniformStates {
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<D> {
        let shape = batch_shape::<D>(count, &self.shape);
        let halves: Tensor<D> = Tensor::full(shape, 0.5, &self.device);
        let (low, high) = (self.coding.low(), self.coding.high());
        noise
            .bernoulli(halves)
            .mul_scalar(high - low)
            .add_scalar(low)
    }
}

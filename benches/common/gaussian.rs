//! A Gaussian of 50 correlated values: an energy that costs next to nothing.

use burn::tensor::{Device, Tensor};
use ebm::models::Energy;
use ebm::ops::Noise;

/// `E(x) = x^T P x / 2` with a full precision matrix.
#[derive(Clone, Debug)]
pub(crate) struct Gaussian {
    precision: Tensor<2>,
}

impl Gaussian {
    /// Of 50 values; any positive definite matrix will do.
    pub(crate) fn new(device: &Device, noise: &mut Noise) -> Self {
        let a: Tensor<2> = noise.normal([50, 50], device);
        let precision = a.clone().matmul(a.transpose()).div_scalar(50.0) + Tensor::eye(50, device);
        Self { precision }
    }
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let terms = x.clone().matmul(self.precision.clone()) * x;
        terms.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

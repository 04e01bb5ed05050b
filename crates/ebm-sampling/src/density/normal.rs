//! Independent normal values.

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;

use super::{Density, batch_shape, flat};

/// Independent normals,
/// `-log q(x) = sum_i (x_i - mean_i)^2 / (2 std_i^2) + log std_i + log(2 pi) / 2`.
#[derive(Clone, Debug)]
pub struct NormalDensity {
    mean: Tensor<1>,
    std: Tensor<1>,
    /// The shape of a configuration.
    shape: Vec<usize>,
}

impl NormalDensity {
    /// Normals with a mean and a standard deviation for each value of a configuration of `shape`,
    /// row by row.
    ///
    /// # Panics
    ///
    /// If there aren't as many as the configuration has values, a standard deviation isn't
    /// positive, or anything isn't finite.
    pub fn new(mean: &[f64], std: &[f64], shape: &[usize], device: &Device) -> Self {
        let values: usize = shape.iter().product();
        assert!(
            mean.len() == values && std.len() == values,
            "configurations of shape {shape:?} need {values} means and standard deviations, got {} and {}",
            mean.len(),
            std.len()
        );
        // As f32, in which they are kept.
        let fault = |value: f64, low: f32| !(value as f32 > low && (value as f32).is_finite());
        if let Some(std) = std.iter().find(|&&std| fault(std, 0.0)) {
            panic!("standard deviations must be positive and finite, found {std}");
        }
        if let Some(mean) = mean.iter().find(|&&mean| fault(mean, f32::NEG_INFINITY)) {
            panic!("means must be finite, found {mean}");
        }
        let parameter = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), device).inner()
        };
        Self {
            mean: parameter(mean),
            std: parameter(std),
            shape: shape.to_vec(),
        }
    }

    /// The same mean and standard deviation for all values of configurations of `shape`.
    ///
    /// # Panics
    ///
    /// If the standard deviation isn't positive, or either isn't finite.
    pub fn isotropic(mean: f64, std: f64, shape: &[usize], device: &Device) -> Self {
        let values = shape.iter().product();
        Self::new(&vec![mean; values], &vec![std; values], shape, device)
    }
}

impl<const D: usize> Energy<D> for NormalDensity {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let x = flat(x, &self.shape);
        let log_tau = x.dims()[1] as f64 * std::f64::consts::TAU.ln();
        let std = self.std.clone();
        let z = (x - self.mean.clone().unsqueeze()) / std.clone().unsqueeze();
        let squares: Tensor<1> = z.square().sum_dim(1).squeeze_dim(1);
        squares.mul_scalar(0.5).add_scalar(0.5 * log_tau) + std.log().sum()
    }
}

impl<const D: usize> Density<D> for NormalDensity {
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<D> {
        let (mean, std) = (self.mean.clone(), self.std.clone());
        let z: Tensor<2> = noise.normal([count, mean.dims()[0]], &mean.device());
        (z * std.unsqueeze() + mean.unsqueeze()).reshape(batch_shape::<D>(count, &self.shape))
    }
}

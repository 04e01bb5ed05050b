//! Independent normal values.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;

use super::{Density, batch_shape, flat};

/// Independent normals, `-log q(x) = sum_i (x_i - mean_i)^2 / (2 std_i^2) + log std_i + log(2 pi) / 2`.
#[derive(Module, Debug)]
pub struct NormalDensity {
    mean: Param<Tensor<1>>,
    std: Param<Tensor<1>>,
    /// `log` of the normalisation.
    #[module(skip)]
    log_partition: f64,
    /// The shape of a configuration.
    #[module(skip)]
    shape: Vec<usize>,
}

impl NormalDensity {
    /// Normals with a mean and a standard deviation for each value of a configuration of `shape`, row by row.
    ///
    /// # Panics
    ///
    /// If there aren't as many as the configuration has values, or a standard deviation isn't positive.
    pub fn new(mean: &[f64], std: &[f64], shape: &[usize], device: &Device) -> Self {
        let values: usize = shape.iter().product();
        assert!(
            mean.len() == values && std.len() == values,
            "configurations of shape {shape:?} need {values} means and standard deviations, got {} and {}",
            mean.len(),
            std.len()
        );
        assert!(
            std.iter().all(|&std| std > 0.0 && std.is_finite()),
            "standard deviations must be positive and finite"
        );
        let parameter = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Param::from_tensor(Tensor::<1>::from_floats(values.as_slice(), device))
        };
        let log_std: f64 = std.iter().map(|std| std.ln()).sum();
        Self {
            mean: parameter(mean),
            std: parameter(std),
            log_partition: log_std + 0.5 * values as f64 * std::f64::consts::TAU.ln(),
            shape: shape.to_vec(),
        }
    }

    /// The same mean and standard deviation for all values of configurations of `shape`.
    ///
    /// # Panics
    ///
    /// If the standard deviation isn't positive.
    pub fn isotropic(mean: f64, std: f64, shape: &[usize], device: &Device) -> Self {
        let values = shape.iter().product();
        Self::new(&vec![mean; values], &vec![std; values], shape, device)
    }
}

impl<const D: usize> Energy<D> for NormalDensity {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let z = (flat(x, &self.shape) - self.mean.val().unsqueeze()) / self.std.val().unsqueeze();
        z.square()
            .sum_dim(1)
            .squeeze_dim::<1>(1)
            .mul_scalar(0.5)
            .add_scalar(self.log_partition)
    }
}

impl<const D: usize> Density<D> for NormalDensity {
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<D> {
        let (mean, std) = (self.mean.val().inner(), self.std.val().inner());
        let z: Tensor<2> = noise.normal([count, mean.dims()[0]], &mean.device());
        (z * std.unsqueeze() + mean.unsqueeze()).reshape(batch_shape::<D>(count, &self.shape))
    }
}

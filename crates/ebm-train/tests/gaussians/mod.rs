//! Coordinates that are learned independently of each other, so that one training run is many
//! experiments.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code)] // each test file uses a part

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_train::Trainable;

/// Coordinates, all with the same truth.
pub const COUNT: usize = 16;
/// Mean and standard deviation of the data in every coordinate.
pub const MEAN: f64 = 0.25;
/// See [`MEAN`].
pub const WIDTH: f64 = 0.4;

/// Normal coordinates with free means and widths: `E(x) = sum_j (x_j - m_j)^2 / (2 exp(2 s_j))`.
#[derive(Module, Debug)]
pub struct Gaussians {
    pub mean: Param<Tensor<1>>,
    pub log_width: Param<Tensor<1>>,
}

impl Gaussians {
    /// Standard normals.
    pub fn new(device: &Device) -> Self {
        Self {
            mean: Param::from_tensor(Tensor::zeros([COUNT], device)),
            log_width: Param::from_tensor(Tensor::zeros([COUNT], device)),
        }
    }
}

impl Energy<2> for Gaussians {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let distance = x - self.mean.val().unsqueeze();
        let width: Tensor<2> = self.log_width.val().exp().unsqueeze();
        let scaled = distance / width;
        scaled.square().sum_dim(1).squeeze_dim::<1>(1) / 2.0
    }
}

impl Trainable<2> for Gaussians {}

/// Examples whose mean and standard deviation are exactly [`MEAN`] and [`WIDTH`] in every
/// coordinate, so that the maximum of the likelihood is known.
pub fn data(count: usize, device: &Device, noise: &mut Noise) -> Tensor<2> {
    let draws: Tensor<2> = noise.normal([count, COUNT], device);
    let centered = draws.clone() - draws.mean_dim(0);
    let spread = centered.clone().square().mean_dim(0).sqrt();
    (centered / spread) * WIDTH + MEAN
}

/// Units that are 0 or 1 with free biases: `E(x) = -sum_j b_j x_j`, about whose structure nothing
/// is said.
#[derive(Module, Debug)]
pub struct Biases {
    pub bias: Param<Tensor<1>>,
}

impl Biases {
    /// Fair coins.
    pub fn new(device: &Device) -> Self {
        Self {
            bias: Param::from_tensor(Tensor::zeros([COUNT], device)),
        }
    }
}

impl Energy<2> for Biases {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let weighted = x * self.bias.val().unsqueeze();
        weighted.sum_dim(1).squeeze_dim::<1>(1).neg()
    }
}

impl Trainable<2> for Biases {}

/// The values on the host.
pub fn values(x: Tensor<1>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

/// Fails unless the mean of what [`COUNT`] independent coordinates found is `expected`, give or
/// take `bias` and their own standard error: a t test of 15 degrees of freedom whose two-sided
/// false-positive rate is 1e-4, by which 5.24 standard errors are allowed. These must be smaller
/// than `precision`, or the test would say nothing.
pub fn assert_mean(found: &[f64], expected: f64, bias: f64, precision: f64, what: &str) {
    let count = found.len() as f64;
    assert_eq!(found.len(), COUNT);
    let mean = found.iter().sum::<f64>() / count;
    let squares: f64 = found.iter().map(|x| (x - mean).powi(2)).sum();
    let error = (squares / (count * (count - 1.0))).sqrt();
    assert!(
        5.24 * error < precision,
        "{what}: the standard error, {error}, is too large to tell anything"
    );
    assert!(
        (mean - expected).abs() < 5.24 * error + bias,
        "{what}: {mean} ± {error}, expected {expected}"
    );
}

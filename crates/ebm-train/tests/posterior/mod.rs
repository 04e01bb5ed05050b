//! What the tests of Langevin dynamics over parameters share: replicas of a Gaussian model, its
//! exact law, and limits of chance.
#![allow(dead_code, unreachable_pub)] // each test file uses a part

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;
#[allow(unused_imports)]
pub use ebm_testing::{assert_within_error, devices, moments, tensor, values};
use ebm_train::{
    ParameterGradients, StepSizeSchedule, StochasticGradientLangevin,
    StochasticGradientLangevinConfig,
};

/// Independent chains, each the parameters of a model of its own: one module, one step for all.
#[derive(Module, Debug)]
pub struct Replicas {
    pub theta: Param<Tensor<2>>,
}

impl Replicas {
    /// All at the same place, on the autodiff graph.
    pub fn at(place: f64, shape: [usize; 2], device: &Device) -> Self {
        Self::start(Tensor::full(shape, place, device))
    }

    pub fn start(theta: Tensor<2>) -> Self {
        Self {
            theta: Param::from_tensor(theta),
        }
        .train()
    }

    /// The gradients of `sum_r (theta_r - center_r)^2 / (2 sigma^2)`, where replica `r` has seen
    /// examples of `N(theta_r, sigma^2)` with the mean `center_r`: of the mean negative
    /// log-likelihood of each, constants left out.
    pub fn gradients(&self, center: Tensor<2>, sigma: Tensor<2>) -> ParameterGradients {
        let distance = (self.theta.val() - center.autodiff()) / sigma.autodiff();
        let loss = distance.square().sum().div_scalar(2.0);
        ParameterGradients::collect(self, loss.backward())
    }
}

pub fn constant(step_size: f64) -> StepSizeSchedule {
    StepSizeSchedule::constant(step_size).expect("above 0")
}

pub fn config(data_size: usize, step_size: StepSizeSchedule) -> StochasticGradientLangevinConfig {
    StochasticGradientLangevinConfig::new(data_size, step_size)
}

/// Moves replicas by `steps`, `center(noise)` being the means of their minibatches.
pub fn walk(
    langevin: &mut StochasticGradientLangevin,
    mut replicas: Replicas,
    sigma: Tensor<2>,
    steps: usize,
    noise: &mut Noise,
    mut center: impl FnMut(&mut Noise) -> Tensor<2>,
) -> Replicas {
    for _ in 0..steps {
        let center = center(noise);
        let gradients = replicas.gradients(center, sigma.clone());
        replicas = langevin.step(replicas, gradients, noise);
    }
    replicas
}

/// `U = curvature (theta - mode)^2 / 2` at a temperature, with `|D| g` of variance `gradient_noise`
/// due to minibatches.
#[derive(Clone, Copy)]
pub struct Quadratic {
    pub curvature: f64,
    pub mode: f64,
    pub temperature: f64,
    pub gradient_noise: f64,
}

impl Quadratic {
    /// Mean and variance after the first `steps` steps from `start`, exactly: each step is linear
    /// with additive noise.
    pub fn law(&self, start: f64, steps: usize, step_size: impl Fn(u64) -> f64) -> (f64, f64) {
        (0..steps as u64).fold((start, 0.0), |(mean, variance), step| {
            let eps = step_size(step);
            let factor = 1.0 - eps * self.curvature / 2.0;
            (
                self.mode + factor * (mean - self.mode),
                factor * factor * variance
                    + eps * self.temperature
                    + eps * eps * self.gradient_noise / 4.0,
            )
        })
    }

    /// The variance that a constant step leads to, as the documentation has it.
    pub fn stationary_variance(&self, eps: f64) -> f64 {
        (self.temperature + eps * self.gradient_noise / 4.0)
            / (self.curvature * (1.0 - eps * self.curvature / 4.0))
    }
}

/// A sample of independent normals of this mean and variance: both are within five of their
/// standard errors.
pub fn assert_normal_moments(sample: &[f64], (mean, variance): (f64, f64), what: &str) {
    let n = sample.len() as f64;
    let found = moments(sample);
    assert_within_error(
        found.0,
        mean,
        (variance / n).sqrt(),
        &format!("{what}: mean"),
    );
    assert_within_error(
        found.1,
        variance,
        variance * (2.0 / (n - 1.0)).sqrt(),
        &format!("{what}: variance"),
    );
}

//! Targets whose moments and quantiles are known, and what draws from them have to be.
#![allow(dead_code)] // each test file uses a part

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::Draws;
use ebm_sampling::diagnostics::{monte_carlo_error, r_hat};

use crate::common::{assert_within_error, phi, tensor};

/// A normal with mean 0 and the covariance `A A^T`, `E(x) = |A^-1 x|^2 / 2`.
#[derive(Module, Debug)]
pub(crate) struct Gaussian {
    /// `(A^-1)^T`: `[dimensions, dimensions]`.
    whitening: Param<Tensor<2>>,
    /// `A^T`.
    coloring: Param<Tensor<2>>,
}

impl Gaussian {
    /// Two values of standard deviations `1` and `thin`, turned by 30 degrees: condition number `1 / thin^2`.
    pub(crate) fn turned(thin: f64, device: &Device) -> Self {
        let (s, c) = std::f64::consts::FRAC_PI_6.sin_cos();
        // A = R diag(1, thin), A^-1 = diag(1, 1 / thin) R^T.
        Self {
            coloring: parameter(&[c, s, -s * thin, c * thin], 2, device),
            whitening: parameter(&[c, -s / thin, s, c / thin], 2, device),
        }
    }

    /// A chain `y_i = rho y_(i-1) + sqrt(1 - rho^2) z_i` of unit variances, value `i` scaled from `1` down to `thin` in
    /// equal ratios: correlated values whose variances span `1 / thin^2`.
    pub(crate) fn chain(dimensions: usize, rho: f64, thin: f64, device: &Device) -> Self {
        let n = dimensions;
        let scale = |i: usize| thin.powf(i as f64 / (n as f64 - 1.0));
        let rest = (1.0 - rho * rho).sqrt();
        let (mut a, mut inverse) = (vec![0.0; n * n], vec![0.0; n * n]);
        for i in 0..n {
            for j in 0..=i {
                let innovation = if j == 0 { 1.0 } else { rest };
                // A^T at [j, i].
                a[j * n + i] = scale(i) * rho.powi((i - j) as i32) * innovation;
            }
            // z_i = (y_i - rho y_(i-1)) / rest; (A^-1)^T at [j, i].
            inverse[i * n + i] = 1.0 / (scale(i) * if i == 0 { 1.0 } else { rest });
            if i > 0 {
                inverse[(i - 1) * n + i] = -rho / (rest * scale(i - 1));
            }
        }
        Self {
            coloring: parameter(&a, n, device),
            whitening: parameter(&inverse, n, device),
        }
    }

    pub(crate) fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<2> {
        let coloring = self.coloring.val();
        let z: Tensor<2> = noise.normal([count, coloring.dims()[0]], &coloring.device());
        z.matmul(coloring)
    }
}

fn parameter(values: &[f64], n: usize, device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(tensor(values, [n, n], device))
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let z = x.matmul(self.whitening.val());
        z.square().sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

/// The twisted normal of Haario et al. (1999): `x_1 ~ N(0, 1)`, `x_2 = BEND (x_1^2 - 1) + 0.5 z`.
#[derive(Module, Debug)]
pub(crate) struct Banana {}

impl Banana {
    pub(crate) const BEND: f64 = 0.5;

    pub(crate) fn draw(count: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        let x: Tensor<2> = noise.normal([count, 1], device);
        let z: Tensor<2> = noise.normal([count, 1], device);
        let y = x.clone().square().sub_scalar(1.0).mul_scalar(Self::BEND) + z.mul_scalar(0.5);
        Tensor::cat(vec![x, y], 1)
    }

    /// The variance of the second value: `Var(x^2) = 2`.
    pub(crate) fn variance() -> f64 {
        2.0 * Self::BEND * Self::BEND + 0.25
    }
}

impl Energy<2> for Banana {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let (first, second) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
        let bent = second
            - first
                .clone()
                .square()
                .sub_scalar(1.0)
                .mul_scalar(Self::BEND);
        let terms = first.square().mul_scalar(0.5) + bent.square().mul_scalar(2.0);
        terms.squeeze_dim(1)
    }
}

/// Neal's funnel (2003): `v ~ N(0, spread^2)`, and `n` values `x_i ~ N(0, exp(v))`; `v` is the first value.
#[derive(Module, Debug)]
pub(crate) struct Funnel {
    #[module(skip)]
    pub(crate) spread: f64,
}

impl Funnel {
    pub(crate) fn draw(
        &self,
        count: usize,
        values: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Tensor<2> {
        let v: Tensor<2> = noise.normal([count, 1], device).mul_scalar(self.spread);
        let z: Tensor<2> = noise.normal([count, values], device);
        Tensor::cat(vec![v.clone(), z * v.mul_scalar(0.5).exp()], 1)
    }
}

impl Energy<2> for Funnel {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let values = x.dims()[1] - 1;
        let v = x.clone().narrow(1, 0, 1);
        let squares = x.narrow(1, 1, values).square().sum_dim(1);
        let widths = squares * v.clone().neg().exp() + v.clone().mul_scalar(values as f64);
        let prior = v.square().mul_scalar(1.0 / (self.spread * self.spread));
        (widths + prior).mul_scalar(0.5).squeeze_dim(1)
    }
}

/// Mean, variance and the given quantiles `(x, P(X <= x))` of chains, each within five Monte-Carlo standard errors of what
/// it should be, false-positive rate 5.7e-7 each; and R-hat below 1.02.
pub(crate) fn assert_distribution(
    chains: &[Vec<f64>],
    mean: f64,
    variance: f64,
    quantiles: &[(f64, f64)],
    what: &str,
) {
    let compare = |value: &dyn Fn(f64) -> f64, expected: f64, name: &str| {
        let series: Vec<Vec<f64>> = chains
            .iter()
            .map(|chain| chain.iter().map(|&x| value(x)).collect())
            .collect();
        let total: f64 = series.iter().flatten().sum();
        let count = series.iter().map(Vec::len).sum::<usize>() as f64;
        let error = monte_carlo_error(&series);
        assert_within_error(total / count, expected, error, &format!("{what}: {name}"));
    };
    compare(&|x| x, mean, "mean");
    compare(&|x| (x - mean).powi(2), variance, "variance");
    for &(x, probability) in quantiles {
        let below = |value: f64| f64::from(u8::from(value <= x));
        compare(&below, probability, &format!("P(x <= {x})"));
    }
    let r_hat = r_hat(chains);
    assert!(r_hat < 1.02, "{what}: R-hat {r_hat}");
}

/// Value number `quantity` of the draws is normal.
pub(crate) fn assert_normal(draws: &Draws, quantity: usize, mean: f64, std: f64, what: &str) {
    let quantiles: Vec<(f64, f64)> = [-1.6, -0.5, 0.0, 0.7, 1.9]
        .map(|z| (mean + std * z, phi(z)))
        .to_vec();
    let what = format!("{what}, value {quantity}");
    assert_distribution(&draws.chains(quantity), mean, std * std, &quantiles, &what);
}

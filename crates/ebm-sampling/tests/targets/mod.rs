//! Targets whose moments and quantiles are known, and what draws from them have to be.
#![allow(dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::diagnostics::{monte_carlo_error, r_hat};
use ebm_sampling::{Draws, Kernel, Schedule, sample};

use crate::common::{assert_within_error, phi, tensor};

/// A normal with the covariance `A A^T`, `E(x) = |A^-1 (x - mean)|^2 / 2`.
#[derive(Clone, Debug)]
pub(crate) struct Gaussian {
    /// `(A^-1)^T`: `[dimensions, dimensions]`.
    whitening: Tensor<2>,
    /// `A^T`.
    coloring: Tensor<2>,
    /// `[1, dimensions]`.
    mean: Tensor<2>,
}

impl Gaussian {
    /// The directions of [`turned`](Self::turned), the wide one first: 30 degrees.
    pub(crate) const DIRECTIONS: [[f64; 2]; 2] = [[COS, SIN], [-SIN, COS]];

    /// Standard deviations `1` and `thin` in [`DIRECTIONS`](Self::DIRECTIONS): condition number
    /// `1 / thin^2`.
    pub(crate) fn turned(thin: f64, mean: [f64; 2], device: &Device) -> Self {
        let [[a, b], [c, d]] = Self::DIRECTIONS;
        // A = R diag(1, thin), A^-1 = diag(1, 1 / thin) R^T.
        Self {
            coloring: parameter(&[a, b, c * thin, d * thin], [2, 2], device),
            whitening: parameter(&[a, c / thin, b, d / thin], [2, 2], device),
            mean: parameter(&mean, [1, 2], device),
        }
    }

    /// A chain `y_i = rho y_(i-1) + sqrt(1 - rho^2) z_i` of unit variances, value `i` scaled from
    /// `1` down to `thin` in equal ratios: correlated values whose variances span `1 / thin^2`.
    pub(crate) fn chain(dimensions: usize, rho: f64, thin: f64, device: &Device) -> Self {
        let n = dimensions;
        let scale = |i: usize| Self::scale_of_chain(i, n, thin);
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
            coloring: parameter(&a, [n, n], device),
            whitening: parameter(&inverse, [n, n], device),
            mean: parameter(&vec![0.0; n], [1, n], device),
        }
    }

    /// The standard deviation of a value of [`chain`](Self::chain).
    pub(crate) fn scale_of_chain(index: usize, dimensions: usize, thin: f64) -> f64 {
        thin.powf(index as f64 / (dimensions as f64 - 1.0))
    }

    pub(crate) fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<2> {
        let coloring = self.coloring.clone();
        let z: Tensor<2> = noise.normal([count, coloring.dims()[0]], &coloring.device());
        z.matmul(coloring) + self.mean.clone()
    }
}

const SIN: f64 = 0.5;
const COS: f64 = 0.866_025_403_784_438_6;

fn parameter(values: &[f64], shape: [usize; 2], device: &Device) -> Tensor<2> {
    tensor(values, shape, device)
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let z = (x - self.mean.clone()).matmul(self.whitening.clone());
        z.square().sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

/// The twisted normal of Haario et al. (1999): `x_1 ~ N(0, 1)`, `x_2 = BEND (x_1^2 - 1) + 0.5 z`.
#[derive(Clone, Debug)]
pub(crate) struct Banana {}

impl Banana {
    pub(crate) const BEND: f64 = 0.5;

    pub(crate) fn draw(count: usize, device: &Device, noise: &mut Noise) -> Tensor<2> {
        let x: Tensor<2> = noise.normal([count, 1], device);
        let z: Tensor<2> = noise.normal([count, 1], device);
        let y = x.clone().square().sub_scalar(1.0).mul_scalar(Self::BEND) + z.mul_scalar(0.5);
        Tensor::cat(vec![x, y], 1)
    }

    /// The variance of the second value: `Var(x^2) = 2`.
    pub(crate) fn variance() -> f64 {
        2.0 * Self::BEND * Self::BEND + 0.25
    }

    /// `P(x_2 <= y)`, over `x_1`.
    pub(crate) fn second_below(y: f64) -> f64 {
        over_normal(|x| phi((y + Self::BEND * (1.0 - x * x)) / 0.5))
    }

    /// `z`, a standard normal that doesn't depend on `x_1`.
    pub(crate) fn straightened(x: f64, y: f64) -> f64 {
        (y - Self::BEND * (x * x - 1.0)) / 0.5
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

/// Neal's funnel (2003): `v ~ N(0, spread^2)`, and `n` values `x_i ~ N(0, exp(v))`; `v` is the
/// first value.
#[derive(Clone, Debug)]
pub(crate) struct Funnel {
    pub(crate) spread: f64,
}

impl Funnel {
    pub(crate) fn draw(
        &self,
        count: usize,
        values: usize,
        device: &Device,
        noise: &mut Noise,
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

/// Draws of so many chains that start at `spread` times a standard normal.
pub(crate) fn draws<E: Energy<2>, K: Kernel<E, Tensor<2>>>(
    kernel: &K,
    energy: &E,
    (chains, dimensions, spread): (usize, usize, f64),
    schedule: Schedule,
    seed: u64,
) -> Draws {
    let mut noise = Noise::new(seed);
    let start: Tensor<2> = noise.normal([chains, dimensions], &Device::flex());
    let start = start.mul_scalar(spread);
    sample(kernel, energy, start, schedule, &mut noise).0
}

/// A function of the first two values, chain by chain.
pub(crate) fn of_pairs(draws: &Draws, function: impl Fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
    let (first, second) = (draws.chains(0), draws.chains(1));
    let pairs = first.iter().zip(&second);
    pairs
        .map(|(x, y)| x.iter().zip(y).map(|(&x, &y)| function(x, y)).collect())
        .collect()
}

/// Mean, variance and the given quantiles `(x, P(X <= x))` of chains, each within five Monte-Carlo
/// standard errors of what it should be, false-positive rate 5.7e-7 each; and R-hat below 1.02.
pub(crate) fn assert_distribution(
    chains: &[Vec<f64>],
    mean: f64,
    variance: f64,
    quantiles: &[(f64, f64)],
    what: &str,
) {
    let expected = (mean, variance, quantiles);
    assert_expectations(chains, expected, monte_carlo_error, what);
    let r_hat = r_hat(chains);
    assert!(r_hat < 1.02, "{what}: R-hat {r_hat}");
}

/// The same of independent draws, with plain standard errors.
pub(crate) fn assert_independent(
    draws: Vec<f64>,
    mean: f64,
    variance: f64,
    quantiles: &[(f64, f64)],
    what: &str,
) {
    let error = |series: &[Vec<f64>]| {
        let n = series[0].len() as f64;
        let mean = series[0].iter().sum::<f64>() / n;
        let squares: f64 = series[0].iter().map(|x| (x - mean).powi(2)).sum();
        (squares / (n * (n - 1.0))).sqrt()
    };
    assert_expectations(&[draws], (mean, variance, quantiles), error, what);
}

fn assert_expectations(
    chains: &[Vec<f64>],
    (mean, variance, quantiles): (f64, f64, &[(f64, f64)]),
    error: impl Fn(&[Vec<f64>]) -> f64,
    what: &str,
) {
    let compare = |value: &dyn Fn(f64) -> f64, expected: f64, name: &str| {
        let series: Vec<Vec<f64>> = chains
            .iter()
            .map(|chain| chain.iter().map(|&x| value(x)).collect())
            .collect();
        let total: f64 = series.iter().flatten().sum();
        let count = series.iter().map(Vec::len).sum::<usize>() as f64;
        let what = format!("{what}: {name}");
        assert_within_error(total / count, expected, error(&series), &what);
    };
    compare(&|x| x, mean, "mean");
    compare(&|x| (x - mean).powi(2), variance, "variance");
    for &(x, probability) in quantiles {
        let below = |value: f64| f64::from(u8::from(value <= x));
        compare(&below, probability, &format!("P(x <= {x})"));
    }
}

/// Chains are normal.
pub(crate) fn assert_normal(chains: &[Vec<f64>], mean: f64, std: f64, what: &str) {
    assert_distribution(
        chains,
        mean,
        std * std,
        &quantiles_of_normal(mean, std),
        what,
    );
}

/// Five points of the distribution function.
pub(crate) fn quantiles_of_normal(mean: f64, std: f64) -> [(f64, f64); 5] {
    [-1.6, -0.5, 0.0, 0.7, 1.9].map(|z| (mean + std * z, phi(z)))
}

/// Draws are of a [turned](Gaussian::turned) normal around 0 with these standard deviations.
pub(crate) fn assert_turned(draws: &Draws, stds: [f64; 2], what: &str) {
    for ([a, b], std) in Gaussian::DIRECTIONS.into_iter().zip(stds) {
        let along = of_pairs(draws, |x, y| a * x + b * y);
        assert_normal(&along, 0.0, std, &format!("{what}, the direction of {std}"));
    }
}

/// Draws are of the [`Banana`].
pub(crate) fn assert_banana(draws: &Draws, what: &str) {
    assert_normal(&draws.chains(0), 0.0, 1.0, &format!("{what}, first value"));
    let below = [(0.0, Banana::second_below(0.0))];
    let second = draws.chains(1);
    assert_distribution(&second, 0.0, Banana::variance(), &below, what);
    let bent = of_pairs(draws, Banana::straightened);
    assert_normal(&bent, 0.0, 1.0, &format!("{what}, straightened"));
}

/// The expectation of `value` over a standard normal, by the trapezoidal rule, which converges
/// faster than any power here.
pub(crate) fn over_normal(value: impl Fn(f64) -> f64) -> f64 {
    let step = 0.01;
    let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let points = (-900..=900).map(|i| f64::from(i) * step);
    points.map(|z| value(z) * density(z) * step).sum()
}

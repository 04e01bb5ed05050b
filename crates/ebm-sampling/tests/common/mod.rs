//! What tests of samplers share: devices, energies with closed forms, tests of distributions.
#![allow(dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::{Kernel, run};
#[allow(unused_imports)]
pub(crate) use ebm_testing::{
    assert_chi_square, assert_within_error, devices, moments, phi, tensor, values,
};

/// The sum of the values of each configuration: `[batch, ..]` -> `[batch]`.
fn total<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let shape = x.dims();
    let x: Tensor<2> = x.reshape([shape[0], shape[1..].iter().product()]);
    x.sum_dim(1).squeeze_dim(1)
}

/// `E(x) = precision |x|^2 / 2`, with the precision as a parameter: the values are normal and
/// independent.
#[derive(Clone, Debug)]
pub(crate) struct Quadratic {
    precision: Tensor<1>,
}

impl Quadratic {
    pub(crate) fn new(precision: f64, device: &Device) -> Self {
        Self {
            precision: tensor(&[precision], [1], device),
        }
    }
}

impl<const D: usize> Energy<D> for Quadratic {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        total(x.square()).mul_scalar(0.5) * self.precision.clone()
    }
}

/// `E(x) = sum_i 2 (x_i^2 - 1)^2 + x_i / 2`, two wells of different depth in each value.
#[derive(Clone, Debug)]
pub(crate) struct DoubleWell {}

impl DoubleWell {
    pub(crate) fn at(x: f64) -> f64 {
        2.0 * (x * x - 1.0) * (x * x - 1.0) + 0.5 * x
    }
}

impl<const D: usize> Energy<D> for DoubleWell {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let walls = x.clone().square().sub_scalar(1.0).square();
        total(walls.mul_scalar(2.0) + x.mul_scalar(0.5))
    }
}

/// `E(x) = 0`, but not a number where a value is positive.
#[derive(Clone, Debug)]
pub(crate) struct NanWherePositive {}

impl<const D: usize> Energy<D> for NanWherePositive {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        total(x.neg().log()).mul_scalar(0.0)
    }
}

/// `E(x) = 0`, but `+inf` where a value is positive.
#[derive(Clone, Debug)]
pub(crate) struct WallWherePositive {}

impl<const D: usize> Energy<D> for WallWherePositive {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let positive = x.clone().greater_scalar(0.0);
        total(x.zeros_like().mask_fill(positive, f64::INFINITY))
    }
}

/// `E(x) = slope sum_i |x_i|`.
#[derive(Clone, Debug)]
pub(crate) struct Absolute {
    pub(crate) slope: f64,
}

impl<const D: usize> Energy<D> for Absolute {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        total(x.abs()).mul_scalar(self.slope)
    }
}

/// `E(x) = sum_i x_i^4 / 10`, so steep far out that a step overflows.
#[derive(Clone, Debug)]
pub(crate) struct Quartic {}

impl Energy<2> for Quartic {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        total(x.square().square().mul_scalar(0.1))
    }
}

/// A density on an interval, tabulated by the trapezoidal rule.
pub(crate) struct Tabulated {
    low: f64,
    spacing: f64,
    cumulative: Vec<f64>,
}

impl Tabulated {
    /// Of `exp(-energy / temperature)` on `[low, high]`, in 20,000 pieces: the error of the rule is
    /// below 1e-7 here.
    pub(crate) fn new(
        energy: impl Fn(f64) -> f64,
        temperature: f64,
        (low, high): (f64, f64),
    ) -> Self {
        let pieces = 20_000;
        let spacing = (high - low) / f64::from(pieces);
        let density = |i: i32| (-energy(low + f64::from(i) * spacing) / temperature).exp();
        let mut cumulative = vec![0.0];
        let mut sum = 0.0;
        for i in 0..pieces {
            sum += (density(i) + density(i + 1)) / 2.0;
            cumulative.push(sum);
        }
        cumulative.iter_mut().for_each(|c| *c /= sum);
        Self {
            low,
            spacing,
            cumulative,
        }
    }

    /// The distribution function.
    pub(crate) fn probability(&self, x: f64) -> f64 {
        let position = ((x - self.low) / self.spacing).max(0.0);
        let index = position as usize;
        if index + 1 >= self.cumulative.len() {
            return 1.0;
        }
        let (here, next) = (self.cumulative[index], self.cumulative[index + 1]);
        here + (next - here) * position.fract()
    }

    /// Its inverse: where `u` is uniform, this follows the density.
    pub(crate) fn quantile(&self, u: f64) -> f64 {
        let next = self.cumulative.partition_point(|&c| c <= u).max(1);
        let next = next.min(self.cumulative.len() - 1);
        let (below, above) = (self.cumulative[next - 1], self.cumulative[next]);
        self.low + self.spacing * ((next - 1) as f64 + (u - below) / (above - below))
    }
}

/// Pearson's chi-square of counts that should be equal but for chance.
pub(crate) fn assert_even(counts: &[usize], what: &str) {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let statistic = counts
        .iter()
        .map(|&count| (count as f64 - expected).powi(2) / expected)
        .sum();
    assert_chi_square(statistic, counts.len() as f64 - 1.0, what);
}

/// Kolmogorov and Smirnov: `P(sqrt(n) D > t) <= 2 exp(-2 t^2)` (Massart 1990); t = 2.75 gives a
/// false-positive rate of at most 5.4e-7. `probabilities` are the distribution function's values at
/// the sample.
pub(crate) fn assert_uniform(mut probabilities: Vec<f64>, what: &str) {
    probabilities.sort_unstable_by(f64::total_cmp);
    let n = probabilities.len() as f64;
    let distance = probabilities
        .iter()
        .enumerate()
        .map(|(i, p)| (p - i as f64 / n).abs().max(((i + 1) as f64 / n - p).abs()))
        .fold(0.0, f64::max);
    assert!(
        distance * n.sqrt() < 2.75,
        "{what}: D = {distance}, n = {n}"
    );
}

/// Mean and standard error.
pub(crate) fn mean_and_error(sample: &[f64]) -> (f64, f64) {
    let (mean, variance) = moments(sample);
    (mean, (variance / sample.len() as f64).sqrt())
}

/// Positions of chains of so many values each, 100,000 values in all, drawn exactly from `density`.
pub(crate) fn exact_draws(
    values_each: usize,
    density: &Tabulated,
    device: &Device,
    noise: &mut Noise,
) -> Tensor<2> {
    let shape = [100_000 / values_each, values_each];
    let uniforms: Tensor<2> = noise.uniform(shape, device);
    let draws: Vec<f64> = values(uniforms)
        .into_iter()
        .map(|u| density.quantile(u))
        .collect();
    tensor(&draws, shape, device)
}

/// The cell of each value among `cells` equally likely ones.
pub(crate) fn cells(positions: &[f64], density: &Tabulated, cells: usize) -> Vec<usize> {
    positions
        .iter()
        .map(|&x| ((density.probability(x) * cells as f64) as usize).min(cells - 1))
        .collect()
}

/// Chains of a double well that start exactly at `density` must be there after ten steps: 36
/// equally likely cells of one value, or 6 of each of two values, which must stay independent. The
/// chains are independent, so that the counts are multinomial. The share of accepted proposals must
/// lie in `acceptance`, so that chains moved and some were rejected.
pub(crate) fn assert_stationary<K: Kernel<DoubleWell, Tensor<2>>>(
    kernel: &K,
    density: &Tabulated,
    acceptance: std::ops::Range<f64>,
    seed: u64,
    what: &str,
) {
    for device in devices() {
        for (values_each, sides) in [(1, 36), (2, 6)] {
            let mut noise = Noise::new(seed);
            let start = exact_draws(values_each, density, &device, &mut noise);
            let chains = run(kernel, &DoubleWell {}, start, 10, &mut noise);
            let mut counts = [0; 36];
            let positions = values(chains.position.clone());
            for cell in cells(&positions, density, sides).chunks(values_each) {
                counts[cell.iter().fold(0, |index, cell| index * sides + cell)] += 1;
            }
            assert_even(
                &counts,
                &format!("{what}, {values_each} values on {device:?}"),
            );
            let share = values(chains.acceptance().expect("it rejects").mean())[0];
            assert!(acceptance.contains(&share), "{what}: accepted {share}");
        }
    }
}

/// Fails where two lists differ by more than `tolerance` somewhere.
pub(crate) fn assert_close_to(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "value {index}: found {found}, expected {expected}"
        );
    }
}

/// Chains near the edge of where the energy is a number: proposals beyond it are rejected, the
/// others move chains on. The share of accepted proposals must lie in `acceptance`.
pub(crate) fn assert_rejects_nan<K: Kernel<NanWherePositive, Tensor<2>>>(
    kernel: &K,
    acceptance: std::ops::Range<f64>,
) {
    for device in devices() {
        let mut noise = Noise::new(7);
        let start = tensor(&[-0.2; 2000], [1000, 2], &device);
        let chains = run(kernel, &NanWherePositive {}, start, 30, &mut noise);
        let share = values(chains.acceptance().expect("it rejects").mean())[0];
        assert!(acceptance.contains(&share), "{share}");
        let positions = values(chains.position);
        assert!(
            positions.iter().all(|&x| x < 0.0),
            "a chain is where the energy is NaN"
        );
        assert!(positions.iter().any(|&x| x < -0.5), "no chain has moved");
    }
}

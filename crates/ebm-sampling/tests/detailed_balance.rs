//! Metropolis-Hastings kernels have the transition probabilities of their formulas.

mod common;
mod finite;

use burn::tensor::{Device, Tensor};
use common::{DoubleWell, Tabulated, assert_chi_square, cells, devices, exact_draws, values};
use ebm_models::Coding;
use ebm_ops::Noise;
use ebm_sampling::density::{NormalDensity, UniformStates};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::{
    BitFlips, GaussianWalk, GibbsWithGradients, Independence, Mala, MetropolisHastings, UniformWalk,
};
use ebm_sampling::{Kernel, run};
use finite::{CODINGS, Cubic, Finite, Matrix, assert_transitions, two_values};

const UNITS: usize = 5;

/// `q[from][to]` of Gibbs with gradients: `softmax(d / 2)` with `d_i = -(x_i' - x_i) dE/dx_i / T`.
fn gradient_flips(known: &Finite, energy: &Cubic, coding: Coding, temperature: f64) -> Matrix {
    (0..known.count())
        .map(|i| {
            let x = known.state(i);
            let gradient = energy.gradient(&x);
            let weights: Vec<f64> = x
                .iter()
                .zip(gradient)
                .map(|(x, g)| {
                    let other = coding.low() + coding.high() - x;
                    (-(other - x) * g / temperature / 2.0).exp()
                })
                .collect();
            let sum: f64 = weights.iter().sum();
            let mut row = vec![0.0; known.count()];
            for (unit, weight) in weights.iter().enumerate() {
                row[i ^ 1 << unit] = weight / sum;
            }
            row
        })
        .collect()
}

/// The formula's matrix keeps its target, which is arithmetic, and one step from every state has
/// the frequencies of that matrix, which is the test: 3,000 chains from each of 32 states, 40
/// chi-squares at a rate of 2.9e-7.
#[test]
fn discrete_kernels_have_their_transition_matrix() {
    for device in devices() {
        for coding in CODINGS {
            for temperature in [1.0, 1.7] {
                let mut noise = Noise::new(1);
                let energy = Cubic::random(UNITS, &device, &mut noise);
                let known = Finite::of_formula(&two_values(coding), UNITS, |x| energy.at(x));
                let target = known.probabilities(temperature);
                let mut check = |name: &str, q: Matrix, step: &dyn Fn(&mut Noise) -> Matrix| {
                    let what = format!("{name}, {coding:?}, T {temperature}, {device:?}");
                    let matrix = known.metropolis_hastings(temperature, &q);
                    assert_reversible(&matrix, &target);
                    assert_transitions(&step(&mut noise), &matrix, &what);
                };
                for flips in [1, 2, 3] {
                    let kernel = MetropolisHastings::proposing(BitFlips { flips, coding })
                        .with_temperature(temperature);
                    check(&format!("{flips} flips"), known.flips(flips), &|noise| {
                        known.transitions(&kernel, &energy, 3000, &device, noise)
                    });
                }
                let kernel = GibbsWithGradients::new(coding).with_temperature(temperature);
                let q = gradient_flips(&known, &energy, coding, temperature);
                check("gradients", q, &|noise| {
                    known.transitions(&kernel, &energy, 3000, &device, noise)
                });
                let density = UniformStates::new(coding, &[UNITS], &device);
                let kernel = MetropolisHastings::proposing(Independence { density })
                    .with_temperature(temperature);
                let even = 1.0 / known.count() as f64;
                let q = vec![vec![even; known.count()]; known.count()];
                check("independence", q, &|noise| {
                    known.transitions(&kernel, &energy, 3000, &device, noise)
                });
            }
        }
    }
}

/// `p_i P_ij = p_j P_ji`, up to rounding.
fn assert_reversible(matrix: &Matrix, probabilities: &[f64]) {
    for (i, row) in matrix.iter().enumerate() {
        for (j, forth) in row.iter().enumerate() {
            let (forth, back) = (probabilities[i] * forth, probabilities[j] * matrix[j][i]);
            assert!(
                (forth - back).abs() < 1e-14,
                "{i} to {j}: {forth} and {back}"
            );
        }
    }
}

/// From the target, moves between two places are as frequent in one direction as in the other:
/// given their number, the difference has mean 0 and the number as its variance, which makes a
/// chi-square of one degree a pair; false-positive rate 2.9e-7.
fn assert_balanced(from: &[usize], to: &[usize], places: usize, what: &str) {
    let mut moves = vec![vec![0.0_f64; places]; places];
    for (from, to) in from.iter().zip(to) {
        moves[*from][*to] += 1.0;
    }
    let (mut statistic, mut pairs) = (0.0, 0.0);
    for (i, j) in (0..places).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let both = moves[i][j] + moves[j][i];
        // Where a normal approximation holds.
        if both >= 20.0 {
            statistic += (moves[i][j] - moves[j][i]).powi(2) / both;
            pairs += 1.0;
        }
    }
    assert!(pairs >= 8.0, "{what}: {pairs} pairs");
    assert_chi_square(statistic, pairs, what);
}

/// The same from exact draws, without a formula of the kernel: 20 tests.
#[test]
fn discrete_kernels_are_in_detailed_balance() {
    fn check<K: Kernel<Cubic, Tensor<2>>>(
        kernel: &K,
        energy: &Cubic,
        known: &Finite,
        temperature: f64,
        what: &str,
    ) {
        let (device, mut noise) = (Device::flex(), Noise::new(2));
        let target = known.probabilities(temperature);
        let start = known.draws(&target, 100_000, &device, &mut noise);
        let end = run(kernel, energy, start.clone(), 1, &mut noise).position;
        let (from, to) = (known.indices(start), known.indices(end));
        assert_balanced(&from, &to, known.count(), what);
    }
    let device = Device::flex();
    for coding in CODINGS {
        for temperature in [1.0, 0.6] {
            let energy = Cubic::random(UNITS, &device, &mut Noise::new(3));
            let known = Finite::of_formula(&two_values(coding), UNITS, |x| energy.at(x));
            let what = |name: &str| format!("{name}, {coding:?}, T {temperature}");
            for flips in [1, 2, 3] {
                let kernel = MetropolisHastings::proposing(BitFlips { flips, coding })
                    .with_temperature(temperature);
                let what = what(&format!("{flips} flips"));
                check(&kernel, &energy, &known, temperature, &what);
            }
            let kernel = GibbsWithGradients::new(coding).with_temperature(temperature);
            check(&kernel, &energy, &known, temperature, &what("gradients"));
            let density = UniformStates::new(coding, &[UNITS], &device);
            let kernel = MetropolisHastings::proposing(Independence { density })
                .with_temperature(temperature);
            check(&kernel, &energy, &known, temperature, &what("independence"));
        }
    }
}

/// Continuous kernels, by the cells of the first of two values (the two of a chain move together).
#[test]
fn continuous_kernels_are_in_detailed_balance() {
    const CELLS: usize = 6;
    fn check<K: Kernel<DoubleWell, Tensor<2>>>(kernel: &K, density: &Tabulated, what: &str) {
        let (device, mut noise) = (Device::flex(), Noise::new(4));
        let start = exact_draws(2, density, &device, &mut noise);
        let end = run(kernel, &DoubleWell {}, start.clone(), 2, &mut noise).position;
        let places = |positions: Tensor<2>| -> Vec<usize> {
            let cells = cells(&values(positions), density, CELLS);
            cells.into_iter().step_by(2).collect()
        };
        assert_balanced(&places(start), &places(end), CELLS, what);
    }
    let device = Device::flex();
    let wide = (-3.5, 3.5);
    for temperature in [1.0, 0.5, 3.0] {
        let density = Tabulated::new(DoubleWell::at, temperature, wide);
        let what = |name: &str| format!("{name}, T {temperature}");
        let kernel = MetropolisHastings::proposing(GaussianWalk { scale: 0.45 });
        let kernel = kernel.with_temperature(temperature);
        check(&kernel, &density, &what("Gaussian walk"));
        let kernel = MetropolisHastings::proposing(UniformWalk { half_width: 0.9 });
        let kernel = kernel.with_temperature(temperature);
        check(&kernel, &density, &what("uniform walk"));
        let proposal = Independence {
            density: NormalDensity::new(&[-0.4, 0.3], &[1.1, 0.9], &[2], &device),
        };
        let kernel = MetropolisHastings::proposing(proposal).with_temperature(temperature);
        check(&kernel, &density, &what("independence"));
        // Steps so large that many are rejected.
        let kernel = Mala::new(0.1).with_temperature(temperature);
        check(&kernel, &density, &what("MALA"));
        let kernel = HamiltonianMonteCarlo::new(0.35, 4).with_temperature(temperature);
        check(&kernel, &density, &what("HMC"));
    }
    let bounds = (-0.8, 1.3);
    let density = Tabulated::new(DoubleWell::at, 1.0, bounds);
    let kernel = MetropolisHastings::proposing(GaussianWalk { scale: 0.45 });
    let kernel = kernel.with_bounds(bounds);
    check(&kernel, &density, "Gaussian walk in bounds");
    let kernel = Mala::new(0.1).with_bounds(bounds);
    check(&kernel, &density, "MALA in bounds");
}

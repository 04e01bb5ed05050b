//! Hamiltonian Monte Carlo keeps its target; its integrator is reversible and of second order.
#![allow(clippy::unwrap_used)]

mod common;

use std::cell::Cell;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Tabulated, assert_close_to, assert_even,
    assert_rejects_nan, assert_stationary, assert_within_error, devices, tensor, values,
};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::density::{NormalDensity, UniformDensity};
use ebm_sampling::hamiltonian::{DIVERGENCE_THRESHOLD, HamiltonianMonteCarlo};
use ebm_sampling::metropolis_hastings::GradientState;
use ebm_sampling::{Kernel, StepInfo, run};

/// Inverse masses for configurations of up to three values.
const METRIC: [f64; 3] = [1.5, 0.6, 1.2];

/// A kernel whose metric has as many values as the configurations it is given.
struct WithMetric(HamiltonianMonteCarlo);

impl WithMetric {
    fn of(&self, x: &Tensor<2>) -> HamiltonianMonteCarlo {
        let n = x.dims()[1];
        let metric = tensor(&METRIC[..n], [n], &x.device());
        self.0.clone().with_inverse_mass_matrix(metric)
    }
}

impl<E: Energy<2>> Kernel<E, Tensor<2>> for WithMetric {
    type State = GradientState<2>;

    fn init(&self, energy: &E, position: Tensor<2>) -> Self::State {
        self.0.init(energy, position)
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        self.of(&state.position).step(energy, state, noise)
    }

    fn position(&self, state: &Self::State) -> Tensor<2> {
        state.position.clone()
    }
}

#[test]
fn the_target_is_stationary() {
    for (index, (temperature, step_size, steps)) in [(1.0, 0.3, 4), (0.5, 0.25, 3), (3.0, 0.25, 7)]
        .into_iter()
        .enumerate()
    {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        let kernel = HamiltonianMonteCarlo::new(step_size, steps).with_temperature(temperature);
        let what = format!("temperature {temperature}");
        let seed = 10 + index as u64;
        assert_stationary(&kernel, &density, 0.3..0.99, seed, &what);
        let random = WithMetric(kernel.with_random_length());
        let what = format!("{what} with a metric and random lengths");
        assert_stationary(&random, &density, 0.2..0.99, seed + 10, &what);
    }
}

/// With inverse masses `s^2` chains of `E(x / s)` are, number by number, `s` times the chains of
/// `E(x)` with masses 1.
#[test]
fn a_metric_is_a_change_of_units() {
    let (scale, n) = ([0.1, 1.0, 30.0], 50);
    for device in devices() {
        let unit = NormalDensity::new(&[0.0; 3], &[1.0; 3], &[3], &device);
        let wide = NormalDensity::new(&[0.0; 3], &scale, &[3], &device);
        let start: Tensor<2> = Noise::new(1).normal([n, 3], &device);
        let scales = tensor(&scale, [1, 3], &device);
        for kernel in [
            HamiltonianMonteCarlo::new(1.2, 3).with_temperature(0.7),
            HamiltonianMonteCarlo::new(1.2, 3).with_random_length(),
        ] {
            let square = tensor(&scale.map(|s| s * s), [3], &device);
            let metric = kernel.clone().with_inverse_mass_matrix(square);
            let plain = run(&kernel, &unit, start.clone(), 6, &mut Noise::new(2));
            let wide_start = start.clone() * scales.clone();
            let scaled = run(&metric, &wide, wide_start, 6, &mut Noise::new(2));
            let back = scaled.position.clone() / scales.clone();
            assert_close_to(&values(back), &values(plain.position.clone()), 1e-4);
            let share = values(plain.acceptance().unwrap().mean())[0];
            assert!((0.3..0.95).contains(&share), "{share}");
        }
    }
}

thread_local! {
    static EVALUATIONS: Cell<usize> = const { Cell::new(0) };
}

/// `E = |x|^2 / 2`, counting how often it is asked (each test runs on its own thread).
#[derive(Clone, Debug)]
struct Counting {}

impl Energy<2> for Counting {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        EVALUATIONS.set(EVALUATIONS.get() + 1);
        x.square().sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

/// 1 to 2 L - 1 leapfrog steps, each number equally often.
#[test]
fn random_lengths_are_uniform() {
    let device = Device::flex();
    let mut noise = Noise::new(4);
    let kernel = HamiltonianMonteCarlo::new(0.1, 4).with_random_length();
    let mut state = kernel.init(&Counting {}, tensor(&[0.5], [1, 1], &device));
    let mut counts = [0; 7];
    for _ in 0..2000 {
        EVALUATIONS.set(0);
        state = kernel.step(&Counting {}, state, &mut noise).0;
        counts[EVALUATIONS.get() - 1] += 1;
    }
    assert_even(&counts, "lengths");
}

/// One leapfrog step of `h` turns a normal by the angle with `cos(angle) = 1 - h^2 / 2`: after a
/// whole turn a chain is back where it began, whatever its momentum; with random lengths it isn't.
#[test]
fn random_lengths_have_no_resonance() {
    let (n, leaps) = (20_000, 8);
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start: Tensor<2> = Noise::new(1).normal([n, 1], &device);
        let step_size = 2.0 * (std::f64::consts::PI / leaps as f64).sin();
        let fixed = HamiltonianMonteCarlo::new(step_size, leaps);
        let stuck = run(&fixed, &energy, start.clone(), 10, &mut Noise::new(2)).position;
        assert_close_to(&values(stuck), &values(start.clone()), 1e-4);
        let random = fixed.with_random_length();
        let moved = run(&random, &energy, start.clone(), 60, &mut Noise::new(2)).position;
        let correlation = values((moved * start).mean())[0];
        assert_within_error(correlation, 0.0, 1.0 / (n as f64).sqrt(), "correlation");
    }
}

/// One leapfrog step of `E = k x^2 / 2`, worked out by hand: flagged where the error of the energy
/// passes the threshold.
#[test]
fn divergences_are_where_the_error_of_the_energy_passes_the_threshold() {
    let (n, k, step, temperature) = (2000, 100.0, 0.45, 2.0);
    for device in devices() {
        let energy = Quadratic::new(k, &device);
        let start: Tensor<2> = Noise::new(1).uniform_in([n, 1], [0.0, 6.0], &device);
        let kernel = HamiltonianMonteCarlo::new(step, 1).with_temperature(temperature);
        let momenta: Tensor<2> = Noise::new(2).normal([n, 1], &device);
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, start.clone());
        let (_, info) = kernel.step(&energy, state, &mut Noise::new(2));
        let divergent = values(info.divergent.unwrap());
        let accepted = values(info.accepted.unwrap());
        let k = k / temperature;
        let mut flagged = 0;
        let pairs = values(start).into_iter().zip(values(momenta));
        for (chain, (x, p)) in pairs.enumerate() {
            let half = p - step / 2.0 * k * x;
            let end = x + step * half;
            let q = half - step / 2.0 * k * end;
            let error = 0.5 * (k * (end * end - x * x) + q * q - p * p);
            if (error - DIVERGENCE_THRESHOLD).abs() > 0.1 {
                let expected = error > DIVERGENCE_THRESHOLD;
                assert_eq!(divergent[chain] == 1.0, expected, "error {error}");
                assert!(!expected || accepted[chain] == 0.0);
                flagged += usize::from(expected);
            }
        }
        assert!((n / 10..n * 9 / 10).contains(&flagged), "{flagged}");
    }
}

/// Steps that are too long for the walls of a quartic diverge, transition after transition; short
/// ones never do, and an end that is not a number is a divergence.
#[test]
fn divergences_are_counted() {
    for device in devices() {
        let mut noise = Noise::new(1);
        let start: Tensor<2> = noise.uniform_in([200, 2], [-1.5, 1.5], &device);
        let long = HamiltonianMonteCarlo::new(1.0, 10);
        let chains = run(&long, &DoubleWell {}, start.clone(), 5, &mut noise);
        let divergences = values(chains.divergences().unwrap());
        assert!(divergences.iter().any(|&count| count >= 2.0));
        assert!(
            divergences
                .iter()
                .all(|&count| (0.0..=5.0).contains(&count))
        );
        let short = HamiltonianMonteCarlo::new(0.1, 10);
        let chains = run(&short, &DoubleWell {}, start, 5, &mut noise);
        assert_eq!(values(chains.divergences().unwrap()), [0.0; 200]);

        let start: Tensor<2> = noise.uniform_in([200, 2], [-1.0, -0.01], &device);
        let kernel = HamiltonianMonteCarlo::new(0.3, 1);
        let state = kernel.init(&NanWherePositive {}, start);
        let (_, info) = kernel.step(&NanWherePositive {}, state, &mut noise);
        let (divergent, accepted) = (info.divergent.unwrap(), info.accepted.unwrap());
        // No force: every end that is a number is accepted.
        assert_eq!(values(divergent.clone() + accepted), [1.0; 200]);
        assert!((1.0..199.0).contains(&values(divergent.sum())[0]));

        // From outside a box every trajectory starts with an infinite energy; those that end inside
        // are accepted all the same.
        let start = tensor(&[1.2; 200], [200, 1], &device);
        let energy = UniformDensity::new([-1.0, 1.0], &[1], &device);
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, start);
        let (_, info) = kernel.step(&energy, state, &mut noise);
        assert_eq!(values(info.divergent.unwrap()), [1.0; 200]);
        let accepted = values(info.accepted.unwrap().sum())[0];
        assert!((1.0..199.0).contains(&accepted), "{accepted}");
    }
}

/// The end of a trajectory with its momentum turned round is the start of one that ends where the
/// first began.
#[test]
fn trajectories_are_reversible() {
    for device in devices() {
        let mut noise = Noise::new(1);
        let start: Tensor<2> = noise.normal([200, 3], &device);
        let kernel = WithMetric(HamiltonianMonteCarlo::new(0.07, 20)).of(&start);
        let momentum: Tensor<2> = noise.normal([200, 3], &device);
        let state = Kernel::<DoubleWell, Tensor<2>>::init(&kernel, &DoubleWell {}, start.clone());
        let (end, turned) = kernel.leapfrog(&DoubleWell {}, state, momentum.clone());
        let moved = values((end.position.clone() - start.clone()).abs().mean())[0];
        assert!(moved > 0.3, "{moved}");
        let (back, again) = kernel.leapfrog(&DoubleWell {}, end, turned.neg());
        assert_close_to(&values(back.position), &values(start), 1e-4);
        assert_close_to(&values(again.neg()), &values(momentum), 1e-4);
    }
}

/// For a quadratic energy a trajectory is a linear map of (x, p): its determinant is 1.
#[test]
fn trajectories_keep_volume() {
    let device = Device::flex();
    let energy = Quadratic::new(1.7, &device);
    let kernel = HamiltonianMonteCarlo::new(0.4, 7).with_temperature(1.3);
    let image = |x: f64, p: f64| {
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, tensor(&[x], [1, 1], &device));
        let (end, momentum) = kernel.leapfrog(&energy, state, tensor(&[p], [1, 1], &device));
        [values(end.position)[0], values(momentum)[0]]
    };
    let (a, b) = (image(1.0, 0.0), image(0.0, 1.0));
    let determinant = a[0] * b[1] - a[1] * b[0];
    assert!((determinant - 1.0).abs() < 1e-5, "{determinant}");
    assert!((a[0] - 1.0).abs() > 0.1, "the map is nearly the identity");
}

/// `E(x, y) = (x^2 - 1)^2 / 2 + y^4 / 4 + 0.7 x y`.
#[derive(Clone, Debug)]
struct Coupled {}

impl Energy<2> for Coupled {
    fn energy(&self, position: Tensor<2>) -> Tensor<1> {
        let column = |i: usize| -> Tensor<1> { position.clone().narrow(1, i, 1).squeeze_dim(1) };
        let (x, y) = (column(0), column(1));
        let well = x.clone().square().sub_scalar(1.0).square();
        well.mul_scalar(0.5)
            + y.clone().square().square().mul_scalar(0.25)
            + (x * y).mul_scalar(0.7)
    }
}

/// Of a curved energy with a metric: the determinant of the Jacobian, by central differences of
/// 0.02 in each of x and p, whose error is of the order of 4e-4 by the third derivatives and 1e-4
/// by rounding.
#[test]
fn trajectories_with_a_metric_keep_volume() {
    let device = Device::flex();
    let kernel = HamiltonianMonteCarlo::new(0.15, 6);
    let delta = 0.02;
    let at = [0.6, -0.3, 0.5, 0.9];
    let points: Vec<[f64; 4]> = (0..8)
        .map(|index| {
            let mut point = at;
            point[index / 2] += if index % 2 == 0 { delta } else { -delta };
            point
        })
        .collect();
    let part = |range: std::ops::Range<usize>| -> Tensor<2> {
        let flat: Vec<f64> = points
            .iter()
            .flat_map(|p| p[range.clone()].to_vec())
            .collect();
        tensor(&flat, [8, 2], &device)
    };
    let kernel = WithMetric(kernel).of(&part(0..2));
    let state = Kernel::<_, Tensor<2>>::init(&kernel, &Coupled {}, part(0..2));
    let (end, momentum) = kernel.leapfrog(&Coupled {}, state, part(2..4));
    let images = values(Tensor::cat(vec![end.position, momentum], 1));
    let mut jacobian: Vec<Vec<f64>> = (0..4)
        .map(|column| {
            let (up, down) = (&images[8 * column..][..4], &images[8 * column + 4..][..4]);
            let pairs = up.iter().zip(down);
            pairs
                .map(|(up, down)| (up - down) / (2.0 * delta))
                .collect()
        })
        .collect();
    let coupling = jacobian[0][1].abs();
    assert!(coupling > 0.05, "the map is nearly separable: {coupling}");
    let mut determinant = 1.0;
    for pivot in 0..4 {
        let row = jacobian[pivot].clone();
        determinant *= row[pivot];
        for other in &mut jacobian[pivot + 1..] {
            let factor = other[pivot] / row[pivot];
            other
                .iter_mut()
                .zip(&row)
                .for_each(|(x, r)| *x -= factor * r);
        }
    }
    assert!((determinant - 1.0).abs() < 2e-3, "{determinant}");
}

/// Half the step and twice the steps: the error of the energy falls to a quarter, with a metric
/// too.
#[test]
fn the_error_of_the_energy_is_of_second_order() {
    let device = Device::flex();
    let mut noise = Noise::new(2);
    let position: Tensor<2> = noise.normal([4000, 2], &device);
    let momentum: Tensor<2> = noise.normal([4000, 2], &device);
    let energy = Quadratic::new(1.0, &device);
    for metric in [[1.0, 1.0], [0.8, 0.3]] {
        let metric = tensor(&metric, [2], &device);
        let error = |step_size: f64, steps: usize| {
            let kernel = HamiltonianMonteCarlo::new(step_size, steps)
                .with_inverse_mass_matrix(metric.clone());
            let total = |state: &GradientState<2>, p: &Tensor<2>| {
                let kinetic = p.clone().square() * metric.clone().unsqueeze();
                let kinetic: Tensor<1> = kinetic.sum_dim(1).squeeze_dim(1);
                let potential = energy.energy(state.position.clone());
                potential + kinetic.mul_scalar(0.5)
            };
            let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, position.clone());
            let before = total(&state, &momentum);
            let (end, p) = kernel.leapfrog(&energy, state, momentum.clone());
            let difference = total(&end, &p) - before;
            values(difference.square().mean().sqrt())[0]
        };
        let (coarse, fine) = (error(0.4, 5), error(0.2, 10));
        assert!((3.7..4.3).contains(&(coarse / fine)), "{coarse} / {fine}");
    }
}

/// Chains that start far away come to the target, correlated values included: mean, variance and
/// covariance of a Gaussian that is stretched along its diagonal.
#[test]
fn far_chains_come_to_a_correlated_gaussian() {
    /// `E = (x^2 + y^2 - 2 r x y) / (2 (1 - r^2))`.
    #[derive(Clone, Debug)]
    struct Correlated {}

    const R: f64 = 0.9;

    impl Energy<2> for Correlated {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            let squares: Tensor<1> = x.clone().square().sum_dim(1).squeeze_dim(1);
            let product: Tensor<1> = x.prod_dim(1).squeeze_dim(1);
            (squares - product.mul_scalar(2.0 * R)).div_scalar(2.0 * (1.0 - R * R))
        }
    }

    let n = 20_000;
    for device in devices() {
        let mut noise = Noise::new(3);
        let start = tensor(&vec![4.0; 2 * n], [n, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.25, 8);
        let x = values(run(&kernel, &Correlated {}, start, 60, &mut noise).position);
        let mean = |f: &dyn Fn(&[f64]) -> f64| x.chunks(2).map(f).sum::<f64>() / n as f64;
        let root = (n as f64).sqrt();
        assert_within_error(mean(&|x| x[0]), 0.0, 1.0 / root, "mean");
        assert_within_error(
            mean(&|x| x[1] * x[1]),
            1.0,
            2.0_f64.sqrt() / root,
            "variance",
        );
        // Var(x y) = 1 + r^2.
        assert_within_error(
            mean(&|x| x[0] * x[1]),
            R,
            (1.0 + R * R).sqrt() / root,
            "covariance",
        );
    }
}

#[test]
fn what_is_not_a_number_is_rejected() {
    let kernel = HamiltonianMonteCarlo::new(0.1, 3);
    assert_rejects_nan(&kernel, 0.2..0.98);
    assert_rejects_nan(&WithMetric(kernel.with_random_length()), 0.2..0.98);
}

#[test]
#[should_panic(expected = "configurations have 2 values, but the inverse mass matrix is for 3")]
fn a_metric_of_another_size_is_refused() {
    let device = Device::flex();
    let kernel =
        HamiltonianMonteCarlo::new(0.1, 2).with_inverse_mass_matrix(tensor(&METRIC, [3], &device));
    let start = tensor(&[0.0, 1.0], [1, 2], &device);
    run(&kernel, &DoubleWell {}, start, 1, &mut Noise::new(1));
}

/// A configuration of any rank has its masses row by row.
#[test]
fn images_have_their_masses_row_by_row() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let metric = tensor(&[0.5, 1.0, 2.0, 4.0, 0.1, 0.2], [6], &device);
        let kernel = HamiltonianMonteCarlo::new(0.3, 3).with_inverse_mass_matrix(metric);
        let start: Tensor<2> = Noise::new(5).normal([4, 6], &device);
        let images: Tensor<4> = start.clone().reshape([4, 2, 1, 3]);
        let rows = run(&kernel, &energy, start, 5, &mut Noise::new(1)).position;
        let images = run(&kernel, &energy, images, 5, &mut Noise::new(1)).position;
        assert_eq!(values(images), values(rows));
    }
}

#[test]
#[should_panic(expected = "at least one leapfrog step, got 0")]
fn a_trajectory_without_steps_is_refused() {
    let device = Device::flex();
    let start = tensor(&[0.0], [1, 1], &device);
    let kernel = HamiltonianMonteCarlo::new(0.1, 0);
    run(
        &kernel,
        &Quadratic::new(1.0, &device),
        start,
        1,
        &mut Noise::new(1),
    );
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let kernel = HamiltonianMonteCarlo::new(0.4, 3);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED, 1e-5);
        let metric = tensor(&[1.7], [1], &device);
        let kernel = kernel.with_inverse_mass_matrix(metric).with_random_length();
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED_RANDOM, 1e-5);
    }
}

const PINNED: [f64; 3] = [0.1239807, -2.1446598, 0.5187815];
const PINNED_RANDOM: [f64; 3] = [-0.846_000_1, -0.885_103, -0.109_411_66];

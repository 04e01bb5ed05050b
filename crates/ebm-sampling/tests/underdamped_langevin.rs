//! BAOAB has exact positions of normals at any stable step, and velocities by its recursion.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Tabulated, assert_close_to, assert_uniform,
    assert_within_error, devices, phi, tensor, values,
};
use ebm_ops::Noise;
use ebm_sampling::density::NormalDensity;
use ebm_sampling::langevin::{UnderdampedLangevin, UnderdampedLangevinState};
use ebm_sampling::{Kernel, run, run_with};

/// Stationary covariance `(xx, xv, vv)` of BAOAB for the energy `k x^2 / 2`, by iterating
/// `S <- M S M^T + n n^T` with the matrices of B, A, O, A, B multiplied out.
fn linear_recursion(step: f64, friction: f64, k: f64, temperature: f64) -> [f64; 3] {
    type Matrix = [[f64; 2]; 2];
    let product = |a: Matrix, b: Matrix| -> Matrix {
        [0, 1].map(|i| [0, 1].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
    };
    let c = (-friction * step).exp();
    let kick = [[1.0, 0.0], [-step * k / 2.0, 1.0]];
    let drift = [[1.0, step / 2.0], [0.0, 1.0]];
    let after = product(kick, drift);
    let map = product(product(after, [[1.0, 0.0], [0.0, c]]), product(drift, kick));
    let std = (temperature * (1.0 - c * c)).sqrt();
    let noise = [after[0][1] * std, after[1][1] * std];
    let mut s: Matrix = [[0.0; 2]; 2];
    for _ in 0..20_000 {
        let transposed = [[map[0][0], map[1][0]], [map[0][1], map[1][1]]];
        s = product(product(map, s), transposed);
        for i in 0..2 {
            for j in 0..2 {
                s[i][j] += noise[i] * noise[j];
            }
        }
    }
    [s[0][0], s[0][1], s[1][1]]
}

/// Step, friction, precision, temperature; the steps are up to 95 % of the stable ones,
/// `2 / sqrt(k)`.
const CASES: [[f64; 4]; 4] = [
    [1.0, 1.0, 1.0, 1.0],
    [1.6, 0.7, 1.3, 2.0],
    [0.5, 0.8, 3.0, 0.5],
    [1.9, 1.5, 1.0, 1.0],
];

/// What the documentation says, without chance.
#[test]
fn the_formulas_are_those_of_the_linear_recursion() {
    for [step, friction, k, temperature] in CASES {
        let velocity = temperature * (1.0 - step * step * k / 4.0);
        let expected = [temperature / k, 0.0, velocity];
        assert_close_to(
            &linear_recursion(step, friction, k, temperature),
            &expected,
            1e-9,
        );
    }
}

fn last_state(
    kernel: &UnderdampedLangevin,
    energy: &Quadratic,
    start: Tensor<2>,
    steps: usize,
    noise: &mut Noise,
) -> UnderdampedLangevinState<2> {
    let mut last = None;
    run_with(kernel, energy, start, steps, noise, |_, state, _| {
        last = Some(UnderdampedLangevinState::clone(state));
    });
    last.unwrap()
}

/// From the point 0; 60 steps forget it (the slowest case by a factor below 1e-6). The variance of
/// a sample variance of n normals is 2 / n of its square, that of their covariance the product of
/// the variances over n.
#[test]
fn positions_of_a_normal_are_exact_at_any_stable_step() {
    let n = 40_000;
    for device in devices() {
        for (seed, [step, friction, k, temperature]) in CASES.into_iter().enumerate() {
            let kernel = UnderdampedLangevin::new(step, friction).with_temperature(temperature);
            let energy = Quadratic::new(k, &device);
            let mut noise = Noise::new(seed as u64);
            let start = Tensor::zeros([n / 2, 2], &device);
            let state = last_state(&kernel, &energy, start, 60, &mut noise);
            let (x, v) = (state.place.position, state.velocity);
            let mean = |t: Tensor<2>| values(t.mean())[0];
            let [xx, xv, vv] = linear_recursion(step, friction, k, temperature);
            let root = (n as f64).sqrt();
            let what = |name| format!("{name} of step {step}, k {k}, on {device:?}");
            let error = 2.0_f64.sqrt() / root;
            assert_within_error(mean(x.clone()), 0.0, xx.sqrt() / root, &what("mean"));
            assert_within_error(
                mean(x.clone().square()),
                xx,
                xx * error,
                &what("variance of x"),
            );
            assert_within_error(
                mean(v.clone().square()),
                vv,
                vv * error,
                &what("variance of v"),
            );
            let product = (xx * vv).sqrt() / root;
            assert_within_error(mean(x * v), xv, product, &what("covariance"));
        }
    }
}

/// The whole distribution of positions, at a long step.
#[test]
fn positions_of_a_normal_are_normal() {
    for device in devices() {
        let kernel = UnderdampedLangevin::new(1.6, 0.7);
        let energy = Quadratic::new(1.0, &device);
        let start = Tensor::zeros([10_000, 1], &device);
        let state = last_state(&kernel, &energy, start, 40, &mut Noise::new(3));
        // The series of phi needs a number of moderate size.
        let positions = values(state.place.position).into_iter();
        let probabilities = positions.map(|x| phi(x.clamp(-9.0, 9.0))).collect();
        assert_uniform(probabilities, "positions");
    }
}

/// At a short step the bias is of order `step^2`, below what 20,000 chains can tell.
#[test]
fn chains_settle_in_a_double_well() {
    for (index, temperature) in [1.0, 0.6].into_iter().enumerate() {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        let kernel = UnderdampedLangevin::new(0.05, 1.0).with_temperature(temperature);
        for device in devices() {
            let mut noise = Noise::new(20 + index as u64);
            let start = common::exact_draws(1, &density, &device, &mut noise);
            let start = start.narrow(0, 0, 20_000);
            let chains = run(&kernel, &DoubleWell {}, start, 60, &mut noise);
            assert_eq!(values(chains.resets().unwrap().sum()), [0.0]);
            let positions = values(chains.position);
            let probabilities = positions.iter().map(|&x| density.probability(x)).collect();
            assert_uniform(probabilities, "positions");
        }
    }
}

/// Started again after every step, chains of a normal are autoregressive, `x' = (1 - h^2 k / 2) x +
/// h v` with `v ~ N(0, T)`, whatever the friction.
#[test]
fn chains_that_start_again_have_the_variance_of_leapfrog_steps() {
    let n = 40_000;
    for device in devices() {
        for (seed, friction) in [0.0, 1.5].into_iter().enumerate() {
            let (step, k, temperature): (f64, f64, f64) = (0.7, 1.3, 2.0);
            let kernel = UnderdampedLangevin::new(step, friction)
                .with_temperature(temperature)
                .with_thermal_start();
            let energy = Quadratic::new(k, &device);
            let mut noise = Noise::new(30 + seed as u64);
            // 30 steps forget the start by a factor of 0.68^30, 1e-5.
            let mut position: Tensor<2> = Tensor::zeros([n, 1], &device);
            for _ in 0..30 {
                position = run(&kernel, &energy, position, 1, &mut noise).position;
            }
            let expected = temperature / k / (1.0 - step * step * k / 4.0);
            let error = expected * (2.0 / n as f64).sqrt();
            let found = values(position.square().mean())[0];
            assert_within_error(found, expected, error, "variance");
        }
    }
}

/// Without a force, by hand: the first O draws from N(0, T), and the position moves half a step
/// with it; with friction the second keeps `c` of it.
#[test]
fn the_first_velocity_is_thermal() {
    for device in devices() {
        let energy = Quadratic::new(0.0, &device);
        let kernel = UnderdampedLangevin::new(0.4, 0.9).with_temperature(2.5);
        let mut copy = Noise::new(4);
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, Tensor::zeros([50, 2], &device));
        let mut noise = Noise::new(4);
        let (state, _) = kernel.step(&energy, state, &mut noise);
        let z: Tensor<2> = copy.normal([50, 2], &device);
        let first = z.mul_scalar(2.5_f64.sqrt());
        assert_close_to(
            &values(state.velocity.clone()),
            &values(first.clone()),
            1e-6,
        );
        let moved = first.clone().mul_scalar(0.2);
        assert_close_to(&values(state.place.position.clone()), &values(moved), 1e-6);
        let (state, _) = kernel.step(&energy, state, &mut noise);
        let c = (-0.36_f64).exp();
        let z: Tensor<2> = copy.normal([50, 2], &device);
        let second = first.mul_scalar(c) + z.mul_scalar((2.5 * (1.0 - c * c)).sqrt());
        assert_close_to(&values(state.velocity), &values(second), 1e-6);
    }
}

/// Without friction or noise the step is a leapfrog step: for a normal it turns (x, v) with
/// `cos(angle) = 1 - h^2 / 2`, and `x^2 (1 - h^2 / 4) + v^2` stays.
#[test]
fn without_friction_the_energy_is_kept() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let kernel = UnderdampedLangevin::new(0.5, 0.0);
    let start: Tensor<2> = Noise::new(1).normal([100, 1], &device);
    let mut invariants = Vec::new();
    run_with(
        &kernel,
        &energy,
        start,
        30,
        &mut Noise::new(2),
        |_, state: &UnderdampedLangevinState<2>, _| {
            let x = state
                .place
                .position
                .clone()
                .square()
                .mul_scalar(1.0 - 0.25 / 4.0);
            invariants.push(values(x + state.velocity.clone().square()));
        },
    );
    assert_close_to(&invariants[29], &invariants[0], 1e-4);
    assert!(invariants[0].iter().any(|&invariant| invariant > 1.0));
}

/// What is cached is what the energy says.
#[test]
fn the_state_holds_energy_and_gradient_of_its_position() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = UnderdampedLangevin::new(0.3, 1.0);
        let mut noise = Noise::new(6);
        let mut state = kernel.init(&energy, noise.normal::<2>([50, 3], &device));
        for _ in 0..3 {
            state = kernel.step(&energy, state, &mut noise).0;
            let fresh = kernel.init(&energy, state.place.position.clone()).place;
            assert_eq!(values(fresh.energy), values(state.place.energy.clone()));
            assert_eq!(values(fresh.gradient), values(state.place.gradient.clone()));
        }
    }
}

/// Chains that step where the energy is not a number go back to their start, the others go on; the
/// reset is counted, and the velocity after it is drawn anew.
#[test]
fn what_is_not_a_number_goes_back_to_its_start() {
    for device in devices() {
        let mut noise = Noise::new(7);
        let kernel = UnderdampedLangevin::new(0.5, 0.1);
        let start: Tensor<2> = noise.uniform_in([400, 2], [-1.0, -0.01], &device);
        let state = kernel.init(&NanWherePositive {}, start.clone());
        let (state, info) = kernel.step(&NanWherePositive {}, state, &mut noise);
        let reset = values(info.reset.unwrap());
        let count = reset.iter().sum::<f64>();
        assert!((20.0..380.0).contains(&count), "{count}");
        let (x, x0) = (values(state.place.position.clone()), values(start));
        let v = values(state.velocity.clone());
        for (chain, &reset) in reset.iter().enumerate() {
            let part = 2 * chain..2 * chain + 2;
            assert_eq!(x[part.clone()] == x0[part.clone()], reset == 1.0);
            assert_eq!(v[part] == [0.0, 0.0], reset == 1.0);
        }
        assert!(
            values(state.place.gradient.clone())
                .iter()
                .all(|g| g.is_finite())
        );
        // No force: the next O sets the velocity of those to z, of the others to c v + sqrt(1 -
        // c^2) z.
        let z: Tensor<2> = noise.clone().normal([400, 2], &device);
        let (z, c) = (values(z), (-0.05_f64).exp());
        let (next, info) = kernel.step(&NanWherePositive {}, state, &mut noise);
        let (after, again) = (values(next.velocity), values(info.reset.unwrap()));
        for index in (0..800).filter(|index| again[index / 2] == 0.0) {
            let expected = match reset[index / 2] {
                1.0 => z[index],
                _ => c * v[index] + (1.0 - c * c).sqrt() * z[index],
            };
            assert!((after[index] - expected).abs() < 1e-5);
        }
        let chains = run(
            &kernel,
            &NanWherePositive {},
            next.place.position,
            50,
            &mut noise,
        );
        assert!(values(chains.position.clone()).iter().all(|&x| x < 0.0));
        assert!(values(chains.resets().unwrap().sum())[0] > 50.0);
    }
}

/// A step that is not stable runs away and comes back, and never leaves a position that isn't
/// finite.
#[test]
fn a_step_that_is_not_stable_is_reset() {
    for device in devices() {
        let kernel = UnderdampedLangevin::new(3.0, 0.5);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let energy = NormalDensity::isotropic(0.0, 0.1, &[1], &device);
        let chains = run(&kernel, &energy, start, 100, &mut Noise::new(1));
        assert!(
            values(chains.position.clone())
                .iter()
                .all(|x| x.is_finite())
        );
        assert!(
            values(chains.resets().unwrap())
                .iter()
                .all(|&count| count >= 1.0)
        );
    }
}

#[test]
fn images_move_as_rows_do() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = UnderdampedLangevin::new(0.3, 1.0);
        let start: Tensor<2> = Noise::new(5).normal([4, 6], &device);
        let images: Tensor<4> = start.clone().reshape([4, 2, 1, 3]);
        let rows = run(&kernel, &energy, start, 5, &mut Noise::new(1)).position;
        let images = run(&kernel, &energy, images, 5, &mut Noise::new(1)).position;
        assert_eq!(values(images), values(rows));
    }
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let kernel = UnderdampedLangevin::new(0.4, 1.0);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED, 1e-5);
    }
}

const PINNED: [f64; 3] = [-0.685_665_9, -0.435_905_55, -0.730_480_8];

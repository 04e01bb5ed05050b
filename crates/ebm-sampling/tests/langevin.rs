//! Langevin dynamics is gradient descent plus noise exactly, and has the stationary law of the discretised equation.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{Quadratic, assert_uniform, assert_within_error, devices, phi, tensor, values};
use ebm_ops::Noise;
use ebm_sampling::{Kernel, Langevin, LangevinState, run, run_with};

/// Dyadic numbers of few bits: eight steps of the descent below are exact in f32.
const START: [f64; 6] = [1.0, -2.5, 0.0, 3.0, -0.75, 0.125];

#[test]
fn without_noise_it_is_gradient_descent() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.125, 0.0);
        let mut noise = Noise::new(1);
        let chains = run(
            &kernel,
            &energy,
            tensor(&START, [3, 2], &device),
            8,
            &mut noise,
        );
        // x <- x - 0.125 * 2 x
        let expected = START.map(|x| x * 0.75_f64.powi(8));
        assert_eq!(values(chains.position), expected);
        assert_eq!(chains.steps, 8);
        assert_eq!(noise, Noise::new(1), "no noise is drawn");
    }
}

#[test]
fn each_component_of_the_gradient_is_clipped() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.25, 0.0).with_gradient_clip(0.5);
        let start = tensor(&START, [3, 2], &device);
        let chains = run(&kernel, &energy, start, 1, &mut Noise::new(0));
        // The gradient is 2 x.
        assert_eq!(
            values(chains.position),
            START.map(|x| x - 0.25 * (2.0 * x).clamp(-0.5, 0.5))
        );
    }
}

#[test]
fn a_step_clips_the_gradient_then_adds_noise_then_clamps() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.25, 0.5)
            .with_gradient_clip(1.5)
            .with_clamp(-1.0, 2.0);
        let mut noise = Noise::new(3);
        let draws: Tensor<2> = noise.clone().normal([3, 2], &device);
        let chains = run(
            &kernel,
            &energy,
            tensor(&START, [3, 2], &device),
            1,
            &mut noise,
        );
        let expected: Vec<f64> = START
            .iter()
            .zip(values(draws))
            .map(|(x, z)| {
                let moved = x - 0.25 * (2.0 * x).clamp(-1.5, 1.5) + 0.5 * z;
                // The product with 0.5 is exact: one rounding, to f32.
                f64::from((moved as f32).clamp(-1.0, 2.0))
            })
            .collect();
        assert!(expected.contains(&-1.0) && expected.contains(&2.0));
        assert!(expected.iter().any(|&x| x > -1.0 && x < 2.0));
        assert_eq!(values(chains.position), expected);
    }
}

#[test]
fn the_state_tells_the_energy_before_the_step() {
    let device = Device::flex();
    let energy = Quadratic::new(2.0, &device);
    let kernel = Langevin::new(0.125, 0.0);
    let mut seen = Vec::new();
    let start = tensor(&[2.0, 0.0, 1.0, -1.0], [2, 2], &device);
    let initial = kernel.init(&energy, start.clone());
    assert!(initial.previous_energy.is_none());
    run_with(
        &kernel,
        &energy,
        start,
        2,
        &mut Noise::new(0),
        |_, state: &LangevinState<2>, _| seen.push(values(state.previous_energy.clone().unwrap())),
    );
    assert_eq!(seen, [[4.0, 2.0], [4.0 * 0.5625, 2.0 * 0.5625]]);
}

#[test]
fn the_temperature_is_that_of_the_noise() {
    assert_eq!(Langevin::new(0.5, 2.0).temperature(), 4.0);
    assert_eq!(Langevin::new(10.0, 0.0).temperature(), 0.0);
    let kernel = Langevin::at_temperature(0.1, 2.5);
    assert!((kernel.noise - 0.5_f64.sqrt()).abs() < 1e-15);
    assert!((kernel.temperature() - 2.5).abs() < 1e-14);
    let tutorial = Langevin::new(10.0, 0.005).with_gradient_clip(0.03);
    assert!((tutorial.temperature() - 1.25e-6).abs() < 1e-20);
}

#[test]
fn a_seed_fixes_the_chain_whatever_the_rank() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = Langevin::at_temperature(0.3, 1.0);
        let start: Tensor<2> = Noise::new(5).normal([4, 6], &device);
        let moved = |seed| {
            let noise = &mut Noise::new(seed);
            values(run(&kernel, &energy, start.clone(), 5, noise).position)
        };
        assert_eq!(moved(1), moved(1));
        assert!(moved(1).iter().zip(moved(2)).all(|(a, b)| *a != b));

        let images: Tensor<4> = start.clone().reshape([4, 2, 1, 3]);
        let images = run(&kernel, &energy, images, 5, &mut Noise::new(1)).position;
        assert_eq!(images.dims(), [4, 2, 1, 3]);
        assert_eq!(values(images), moved(1));
    }
}

/// On `E = x^2 / (2 s^2)` a step is `x <- a x + sqrt(2 eps T) z` with `a = 1 - eps / s^2`, an autoregression: at
/// the start `x_0 ~ N(m, v)` follows `x_k ~ N(a^k m, a^2k v + (1 - a^2k) w)` with `w = 2 eps T / (1 - a^2)`. The step is so
/// large that `w` is a third above its limit `T s^2` for small steps.
const STEP: f64 = 0.5;
const TEMPERATURE: f64 = 0.7;
const DECAY: f64 = 1.0 - STEP;
const STATIONARY: f64 = 2.0 * STEP * TEMPERATURE / (1.0 - DECAY * DECAY);
const SHAPE: [usize; 2] = [100, 1000];
const CHAINS: f64 = 100_000.0;

/// Mean and variance of a normal sample, to their standard errors `sqrt(v / n)` and `v sqrt(2 / n)`.
fn assert_normal(sample: &[f64], mean: f64, variance: f64, what: &str) {
    let found = sample.iter().sum::<f64>() / CHAINS;
    assert_within_error(found, mean, (variance / CHAINS).sqrt(), what);
    let squares = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let error = variance * (2.0 / CHAINS).sqrt();
    assert_within_error(squares / CHAINS, variance, error, what);
    let probabilities = sample.iter().map(|x| phi((x - mean) / variance.sqrt()));
    assert_uniform(probabilities.collect(), what);
}

#[test]
fn the_stationary_law_is_kept_and_chains_forget_at_the_rate_of_the_formula() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = Langevin::at_temperature(STEP, TEMPERATURE);
        let start: Tensor<2> = Noise::new(7).normal(SHAPE, &device);
        let start = start.mul_scalar(STATIONARY.sqrt());
        let first = values(start.clone());
        let mut noise = Noise::new(8);
        run_with(
            &kernel,
            &energy,
            start,
            16,
            &mut noise,
            |step, state: &LangevinState<2>, _| {
                if !step.is_power_of_two() {
                    return;
                }
                let what = format!("step {step} on {device:?}");
                let now = values(state.position.clone());
                assert_normal(&now, 0.0, STATIONARY, &what);
                // The covariance with the start is `a^k w`; a product of normals of correlation r has the variance
                // `(1 + r^2) w^2`.
                let covariance = now.iter().zip(&first).map(|(a, b)| a * b).sum::<f64>() / CHAINS;
                let correlation = DECAY.powi(step as i32);
                let error = STATIONARY * ((1.0 + correlation.powi(2)) / CHAINS).sqrt();
                assert_within_error(covariance, correlation * STATIONARY, error, &what);
            },
        );
    }
}

#[test]
fn chains_from_one_point_converge_as_the_formula_says() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let kernel = Langevin::at_temperature(STEP, TEMPERATURE);
    let start = Tensor::<2>::full(SHAPE, 3.0, &device);
    run_with(
        &kernel,
        &energy,
        start,
        32,
        &mut Noise::new(9),
        |step, state: &LangevinState<2>, _| {
            if step.is_power_of_two() {
                let decay = DECAY.powi(step as i32);
                let variance = (1.0 - decay * decay) * STATIONARY;
                let now = values(state.position.clone());
                assert_normal(&now, 3.0 * decay, variance, &format!("step {step}"));
            }
        },
    );
}

/// For small steps the law is that of the equation, `exp(-E / T)`: here `w = T s^2 / (1 - eps / (2 s^2))` is within 1 % of it.
#[test]
fn a_small_step_samples_at_the_temperature() {
    let device = Device::flex();
    let energy = Quadratic::new(4.0, &device);
    let kernel = Langevin::at_temperature(0.005, 2.0);
    let start = Tensor::<2>::zeros([100, 100], &device);
    // a = 0.98: after 300 steps the start is forgotten to 2e-3 in x and 5e-6 in the variance.
    let found = values(run(&kernel, &energy, start, 300, &mut Noise::new(10)).position);
    let variance = found.iter().map(|x| x * x).sum::<f64>() / 1e4;
    let expected = 2.0 / 4.0 / (1.0 - 0.005 * 4.0 / 2.0);
    assert_within_error(variance, expected, expected * 2e-4_f64.sqrt(), "variance");
}

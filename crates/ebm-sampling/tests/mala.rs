//! MALA leaves its target as it is at any step, and corrects the bias of the unadjusted step.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, Quadratic, Tabulated, assert_close_to, assert_rejects_nan, assert_stationary,
    assert_within_error, devices, tensor, values,
};
use ebm_ops::Noise;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::Mala;
use ebm_sampling::{Kernel, run};

#[test]
fn the_target_is_stationary() {
    for (index, (temperature, step_size)) in [(1.0, 0.06), (0.5, 0.08), (3.0, 0.04)]
        .into_iter()
        .enumerate()
    {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        let kernel = Mala::new(step_size).with_temperature(temperature);
        let what = format!("temperature {temperature}");
        assert_stationary(&kernel, &density, 0.3..0.97, index as u64, &what);
    }
}

/// A step so large that the unadjusted chain has variance `1 / (1 - step / 2)` (of
/// `x' = (1 - s) x + sqrt(2 s) z`), which is 1.67 for `s = 0.8`; with rejections it is 1. The
/// variance of a sample variance of n normals is 2 / n.
#[test]
fn rejections_remove_the_bias_of_the_step() {
    let (n, step) = (40_000, 0.8);
    for device in devices() {
        let mut noise = Noise::new(5);
        let energy = Quadratic::new(1.0, &device);
        let start: Tensor<2> = noise.normal([n, 1], &device);
        let variance = |x: Tensor<2>| values(x.square().mean())[0];
        let adjusted = run(&Mala::new(step), &energy, start.clone(), 20, &mut noise);
        let error = (2.0 / n as f64).sqrt();
        assert_within_error(variance(adjusted.position), 1.0, error, "adjusted");
        let unadjusted = Langevin::at_temperature(step, 1.0);
        let unadjusted = run(&unadjusted, &energy, start, 20, &mut noise);
        let biased = 1.0 / (1.0 - step / 2.0);
        assert_within_error(
            variance(unadjusted.position),
            biased,
            biased * error,
            "biased",
        );
    }
}

/// What is cached is what the energy says, for chains that moved and for those that stayed.
#[test]
fn the_state_holds_energy_and_gradient_of_its_position() {
    let device = Device::flex();
    let mut noise = Noise::new(6);
    let energy = Quadratic::new(2.0, &device);
    let kernel = Mala::new(0.5);
    let mut state = kernel.init(&energy, noise.normal::<2>([500, 3], &device));
    let mut shares = Vec::new();
    for _ in 0..5 {
        let info;
        (state, info) = kernel.step(&energy, state, &mut noise);
        shares.push(values(info.accepted.unwrap().mean())[0]);
        let fresh = kernel.init(&energy, state.position.clone());
        assert_eq!(values(fresh.energy), values(state.energy.clone()));
        assert_eq!(values(fresh.gradient), values(state.gradient.clone()));
    }
    assert!(
        shares.iter().all(|share| (0.05..0.95).contains(share)),
        "{shares:?}"
    );
}

#[test]
fn what_is_not_a_number_is_rejected() {
    assert_rejects_nan(&Mala::new(0.05), 0.3..0.95);
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let chains = run(&Mala::new(0.3), &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED, 1e-5);
    }
}

const PINNED: [f64; 3] = [0.107_393_32, -2.408_796_8, 0.667_991_1];

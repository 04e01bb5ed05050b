//! The independence sampler keeps its target, and accepts all where its density is the target.

mod common;
mod finite;

use burn::tensor::{Device, Tensor};
use common::{
    Absolute, DoubleWell, NanWherePositive, Quadratic, Tabulated, assert_close_to, assert_uniform,
    devices, exact_draws, tensor, values,
};
use ebm_ops::Noise;
use ebm_sampling::density::{NormalDensity, UniformDensity, UniformStates};
use ebm_sampling::metropolis_hastings::{Independence, MetropolisHastings};
use ebm_sampling::{Kernel, run};
use finite::{CODINGS, Cubic, Finite, two_values};

fn kernel<Q>(density: Q) -> MetropolisHastings<Independence<Q>> {
    MetropolisHastings::proposing(Independence { density })
}

/// Normal proposals as wide as the target and off its middle; uniform ones inside their box. One
/// value a chain: the density has a fixed shape.
#[test]
fn the_target_is_stationary() {
    for (index, temperature) in [1.0, 0.5, 3.0].into_iter().enumerate() {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        for device in devices() {
            let normal = NormalDensity::isotropic(-0.3, 1.2, &[1], &device);
            let kernel = kernel(normal).with_temperature(temperature);
            assert_kept(&kernel, &density, &device, index as u64, "normal");
        }
    }
    let density = Tabulated::new(DoubleWell::at, 1.0, (-1.5, 0.9));
    for device in devices() {
        let uniform = UniformDensity::new([-1.5, 0.9], &[1], &device);
        assert_kept(&kernel(uniform), &density, &device, 4, "uniform");
        // Proposals outside the bounds are rejected.
        let wide = UniformDensity::new([-2.0, 2.0], &[1], &device);
        let bounded = kernel(wide).with_bounds([-1.5, 0.9]);
        assert_kept(&bounded, &density, &device, 5, "bounded");
    }
}

/// Kolmogorov and Smirnov after ten steps from exact draws: false-positive rate 5.4e-7.
fn assert_kept<K: Kernel<DoubleWell, Tensor<2>>>(
    kernel: &K,
    density: &Tabulated,
    device: &Device,
    seed: u64,
    what: &str,
) {
    let mut noise = Noise::new(seed);
    let start = exact_draws(1, density, device, &mut noise);
    let chains = run(kernel, &DoubleWell {}, start, 10, &mut noise);
    let share = chains.acceptance().map(|a| values(a.mean())[0]);
    assert!(share.is_some_and(|s| (0.2..0.9).contains(&s)), "{share:?}");
    let end = values(chains.position);
    let probabilities = end.iter().map(|&x| density.probability(x)).collect();
    assert_uniform(probabilities, what);
}

#[test]
fn uniform_states_keep_the_enumerated_distribution() {
    for device in devices() {
        for coding in CODINGS {
            let mut noise = Noise::new(6);
            let energy = Cubic::random(6, &device, &mut noise);
            let known = Finite::of_formula(&two_values(coding), 6, |x| energy.at(x));
            for temperature in [1.0, 2.0] {
                let target = known.probabilities(temperature);
                let kernel = kernel(UniformStates::new(coding, &[6], &device));
                let kernel = kernel.with_temperature(temperature);
                let start = known.draws(&target, 20_000, &device, &mut noise);
                let end = run(&kernel, &energy, start, 5, &mut noise).position;
                known.assert_distribution(end, &target, &format!("{coding:?}, {device:?}"));
            }
        }
    }
}

/// `min(1, w(x') / w(x))` with a constant `w`: the energy of the density, and the same at another
/// temperature by its own standard deviation.
#[test]
fn proposals_from_the_target_are_always_accepted() {
    for device in devices() {
        for (precision, temperature) in [(1.0, 1.0), (4.0, 1.0), (1.0, 0.25)] {
            let std = f64::sqrt(temperature / precision);
            let kernel = kernel(NormalDensity::isotropic(0.0, std, &[3], &device));
            let kernel = kernel.with_temperature(temperature);
            let start: Tensor<2> = Noise::new(7).normal([500, 3], &device);
            let energy = Quadratic::new(precision, &device);
            let chains = run(&kernel, &energy, start, 5, &mut Noise::new(8));
            // Energies of up to 20 nats are rounded to 2e-6.
            for probability in values(chains.acceptance_probability().expect("it rejects")) {
                assert!((probability - 1.0).abs() < 1e-5, "{probability}");
            }
        }
    }
}

/// Where the density is zero there is no way back, so the ratio is 0.
#[test]
fn a_chain_outside_the_density_stays() {
    for device in devices() {
        let kernel = kernel(UniformDensity::new([0.0, 1.0], &[1], &device));
        let start = tensor(&[2.0, 0.5], [2, 1], &device);
        let flat = Absolute { slope: 0.0 };
        let chains = run(&kernel, &flat, start, 5, &mut Noise::new(9));
        let end = values(chains.position);
        assert_eq!(end[0], 2.0);
        assert!(end[1] != 0.5 && (0.0..1.0).contains(&end[1]), "{end:?}");
    }
}

/// A quarter of the proposals are where the energy is a number.
#[test]
fn what_is_not_a_number_is_rejected() {
    for device in devices() {
        let kernel = kernel(NormalDensity::isotropic(0.0, 1.0, &[2], &device));
        let start = tensor(&[-0.2; 2000], [1000, 2], &device);
        let chains = run(
            &kernel,
            &NanWherePositive {},
            start,
            30,
            &mut Noise::new(10),
        );
        let end = values(chains.position);
        assert!(
            end.iter().all(|&x| x < 0.0),
            "a chain is where the energy is NaN"
        );
        assert!(end.iter().any(|&x| x < -0.5), "no chain has moved");
    }
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let kernel = kernel(NormalDensity::isotropic(0.2, 1.5, &[1], &device));
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let energy = Quadratic::new(1.0, &device);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED, 1e-5);
    }
}

const PINNED: [f64; 3] = [0.088_401_705, -0.578_122_8, 0.402_138_65];

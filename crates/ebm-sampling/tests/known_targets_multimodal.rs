//! Parallel tempering finds two modes that single chains never leave, with their weights.
#![allow(clippy::unwrap_used)]

mod common;
mod targets;

use burn::tensor::{Device, Tensor};
use common::{phi, tensor, values};
use ebm_models::Mixture;
use ebm_ops::Noise;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::Mala;
use ebm_sampling::tempering::{Ladder, ParallelTempering, Tempered};
use ebm_sampling::{Kernel, Schedule, run, sample};
use targets::{Gaussian, assert_distribution};

type Modes = Mixture<Vec<Gaussian>>;

const CHAINS: usize = 64;
const WEIGHTS: [f64; 2] = [0.3, 0.7];
const MEANS: [[f64; 2]; 2] = [[-4.0, 1.0], [4.0, -1.0]];
const THIN: f64 = 0.4;

/// Two correlated normals, eight standard deviations apart, alike in shape so that their shares are
/// their weights.
fn modes(device: &Device) -> Modes {
    let mode = |mean| Gaussian::turned(THIN, mean, device);
    Mixture::new(MEANS.map(mode).to_vec(), &WEIGHTS)
}

/// Mean, variance and distribution function of one value.
fn assert_modes(chains: &[Vec<f64>], value: usize, what: &str) {
    let of_direction = |i: usize| Gaussian::DIRECTIONS[i][value].powi(2);
    let variance = of_direction(0) + THIN * THIN * of_direction(1);
    let over_modes = |function: &dyn Fn(f64) -> f64| -> f64 {
        let pairs = WEIGHTS.iter().zip(MEANS);
        pairs.map(|(w, mean)| w * function(mean[value])).sum()
    };
    let mean = over_modes(&|m| m);
    let spread = over_modes(&|m| (m - mean).powi(2));
    let quantiles = [-4.5, -3.0, -1.0, 0.0, 1.0, 3.5, 5.0]
        .map(|x| (x, over_modes(&|m| phi((x - m) / variance.sqrt()))));
    // Where next to nothing is on one side, there is nothing to count.
    let inner = quantiles
        .into_iter()
        .filter(|(_, p)| (0.01..0.99).contains(p));
    let inner: Vec<(f64, f64)> = inner.collect();
    let what = format!("{what}, value {value}");
    assert_distribution(chains, mean, variance + spread, &inner, &what);
}

/// All replicas of all chains start in the lesser mode.
fn assert_finds_modes<K>(kernel: impl Fn(f64) -> K, seed: u64, what: &str)
where
    K: Kernel<Modes, Tensor<2>> + Kernel<Tempered<Modes>, Tensor<2>>,
{
    let device = Device::flex();
    let (target, mut noise) = (modes(&device), Noise::new(seed));
    let start: Tensor<2> = tensor(&MEANS[0].repeat(CHAINS), [CHAINS, 2], &device);
    let single = run(&kernel(1.0), &target, start.clone(), 200, &mut noise);
    let x = values(single.position);
    assert!(
        x.iter().step_by(2).all(|&x| x < 0.0),
        "{what} crosses alone"
    );

    let ladder = Ladder::geometric(4, 0.02).unwrap();
    let start = ladder.replicate(start);
    let kernel = ParallelTempering::new(ladder, kernel);
    let schedule = Schedule::new(500, 1500);
    let (draws, after) = sample(&kernel, &target, start, schedule, &mut noise);
    for rate in values(after.swap_rates().unwrap()) {
        assert!((0.2..0.9).contains(&rate), "{what}: {rate}");
    }
    for value in 0..2 {
        // Cold replicas are the first rows.
        assert_modes(&draws.chains(value)[..CHAINS], value, what);
    }
}

#[test]
fn by_mala() {
    assert_finds_modes(|b| Mala::new(0.12 / b), 1, "MALA");
}

#[test]
fn by_hamiltonian_monte_carlo() {
    let kernel = |b: f64| HamiltonianMonteCarlo::new(0.5 / b.sqrt(), 2).with_random_length();
    assert_finds_modes(kernel, 2, "HMC");
}

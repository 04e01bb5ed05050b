//! The modern Hopfield network: its formula, updates that descend, and its capacity.

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_close, devices, input_gradient, numeric_gradient, values};
use ebm_models::{DenseAssociativeMemory, Energy};
use ebm_ops::Noise;

/// The energy of one state in f64.
fn reference(patterns: &[f64], beta: f64, state: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let rows = || patterns.chunks(state.len());
    let sum: f64 = rows().map(|row| (beta * dot(row, state)).exp()).sum();
    let longest = rows().map(|row| dot(row, row)).fold(0.0, f64::max);
    let count = rows().count() as f64;
    -sum.ln() / beta + 0.5 * dot(state, state) + count.ln() / beta + 0.5 * longest
}

#[test]
fn the_energy_is_the_formula_and_its_gradient_leads_to_the_update() {
    for device in devices() {
        for beta in [0.3, 1.0, 4.0] {
            let mut noise = Noise::new(1);
            let patterns: Tensor<2> = noise.normal([6, 4], &device);
            let memory = DenseAssociativeMemory::new(patterns.clone(), beta);
            let patterns = values(patterns);
            let states: Tensor<2> = noise.normal([8, 4], &device);
            let host = values(states.clone());
            let expected: Vec<f64> = host
                .chunks(4)
                .map(|x| reference(&patterns, beta, x))
                .collect();
            let found = values(memory.energy(states.clone()));
            assert_close(&found, &expected, 5e-6, "energy");
            let images: Tensor<4> = states.clone().reshape([8, 1, 2, 2]);
            assert_eq!(values(memory.energy(images)), found);

            let gradient = input_gradient(&memory, states.clone());
            let numeric: Vec<f64> = host
                .chunks(4)
                .flat_map(|x| numeric_gradient(|x| reference(&patterns, beta, x), x))
                .collect();
            assert_close(&gradient, &numeric, 5e-6, "gradient");
            let update = memory.retrieve(states.clone(), 1);
            assert_close(&gradient, &values(states - update), 5e-6, "xi - X softmax");
        }
    }
}

#[test]
fn the_update_never_raises_the_energy() {
    for device in devices() {
        for (seed, beta) in [(1, 0.1), (2, 1.0), (3, 8.0)] {
            let mut noise = Noise::new(seed);
            let memory = DenseAssociativeMemory::new(noise.normal([30, 12], &device), beta);
            let mut states: Tensor<2> = noise.normal([200, 12], &device);
            let mut before = values(memory.energy(states.clone()));
            let first = before.clone();
            for _ in 0..20 {
                states = memory.retrieve(states, 1);
                let after = values(memory.energy(states.clone()));
                for (before, after) in before.iter().zip(&after) {
                    // Energies of up to 30 in f32.
                    assert!(*after <= before + 2e-5, "from {before} to {after}");
                }
                before = after;
            }
            assert!(first.iter().zip(&before).all(|(first, last)| last < first));
        }
    }
}

/// At large scores nothing overflows.
#[test]
fn great_scores_stay_finite() {
    let device = Device::flex();
    let patterns: Tensor<2> = Noise::new(1).normal([5, 10], &device);
    let memory = DenseAssociativeMemory::new(patterns.mul_scalar(100.0), 10.0);
    let energies = values(memory.energy(memory.patterns()));
    // At a pattern the exponential sum is its own term: E = (M^2 - |x|^2) / 2 + ln N / beta.
    let norms = values(memory.patterns().square().sum_dim(1));
    let longest = norms.iter().copied().fold(0.0, f64::max);
    let expected: Vec<f64> = norms
        .iter()
        .map(|n| 0.5 * (longest - n) + 5_f64.ln() / 10.0)
        .collect();
    // f32 at sums of 1e5.
    for (found, expected) in energies.iter().zip(&expected) {
        assert!((found - expected).abs() < 0.05, "{found} {expected}");
    }
}

/// 4,096 random patterns in 64 dimensions, where a Hopfield network of 64 units holds about 9. Each
/// comes back with a quarter of its values set to zero. The right score exceeds a wrong one by 48
/// with a deviation of 7, so that a wrong pattern wins anywhere with a probability of
/// `P(z > 6.9) * 4096^2 < 1e-4`.
#[test]
fn exponentially_many_patterns_are_retrieved_in_one_step() {
    for device in devices() {
        let coins: Tensor<2> = Noise::new(5).bernoulli(Tensor::full([4096, 64], 0.5, &device));
        let patterns = coins.mul_scalar(2.0).sub_scalar(1.0);
        let memory = DenseAssociativeMemory::new(patterns.clone(), 1.0);
        let zeros: Tensor<2> = Tensor::zeros([4096, 16], &device);
        let damaged = Tensor::cat(vec![patterns.clone().narrow(1, 0, 48), zeros], 1);
        let found = memory.retrieve(damaged, 1).sign();
        let wrong: f64 = values((found - patterns).abs()).iter().sum();
        assert_eq!(wrong, 0.0);
    }
}

/// A small `beta` makes one valley of all patterns, at their mean.
#[test]
fn a_hot_memory_holds_only_the_mean() {
    let device = Device::flex();
    let patterns: Tensor<2> = Noise::new(6).normal([20, 6], &device);
    let memory = DenseAssociativeMemory::new(patterns.clone(), 1e-6);
    let found = values(memory.retrieve(patterns.clone().narrow(0, 0, 1), 3));
    assert_close(&found, &values(patterns.mean_dim(0)), 1e-4, "mean");
}

//! What the tests of Boltzmann machines under training share: recipes, small distributions, sums
//! over all states.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Coding, Energy, states};
use ebm_train::Recipe;
use ebm_train::recipe::{GibbsConfig, OptimizerConfig};

/// Persistent chains and a learning rate that falls to 0.
pub fn recipe() -> Recipe {
    Recipe::boltzmann_machine()
        .with_steps(1000)
        .with_batch_size(100)
        .with_sampler(GibbsConfig::new(2))
        .with_optimizer(OptimizerConfig::sgd(0.2))
}

/// The same for spins.
pub fn spin_recipe() -> Recipe {
    recipe().with_range([-1.0, 1.0])
}

/// Probabilities of all states of six units: two opposite prototypes with weights 0.65 and 0.35,
/// each unit flipped with probability 0.1. Unit `i` is high where bit `i` of the number of the
/// state is set.
pub fn two_prototypes() -> Vec<f64> {
    let around = |prototype: usize, state: usize| {
        let flips = (prototype ^ state).count_ones() as i32;
        0.1_f64.powi(flips) * 0.9_f64.powi(6 - flips)
    };
    (0..64)
        .map(|state| 0.65 * around(0b00_0111, state) + 0.35 * around(0b11_1000, state))
        .collect()
}

/// `count` states in the proportions of their probabilities, as nearly as whole numbers allow: off
/// by less than one draw each, where random draws would be off by the square root of their number.
pub fn in_proportion(probabilities: &[f64], count: usize) -> Vec<usize> {
    let sum: f64 = probabilities.iter().sum();
    let mut numbers = Vec::with_capacity(count);
    let (mut cumulative, mut state) = (probabilities[0] / sum, 0);
    for draw in 0..count {
        let quantile = (draw as f64 + 0.5) / count as f64;
        while quantile > cumulative && state + 1 < probabilities.len() {
            state += 1;
            cumulative += probabilities[state] / sum;
        }
        numbers.push(state);
    }
    numbers
}

/// The states of these numbers, one a row: `[count, units]`.
pub fn rows_of(numbers: &[usize], units: usize, coding: Coding, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = numbers
        .iter()
        .flat_map(|number| {
            (0..units).map(move |unit| match number >> unit & 1 {
                1 => coding.high() as f32,
                _ => coding.low() as f32,
            })
        })
        .collect();
    Tensor::from_data(TensorData::new(values, [numbers.len(), units]), device)
}

/// Probabilities of the visible states of a machine whose energy takes `units` units, the visible
/// ones first.
pub fn visible_probabilities<M: Energy<2>>(
    model: &M,
    units: usize,
    visible: usize,
    coding: Coding,
    device: &Device,
) -> Vec<f64> {
    let all = states(0, 1 << units, units, coding.low(), coding.high(), device);
    let energies: Vec<f64> = model.energy(all).into_data().iter::<f64>().collect();
    let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
    let mut sums = vec![0.0; 1 << visible];
    for (number, energy) in energies.iter().enumerate() {
        sums[number % (1 << visible)] += (lowest - energy).exp();
    }
    let total: f64 = sums.iter().sum();
    sums.iter().map(|sum| sum / total).collect()
}

/// The Kullback-Leibler divergence `sum_x p log(p / q)` in nats.
pub fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum()
}

//! Small pairwise machines judged on the host in f64: every state, its energy, and random parameters.
#![allow(dead_code)] // each test file uses a part

use ebm_models::Coding;
use ebm_ops::Noise;

use crate::common::values;
use burn::tensor::{Device, Tensor};

pub(crate) const CODINGS: [Coding; 2] = [Coding::Spin, Coding::Binary];

/// All `2^units` states, one after the other; bit `i` of a state's index says whether unit `i` is high.
pub(crate) fn all_states(units: usize, coding: Coding) -> Vec<f64> {
    (0..1_usize << units)
        .flat_map(|index| {
            (0..units).map(move |unit| match index >> unit & 1 {
                1 => coding.high(),
                _ => coding.low(),
            })
        })
        .collect()
}

/// `E(y) = -sum_{i<j} w_ij y_i y_j - sum_i b_i y_i`, pair by pair.
pub(crate) struct Reference {
    pub(crate) units: usize,
    pub(crate) pair: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl Reference {
    /// Couplings and biases from `N(0, scale^2)`; `pair` is symmetric with zero diagonal.
    pub(crate) fn random(units: usize, scale: f64, device: &Device, noise: &mut Noise) -> Self {
        let draws: Tensor<1> = noise.normal([units * units + units], device);
        let draws = values(draws.mul_scalar(scale));
        let mut pair = vec![0.0; units * units];
        for i in 0..units {
            for j in 0..i {
                pair[i * units + j] = draws[i * units + j];
                pair[j * units + i] = draws[i * units + j];
            }
        }
        Self {
            units,
            pair,
            bias: draws[units * units..].to_vec(),
        }
    }

    pub(crate) fn energy(&self, state: &[f64]) -> f64 {
        assert_eq!(state.len(), self.units);
        let mut sum = 0.0;
        for i in 0..self.units {
            for j in 0..i {
                sum += self.pair[i * self.units + j] * state[i] * state[j];
            }
            sum += self.bias[i] * state[i];
        }
        -sum
    }
}

/// `ln sum_k exp(terms_k)`.
pub(crate) fn log_sum_exp(terms: &[f64]) -> f64 {
    let greatest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - greatest).exp()).sum();
    greatest + sum.ln()
}

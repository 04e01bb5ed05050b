//! Small pairwise machines: probabilities of all states, exact draws, chi-square.
#![allow(dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor};
use ebm_models::{BoltzmannMachine, Coding};
use ebm_ops::Noise;

use crate::common::{assert_chi_square, tensor, values};

pub(crate) const CODINGS: [Coding; 2] = [Coding::Spin, Coding::Binary];

/// A machine whose parameters the host knows.
pub(crate) struct Known {
    pub(crate) units: usize,
    pub(crate) coding: Coding,
    /// Symmetric with zero diagonal, row by row.
    pub(crate) couplings: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl Known {
    /// Couplings from `N(0, coupling^2)`, biases from `N(0, bias^2)`.
    pub(crate) fn random(
        units: usize,
        (coupling, bias): (f64, f64),
        coding: Coding,
        noise: &mut Noise,
    ) -> Self {
        let device = Device::flex();
        let draws: Tensor<1> = noise.normal([units * units + units], &device);
        let draws = values(draws);
        let mut couplings = vec![0.0; units * units];
        for i in 0..units {
            for j in 0..i {
                let value = f64::from((coupling * draws[i * units + j]) as f32);
                couplings[i * units + j] = value;
                couplings[j * units + i] = value;
            }
        }
        let biases = draws[units * units..].iter();
        Self {
            units,
            coding,
            couplings,
            bias: biases.map(|b| f64::from((bias * b) as f32)).collect(),
        }
    }

    pub(crate) fn machine(&self, device: &Device) -> BoltzmannMachine {
        BoltzmannMachine::from_parameters(
            tensor(&self.couplings, [self.units, self.units], device),
            tensor(&self.bias, [self.units], device),
            self.units,
            self.coding,
        )
    }

    pub(crate) fn field(&self, state: &[f64], unit: usize) -> f64 {
        let row = &self.couplings[unit * self.units..(unit + 1) * self.units];
        let sum: f64 = row.iter().zip(state).map(|(w, y)| w * y).sum();
        sum + self.bias[unit]
    }

    pub(crate) fn energy(&self, state: &[f64]) -> f64 {
        let terms = (0..self.units).map(|unit| {
            let field = self.field(state, unit);
            state[unit] * 0.5 * (field + self.bias[unit])
        });
        -terms.sum::<f64>()
    }

    /// The state of an index: bit `i` says whether unit `i` is high.
    pub(crate) fn state(&self, index: usize) -> Vec<f64> {
        (0..self.units)
            .map(|unit| match index >> unit & 1 {
                1 => self.coding.high(),
                _ => self.coding.low(),
            })
            .collect()
    }

    /// The index of a state.
    pub(crate) fn index(&self, state: &[f64]) -> usize {
        let bits = state.iter().enumerate();
        bits.map(|(unit, &y)| {
            let high = y == self.coding.high();
            assert!(high || y == self.coding.low(), "{y} is no value of a unit");
            usize::from(high) << unit
        })
        .sum()
    }

    pub(crate) fn energies(&self) -> Vec<f64> {
        (0..1 << self.units)
            .map(|index| self.energy(&self.state(index)))
            .collect()
    }

    /// `exp(-E / temperature)`, normalised over all states that share the first `clamped` units,
    /// and every pattern of those equally likely.
    pub(crate) fn probabilities(&self, temperature: f64, clamped: usize) -> Vec<f64> {
        let weights: Vec<f64> = self
            .energies()
            .iter()
            .map(|energy| (-energy / temperature).exp())
            .collect();
        let patterns = 1 << clamped;
        let mut sums = vec![0.0; patterns];
        for (index, weight) in weights.iter().enumerate() {
            sums[index % patterns] += weight;
        }
        let shares = weights.iter().enumerate();
        shares
            .map(|(index, weight)| weight / sums[index % patterns] / patterns as f64)
            .collect()
    }

    /// Exact draws: `[count, units]`.
    pub(crate) fn draws(
        &self,
        probabilities: &[f64],
        count: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let mut cumulative = Vec::with_capacity(probabilities.len());
        let mut sum = 0.0;
        for probability in probabilities {
            sum += probability;
            cumulative.push(sum);
        }
        let uniforms: Tensor<1> = noise.uniform([count], device);
        let states: Vec<f64> = values(uniforms)
            .into_iter()
            .flat_map(|u| {
                let index = cumulative.partition_point(|&c| c <= u);
                self.state(index.min(probabilities.len() - 1))
            })
            .collect();
        tensor(&states, [count, self.units], device)
    }

    /// Fails where states don't follow the probabilities: Pearson's chi-square over all states,
    /// those of fewer than 10 expected draws taken together; false-positive rate 2.9e-7.
    pub(crate) fn assert_distribution(&self, states: Tensor<2>, probabilities: &[f64], what: &str) {
        let [count, _] = states.dims();
        let mut counts = vec![0.0; probabilities.len()];
        for state in values(states).chunks(self.units) {
            counts[self.index(state)] += 1.0;
        }
        let (mut statistic, mut cells) = (0.0, 0.0);
        let (mut rare, mut rare_expected) = (0.0, 0.0);
        for (found, probability) in counts.iter().zip(probabilities) {
            let expected = probability * count as f64;
            if expected < 10.0 {
                rare += found;
                rare_expected += expected;
            } else {
                statistic += (found - expected) * (found - expected) / expected;
                cells += 1.0;
            }
        }
        if rare_expected >= 10.0 {
            statistic += (rare - rare_expected) * (rare - rare_expected) / rare_expected;
            cells += 1.0;
        }
        assert!(cells >= 8.0, "{what}: {cells} cells");
        assert_chi_square(statistic, cells - 1.0, what);
    }
}

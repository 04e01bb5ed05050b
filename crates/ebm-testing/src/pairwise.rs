//! Small pairwise machines judged by enumeration: probabilities of all states, exact draws.

use burn::tensor::{Device, Tensor};
use ebm_models::{BoltzmannMachine, Coding};
use ebm_ops::Noise;

use crate::states::{States, two_values};
use crate::{assert_chi_square, chi_square, tensor, values};

/// A machine whose parameters the host knows:
/// `E(y) = -sum_{i<j} w_ij y_i y_j - sum_i b_i y_i`.
#[derive(Clone, Debug)]
pub struct Known {
    /// How many units there are.
    pub units: usize,
    /// The two values of a unit.
    pub coding: Coding,
    /// Symmetric with zero diagonal, row by row.
    pub couplings: Vec<f64>,
    /// One for each unit.
    pub bias: Vec<f64>,
}

impl Known {
    /// Couplings from `N(0, coupling^2)`, biases from `N(0, bias^2)`, rounded to f32 so that a
    /// device has the same.
    pub fn random(
        units: usize,
        (coupling, bias): (f64, f64),
        coding: Coding,
        noise: &mut Noise,
    ) -> Self {
        let draws: Tensor<1> = noise.normal([units * units + units], &Device::flex());
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

    /// The machine on a device, all of whose units are visible.
    pub fn machine(&self, device: &Device) -> BoltzmannMachine {
        BoltzmannMachine::from_parameters(
            tensor(&self.couplings, [self.units, self.units], device),
            tensor(&self.bias, [self.units], device),
            self.units,
            self.coding,
        )
    }

    /// `sum_j w_ij y_j + b_i` of unit `i`.
    pub fn field(&self, state: &[f64], unit: usize) -> f64 {
        let row = &self.couplings[unit * self.units..(unit + 1) * self.units];
        let sum: f64 = row.iter().zip(state).map(|(w, y)| w * y).sum();
        sum + self.bias[unit]
    }

    /// The energy of a state, pair by pair.
    pub fn energy(&self, state: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.units {
            for j in 0..i {
                sum += self.couplings[i * self.units + j] * state[i] * state[j];
            }
            sum += self.bias[i] * state[i];
        }
        -sum
    }

    /// The states of its units.
    pub fn states(&self) -> States {
        States::new(&two_values(self.coding), self.units)
    }

    /// The state of a number: bit `i` says whether unit `i` is high.
    pub fn state(&self, number: usize) -> Vec<f64> {
        self.states().state(number)
    }

    /// The number of a state.
    ///
    /// # Panics
    ///
    /// If a unit has another value.
    pub fn index(&self, state: &[f64]) -> usize {
        self.states().number(state)
    }

    /// The energies of all states.
    pub fn energies(&self) -> Vec<f64> {
        (0..1 << self.units)
            .map(|number| self.energy(&self.state(number)))
            .collect()
    }

    /// `exp(-E / temperature)`, normalised over all states that share the first `clamped` units,
    /// and every pattern of those equally likely.
    pub fn probabilities(&self, temperature: f64, clamped: usize) -> Vec<f64> {
        let weights: Vec<f64> = self
            .energies()
            .iter()
            .map(|energy| (-energy / temperature).exp())
            .collect();
        let patterns = 1 << clamped;
        let mut sums = vec![0.0; patterns];
        for (number, weight) in weights.iter().enumerate() {
            sums[number % patterns] += weight;
        }
        let shares = weights.iter().enumerate();
        shares
            .map(|(number, weight)| weight / sums[number % patterns] / patterns as f64)
            .collect()
    }

    /// Exact draws: `[count, units]`.
    pub fn draws(
        &self,
        probabilities: &[f64],
        count: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<2> {
        self.states().draw(probabilities, count, device, noise)
    }

    /// Fails where states don't follow the probabilities: Pearson's chi-square over all states,
    /// those of fewer than 10 expected draws taken together; false-positive rate 2.9e-7.
    ///
    /// # Panics
    ///
    /// If they don't, or if fewer than eight cells are left, which would test little.
    pub fn assert_distribution(&self, states: Tensor<2>, probabilities: &[f64], what: &str) {
        let (statistic, cells) = chi_square(&self.states().counts(states), probabilities);
        assert!(cells >= 8.0, "{what}: {cells} cells");
        assert_chi_square(statistic, cells - 1.0, what);
    }
}

//! All states of a few sites of a few values, by number: site `i` has the value of digit `i`.

use burn::tensor::{Device, Tensor};
use ebm_models::Coding;
use ebm_ops::Noise;

use crate::{tensor, values};

/// Both codings of a unit.
pub const CODINGS: [Coding; 2] = [Coding::Spin, Coding::Binary];

/// The two values of a unit, the lower one first.
pub fn two_values(coding: Coding) -> [f64; 2] {
    [coding.low(), coding.high()]
}

/// The states of some sites.
#[derive(Clone, Debug)]
pub struct States {
    /// The values that a site can have.
    pub values: Vec<f64>,
    /// How many sites there are.
    pub sites: usize,
}

impl States {
    /// Of sites that have one of these values each.
    pub fn new(values: &[f64], sites: usize) -> Self {
        let values = values.to_vec();
        Self { values, sites }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len().pow(self.sites as u32)
    }

    /// The state of a number.
    pub fn state(&self, number: usize) -> Vec<f64> {
        let base = self.values.len();
        (0..self.sites)
            .map(|site| self.values[number / base.pow(site as u32) % base])
            .collect()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Vec<f64>> {
        (0..self.count()).map(|number| self.state(number)).collect()
    }

    /// The number of a state.
    ///
    /// # Panics
    ///
    /// If a site has another value.
    pub fn number(&self, state: &[f64]) -> usize {
        state.iter().rev().fold(0, |number, &x| {
            // Grey levels and the like are rounded to f32.
            let digit = self.values.iter().position(|&v| (v as f32) == (x as f32));
            number * self.values.len()
                + digit.unwrap_or_else(|| panic!("{x} is no value of a site"))
        })
    }

    /// The numbers of states, one a row of any shape.
    ///
    /// # Panics
    ///
    /// If a site has another value.
    pub fn numbers<const D: usize>(&self, states: Tensor<D>) -> Vec<usize> {
        values(states)
            .chunks(self.sites)
            .map(|state| self.number(state))
            .collect()
    }

    /// How often each state is there.
    ///
    /// # Panics
    ///
    /// If a site has another value.
    pub fn counts<const D: usize>(&self, states: Tensor<D>) -> Vec<f64> {
        let mut counts = vec![0.0; self.count()];
        for number in self.numbers(states) {
            counts[number] += 1.0;
        }
        counts
    }

    /// Independent draws of states with these probabilities: `[count, sites]`.
    pub fn draw(
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
                let number = cumulative.partition_point(|&c| c <= u);
                self.state(number.min(probabilities.len() - 1))
            })
            .collect();
        tensor(&states, [count, self.sites], device)
    }
}

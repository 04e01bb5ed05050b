//! Layered machines on the host in f64, all of whose states are summed by brute force.

use burn::tensor::{Device, Tensor};
use ebm_models::{Dbm, LayeredMachine, Layers, Rbm, VisibleUnits};
use ebm_ops::Noise;
use ebm_testing::states::States;
#[allow(unused_imports)]
pub(crate) use ebm_testing::{dot, log_sum_exp, sigmoid, softplus};

use super::{tensor, values};

/// `E(x) = E_0(x_0) - sum_l b_l . x_l - sum_l x_l W_l x_{l+1}`.
#[derive(Clone, Debug)]
pub(crate) struct HostMachine {
    /// `weights[l][i][j]` couples unit `i` of layer `l` with unit `j` of the next.
    pub(crate) weights: Vec<Vec<Vec<f64>>>,
    pub(crate) biases: Vec<Vec<f64>>,
    pub(crate) units: VisibleUnits,
}

impl HostMachine {
    /// Weights and biases from `N(0, scale^2)`, rounded to f32 so that a device has the same.
    pub(crate) fn random(sizes: &[usize], scale: f64, seed: u64) -> Self {
        let device = Device::flex();
        let mut noise = Noise::new(seed);
        let mut draw = |count: usize| {
            let normal: Tensor<1> = noise.normal([count], &device);
            values(normal.mul_scalar(scale))
        };
        Self {
            weights: sizes
                .windows(2)
                .map(|pair| (0..pair[0]).map(|_| draw(pair[1])).collect())
                .collect(),
            biases: sizes.iter().map(|&size| draw(size)).collect(),
            units: VisibleUnits::Bernoulli,
        }
    }

    pub(crate) fn gaussian(mut self) -> Self {
        self.units = VisibleUnits::Gaussian;
        self
    }

    pub(crate) fn of(machine: &impl LayeredMachine) -> Self {
        let rows = |weight: Tensor<2>| {
            let columns = weight.dims()[1];
            values(weight)
                .chunks(columns)
                .map(<[f64]>::to_vec)
                .collect()
        };
        Self {
            weights: machine.weights().into_iter().map(rows).collect(),
            biases: machine.biases().into_iter().map(values).collect(),
            units: machine.visible_units(),
        }
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.biases.iter().map(Vec::len).collect()
    }

    fn arrays(&self, device: &Device) -> (Vec<Tensor<2>>, Vec<Tensor<1>>) {
        let sizes = self.sizes();
        let weights = self.weights.iter().enumerate();
        (
            weights
                .map(|(l, rows)| tensor(&rows.concat(), [sizes[l], sizes[l + 1]], device))
                .collect(),
            self.biases
                .iter()
                .map(|bias| tensor(bias, [bias.len()], device))
                .collect(),
        )
    }

    pub(crate) fn layers(&self, device: &Device) -> Layers {
        let (weights, biases) = self.arrays(device);
        Layers::new(self.units, weights, biases)
    }

    pub(crate) fn rbm(&self, device: &Device) -> Rbm {
        let (mut weights, mut biases) = self.arrays(device);
        let hidden = biases.pop().expect("two layers");
        let visible = biases.pop().expect("two layers");
        Rbm::from_parameters(
            weights.pop().expect("two layers"),
            visible,
            hidden,
            self.units,
        )
    }

    pub(crate) fn dbm(&self, device: &Device) -> Dbm {
        let (weights, biases) = self.arrays(device);
        Dbm::from_parameters(weights, biases)
    }

    pub(crate) fn energy(&self, states: &[Vec<f64>]) -> f64 {
        let mut energy = match self.units {
            VisibleUnits::Bernoulli => 0.0,
            VisibleUnits::Gaussian => dot(&states[0], &states[0]) / 2.0,
        };
        for (bias, state) in self.biases.iter().zip(states) {
            energy -= dot(bias, state);
        }
        for (l, rows) in self.weights.iter().enumerate() {
            for (row, x) in rows.iter().zip(&states[l]) {
                energy -= x * dot(row, &states[l + 1]);
            }
        }
        energy
    }

    /// All states of the layers for which `free`, beside the given ones of the others.
    pub(crate) fn completions(
        &self,
        given: &[Vec<f64>],
        free: impl Fn(usize) -> bool,
    ) -> Vec<Vec<Vec<f64>>> {
        let mut all = vec![Vec::new()];
        for (l, &size) in self.sizes().iter().enumerate() {
            let choices = if free(l) {
                configurations(size, 0.0, 1.0)
            } else {
                vec![given[l].clone()]
            };
            all = all
                .into_iter()
                .flat_map(|states| {
                    choices.iter().map(move |choice| {
                        let mut states = states.clone();
                        states.push(choice.clone());
                        states
                    })
                })
                .collect();
        }
        all
    }

    /// `-log sum exp(-E)` over the layers for which `free`, given the others.
    pub(crate) fn free_energy(&self, given: &[Vec<f64>], free: impl Fn(usize) -> bool) -> f64 {
        let states = self.completions(given, free);
        let energies: Vec<f64> = states.iter().map(|states| -self.energy(states)).collect();
        -log_sum_exp(&energies)
    }

    /// `log Z` of binary units.
    pub(crate) fn log_partition(&self) -> f64 {
        -self.free_energy(&[], |_| true)
    }
}

/// All states of units of two values; unit `i` is bit `i` of the number.
pub(crate) fn configurations(units: usize, low: f64, high: f64) -> Vec<Vec<f64>> {
    States::new(&[low, high], units).all()
}

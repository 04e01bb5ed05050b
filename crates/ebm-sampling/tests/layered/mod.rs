//! Small layered machines with exact probabilities, as pairwise machines with few couplings.
#![allow(dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, Layers, VisibleUnits};
use ebm_ops::Noise;

use ebm_testing::pairwise::Known;

use crate::common::tensor;

/// A machine of binary layers whose parameters the host knows.
pub(crate) struct Stack {
    pub(crate) sizes: Vec<usize>,
    /// All units, layer by layer, as one pairwise machine.
    pub(crate) known: Known,
}

impl Stack {
    /// Couplings from `N(0, coupling^2)`, biases from `N(0, bias^2)`.
    pub(crate) fn random(sizes: &[usize], scales: (f64, f64), noise: &mut Noise) -> Self {
        let units = sizes.iter().sum();
        let mut known = Known::random(units, scales, Coding::Binary, noise);
        let layer: Vec<usize> = (0..sizes.len())
            .flat_map(|l| std::iter::repeat_n(l, sizes[l]))
            .collect();
        for i in 0..units {
            for j in 0..units {
                if layer[i].abs_diff(layer[j]) != 1 {
                    known.couplings[i * units + j] = 0.0;
                }
            }
        }
        Self {
            sizes: sizes.to_vec(),
            known,
        }
    }

    fn start(&self, layer: usize) -> usize {
        self.sizes[..layer].iter().sum()
    }

    pub(crate) fn layers(&self, device: &Device) -> Layers {
        let weights = (1..self.sizes.len())
            .map(|l| {
                let (below, above) = (self.start(l - 1), self.start(l));
                let values: Vec<f64> = (below..above)
                    .flat_map(|i| {
                        let row = i * self.known.units + above;
                        self.known.couplings[row..row + self.sizes[l]].to_vec()
                    })
                    .collect();
                tensor(&values, [self.sizes[l - 1], self.sizes[l]], device)
            })
            .collect();
        let biases = (0..self.sizes.len())
            .map(|l| {
                let values = &self.known.bias[self.start(l)..self.start(l) + self.sizes[l]];
                tensor(values, [self.sizes[l]], device)
            })
            .collect();
        Layers::new(VisibleUnits::Bernoulli, weights, biases)
    }

    /// Rows of all units, `[batch, units]`, as layers.
    pub(crate) fn split(&self, rows: Tensor<2>) -> Vec<Tensor<2>> {
        (0..self.sizes.len())
            .map(|l| rows.clone().narrow(1, self.start(l), self.sizes[l]))
            .collect()
    }
}

/// Layers as rows of all units.
pub(crate) fn join(layers: Vec<Tensor<2>>) -> Tensor<2> {
    Tensor::cat(layers, 1)
}

//! Small machines by their definition, in f64: all states are summed over, and nothing is shared
//! with the library but the file of weights.

use std::collections::BTreeMap;
use std::path::Path;

use ebm::training::TensorFile;
use ebm_testing::states::States;
use ebm_testing::{dot, log_sum_exp, sigmoid, softplus};

use crate::common::succeed;

/// The arrays of an exported run by name.
#[derive(Debug, PartialEq)]
pub(crate) struct Weights(BTreeMap<String, Vec<f64>>);

impl Weights {
    /// Exports the run, and reads what was written.
    pub(crate) fn of(folder: &Path, run: &str) -> Self {
        let file = format!("{run}.safetensors");
        let _ = std::fs::remove_file(folder.join(&file));
        succeed(folder, &["export", "--run", run, &file]);
        let arrays = TensorFile::load_unchecked(&folder.join(file))
            .unwrap()
            .tensors;
        let values =
            |(name, data): (String, burn::tensor::TensorData)| (name, data.iter::<f64>().collect());
        Self(arrays.into_iter().map(values).collect())
    }

    fn take(&self, name: &str) -> Vec<f64> {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no array {name}"))
            .clone()
    }

    /// The names of the arrays.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// A machine with layers of units that are 0 or 1.
pub(crate) struct Layered {
    weights: Vec<Vec<f64>>,
    biases: Vec<Vec<f64>>,
}

impl Layered {
    pub(crate) fn rbm(weights: &Weights) -> Self {
        Self {
            weights: vec![weights.take("weight")],
            biases: vec![weights.take("visible_bias"), weights.take("hidden_bias")],
        }
    }

    pub(crate) fn dbm(weights: &Weights) -> Self {
        let biases = ["visible_bias", "hidden_biases.0", "hidden_biases.1"];
        Self {
            weights: vec![weights.take("weights.0"), weights.take("weights.1")],
            biases: biases.map(|name| weights.take(name)).into(),
        }
    }

    /// All states of the hidden layers.
    fn hidden(&self) -> Vec<Vec<Vec<f64>>> {
        let sizes: Vec<usize> = self.biases[1..].iter().map(Vec::len).collect();
        states(sizes.iter().sum(), 0.0)
            .into_iter()
            .map(|state| {
                let mut rest = &state[..];
                let mut layers = Vec::new();
                for &size in &sizes {
                    let (layer, more) = rest.split_at(size);
                    layers.push(layer.to_vec());
                    rest = more;
                }
                layers
            })
            .collect()
    }

    /// Minus the energy of hidden units without the visible ones.
    fn above(&self, hidden: &[Vec<f64>]) -> f64 {
        let biases = self.biases[1..]
            .iter()
            .zip(hidden)
            .map(|(bias, h)| dot(bias, h));
        let couplings = self.weights[1..].iter().zip(hidden.windows(2));
        let couplings = couplings.map(|(weight, pair)| dot(&times(&pair[0], weight), &pair[1]));
        biases.sum::<f64>() + couplings.sum::<f64>()
    }

    /// The fields of the visible units: their biases and what the first hidden layer adds.
    pub(crate) fn visible_fields(&self, hidden: &[f64]) -> Vec<f64> {
        let rows = self.weights[0].chunks_exact(hidden.len());
        self.biases[0]
            .iter()
            .zip(rows)
            .map(|(b, row)| b + dot(row, hidden))
            .collect()
    }

    /// The means of the first hidden layer of a restricted machine.
    pub(crate) fn hidden_means(&self, visible: &[f64]) -> Vec<f64> {
        let fields = times(visible, &self.weights[0]);
        fields
            .iter()
            .zip(&self.biases[1])
            .map(|(z, c)| sigmoid(z + c))
            .collect()
    }

    pub(crate) fn log_partition(&self) -> f64 {
        let terms = self.hidden().into_iter().map(|hidden| {
            let fields = self.visible_fields(&hidden[0]);
            // Visible units are independent given the hidden ones.
            self.above(&hidden) + fields.into_iter().map(softplus).sum::<f64>()
        });
        log_sum_exp(terms)
    }

    /// `log sum_h exp(-E(v, h))`.
    pub(crate) fn unnormalized(&self, visible: &[f64]) -> f64 {
        let terms = self
            .hidden()
            .into_iter()
            .map(|hidden| self.above(&hidden) + dot(&self.visible_fields(&hidden[0]), visible));
        log_sum_exp(terms)
    }

    /// `sum_i log p(v_i | the other visible units)`.
    pub(crate) fn pseudo_likelihood(&self, visible: &[f64]) -> f64 {
        let here = self.unnormalized(visible);
        (0..visible.len())
            .map(|i| {
                let mut flipped = visible.to_vec();
                flipped[i] = 1.0 - flipped[i];
                -softplus(self.unnormalized(&flipped) - here)
            })
            .sum()
    }

    /// Mean squared difference of an example and its reconstruction by means.
    pub(crate) fn reconstruction_error(&self, visible: &[f64]) -> f64 {
        let fields = self.visible_fields(&self.hidden_means(visible));
        let errors = visible
            .iter()
            .zip(fields)
            .map(|(v, z)| (v - sigmoid(z)).powi(2));
        errors.sum::<f64>() / visible.len() as f64
    }
}

/// A machine in which any unit may be coupled to any other.
pub(crate) struct Pairwise {
    weight: Vec<f64>,
    bias: Vec<f64>,
    /// The lower value of a unit; the higher is 1.
    pub(crate) low: f64,
}

impl Pairwise {
    pub(crate) fn new(weights: &Weights, low: f64) -> Self {
        Self {
            weight: weights.take("weight"),
            bias: weights.take("bias"),
            low,
        }
    }

    /// `1/2 y W y + b y` with the symmetric part of the weight, and nothing on its diagonal.
    pub(crate) fn minus_energy(&self, y: &[f64]) -> f64 {
        let n = y.len();
        let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let couplings = pairs
            .map(|(i, j)| 0.5 * (self.weight[i * n + j] + self.weight[j * n + i]) * y[i] * y[j]);
        couplings.sum::<f64>() + dot(&self.bias, y)
    }

    pub(crate) fn log_partition(&self) -> f64 {
        log_sum_exp(
            states(self.bias.len(), self.low)
                .iter()
                .map(|y| self.minus_energy(y)),
        )
    }

    /// `sum_i log p(y_i | the others)`.
    pub(crate) fn pseudo_likelihood(&self, y: &[f64]) -> f64 {
        let here = self.minus_energy(y);
        (0..y.len())
            .map(|i| {
                let mut flipped = y.to_vec();
                flipped[i] = self.low + 1.0 - flipped[i];
                -softplus(self.minus_energy(&flipped) - here)
            })
            .sum()
    }
}

/// All states of units that are `low` or 1.
fn states(units: usize, low: f64) -> Vec<Vec<f64>> {
    States::new(&[low, 1.0], units).all()
}

pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// A row times a matrix.
fn times(row: &[f64], matrix: &[f64]) -> Vec<f64> {
    let columns = matrix.len() / row.len();
    (0..columns)
        .map(|j| {
            row.iter()
                .enumerate()
                .map(|(i, x)| x * matrix[i * columns + j])
                .sum()
        })
        .collect()
}

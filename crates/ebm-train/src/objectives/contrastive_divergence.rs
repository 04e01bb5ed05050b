//! Contrastive divergence: the energy of data falls, that of samples rises.

use burn::tensor::Tensor;
use ebm_models::Energy;
use serde::{Deserialize, Serialize};

use super::{Loss, Objective, ObjectiveKeys, Points, Sparsity, Update};
use crate::keys::{InvalidValue, check_not_negative};
use crate::metrics::Scalar;

crate::keys! {
/// `mean E(data) - mean E(samples) + alpha * mean(E(data)^2 + E(samples)^2)`.
///
/// Its gradient is the contrastive-divergence estimate of the gradient of the negative
/// log-likelihood (Hinton 2002); the squares keep energies near zero (Du & Mordatch 2019), where
/// `alpha` is a weight in 1/nat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastiveDivergence {
    /// Factor `alpha` of the squared energies, which keeps energies near zero, 0 or more.
    #[serde(default)]
    pub energy_regularizer: f64,
    /// How often hidden units should be on; absent: as they like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
}
}

impl ContrastiveDivergence {
    /// The same with this factor of the squared energies.
    #[must_use]
    pub fn with_energy_regularizer(mut self, factor: f64) -> Self {
        self.energy_regularizer = factor;
        self
    }

    /// The same with a target for how often hidden units are on.
    #[must_use]
    pub fn with_sparsity(mut self, sparsity: Sparsity) -> Self {
        self.sparsity = Some(sparsity);
        self
    }

    /// The points of data and samples, both off the autodiff graph.
    ///
    /// # Shapes
    ///
    /// - `data`, `samples`: `[batch, ..]`, of the same shape but for their numbers
    pub fn points<const D: usize>(&self, data: Tensor<D>, samples: Tensor<D>) -> Points<D> {
        let count = data.dims()[0];
        let objective = *self;
        Points::new(Tensor::cat(vec![data, samples], 0), move |energies| {
            objective.evaluate(energies, count)
        })
    }

    /// The loss of the energies of `count` data and of the samples after them.
    fn evaluate(&self, energies: Tensor<1>, count: usize) -> Loss {
        let total = energies.dims()[0];
        let data_energies = energies.clone().slice(0..count);
        let sample_energies = energies.slice(count..total);
        let data_energy = data_energies.clone().mean();
        let sample_energy = sample_energies.clone().mean();
        let mut value = data_energy.clone() - sample_energy.clone();
        if self.energy_regularizer > 0.0 {
            let squares = data_energies.square().mean() + sample_energies.square().mean();
            value = value + squares.mul_scalar(self.energy_regularizer);
        }
        Loss {
            value,
            scalars: vec![
                (Scalar::DATA_ENERGY, data_energy),
                (Scalar::SAMPLE_ENERGY, sample_energy),
            ],
        }
    }
}

impl<M: Energy<D>, const D: usize> Objective<M, D> for ContrastiveDivergence {
    fn needs_chains(&self) -> bool {
        true
    }

    fn choose_points(&self, update: &mut Update<'_, M, D>) -> Points<D> {
        // Chains that start at the data start at the examples; the objective sees them with noise.
        let samples = update.negatives();
        let data = update.data();
        self.points(data, samples)
    }
}

impl ObjectiveKeys for ContrastiveDivergence {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_not_negative("objective.energy_regularizer", self.energy_regularizer)?;
        self.sparsity.as_ref().map_or(Ok(()), Sparsity::validate)
    }

    fn energy_bound(&self) -> Option<f64> {
        // The minimum of `E + alpha E^2`.
        (self.energy_regularizer > 0.0).then(|| 0.5 / self.energy_regularizer)
    }

    fn sparsity(&self) -> Option<Sparsity> {
        self.sparsity
    }
}

//! Contrastive divergence: the energy of data falls, that of samples rises.

use burn::tensor::Tensor;
use ebm_models::Energy;
use serde::{Deserialize, Serialize};

use super::{
    GradientPenalty, Loss, Objective, ObjectiveKeys, PenalizedPoints, Points, Sparsity, Update,
};
use crate::keys::{InvalidValue, check_not_negative, check_positive, check_share};
use crate::metrics::Scalar;

crate::keys! {
/// `mean E(data) - mean E(samples) + alpha * mean(E(data)^2 + E(samples)^2)`.
///
/// Its gradient is the contrastive-divergence estimate of the gradient of the negative
/// log-likelihood (Hinton 2002); the squares keep energies near zero (Du & Mordatch 2019), where
/// `alpha` is a weight in 1/nat.
///
/// Three stabilisers are off unless they are asked for. With `trim` the samples of the highest
/// energies are left out, everywhere in the formula. With `contrastive_limit` the first difference
/// is `max(-limit, mean E(data) - mean E(samples))`, whose gradient is 0 below the limit (both as
/// in Energy Matching, Balcerak et al. 2025). A [`GradientPenalty`] is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastiveDivergence {
    /// Factor `alpha` of the squared energies, which keeps energies near zero, 0 or more.
    #[serde(default)]
    pub energy_regularizer: f64,
    /// Share of the samples, those of the highest energies, that are left out, between 0 and 1;
    /// absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<f64>,
    /// How far the energies of data may be below those of samples, above 0: beyond it the
    /// difference teaches nothing; absent: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrastive_limit: Option<f64>,
    /// How often hidden units should be on; absent: as they like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
    /// A penalty of the energy's slope in the states; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_penalty: Option<GradientPenalty>,
}
}

impl ContrastiveDivergence {
    /// The same with this factor of the squared energies.
    #[must_use]
    pub fn with_energy_regularizer(mut self, factor: f64) -> Self {
        self.energy_regularizer = factor;
        self
    }

    /// The same without this share of the samples, those of the highest energies.
    #[must_use]
    pub fn with_trim(mut self, share: f64) -> Self {
        self.trim = Some(share);
        self
    }

    /// The same with a limit of how far the energies of data are pushed below those of samples.
    #[must_use]
    pub fn with_contrastive_limit(mut self, limit: f64) -> Self {
        self.contrastive_limit = Some(limit);
        self
    }

    /// The same with a target for how often hidden units are on.
    #[must_use]
    pub fn with_sparsity(mut self, sparsity: Sparsity) -> Self {
        self.sparsity = Some(sparsity);
        self
    }

    /// The same with a penalty of the energy's slope.
    #[must_use]
    pub fn with_gradient_penalty(mut self, penalty: GradientPenalty) -> Self {
        self.gradient_penalty = Some(penalty);
        self
    }

    /// The points of data and samples, both off the autodiff graph; without the gradient penalty,
    /// which asks the model for its points.
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
        let sample_energies = self.trimmed(energies.slice(count..total));
        let data_energy = data_energies.clone().mean();
        let sample_energy = sample_energies.clone().mean();
        let mut value = data_energy.clone() - sample_energy.clone();
        let mut scalars = vec![
            (Scalar::DATA_ENERGY, data_energy),
            (Scalar::SAMPLE_ENERGY, sample_energy),
        ];
        if let Some(limit) = self.contrastive_limit {
            let is_clamped = value.clone().inner().lower_elem(-limit).float();
            scalars.push((Scalar::CLAMPED, is_clamped));
            value = value.clamp_min(-limit);
        }
        if self.energy_regularizer > 0.0 {
            let squares = data_energies.square().mean() + sample_energies.square().mean();
            value = value + squares.mul_scalar(self.energy_regularizer);
        }
        Loss { value, scalars }
    }

    /// The energies of the samples that aren't left out: `[kept]`, one at least.
    fn trimmed(&self, energies: Tensor<1>) -> Tensor<1> {
        let count = energies.dims()[0];
        let left_out = self.trim.map_or(0.0, |share| share * count as f64).round() as usize;
        if left_out == 0 {
            return energies;
        }
        let lowest = energies.clone().argsort(0);
        let kept = count.saturating_sub(left_out).max(1);
        energies.select(0, lowest.narrow(0, 0, kept))
    }
}

impl<M: Energy<D>, const D: usize> Objective<M, D> for ContrastiveDivergence {
    fn needs_chains(&self) -> bool {
        true
    }

    fn trim(&mut self, share: f64) {
        self.trim.get_or_insert(share);
    }

    fn choose_points(&self, update: &mut Update<'_, M, D>) -> Points<D> {
        // Chains that start at the data start at the examples; the objective sees them with noise.
        let samples = update.negatives();
        let data = update.data();
        let Some(penalty) = self.gradient_penalty else {
            return self.points(data, samples);
        };
        let penalized = match penalty.at {
            PenalizedPoints::Data => data.clone(),
            PenalizedPoints::Samples => samples.clone(),
            PenalizedPoints::Both => Tensor::cat(vec![data.clone(), samples.clone()], 0),
        };
        self.points(data, samples)
            .with(penalty.points(update.model(), penalized))
    }
}

impl ObjectiveKeys for ContrastiveDivergence {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_not_negative("objective.energy_regularizer", self.energy_regularizer)?;
        if let Some(share) = self.trim {
            check_share("objective.trim", share)?;
        }
        if let Some(limit) = self.contrastive_limit {
            check_positive("objective.contrastive_limit", limit)?;
        }
        if let Some(penalty) = self.gradient_penalty {
            penalty.validate()?;
        }
        self.sparsity.as_ref().map_or(Ok(()), Sparsity::validate)
    }

    fn energy_bound(&self) -> Option<f64> {
        // The minimum of `E + alpha E^2`.
        (self.energy_regularizer > 0.0).then(|| 0.5 / self.energy_regularizer)
    }

    fn needs_gradient(&self) -> Option<&'static str> {
        self.gradient_penalty.map(|_| "objective.gradient_penalty")
    }

    fn sparsity(&self) -> Option<Sparsity> {
        self.sparsity
    }
}

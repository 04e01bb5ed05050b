//! What an update has to tell, and the one read-back that it takes.

use burn::tensor::Tensor;
use serde::Serialize;

use crate::gradients::ParameterGradients;
use crate::{Negatives, Objective};

/// What one update has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// The number of updates so far, this one included.
    pub step: u64,
    /// The objective.
    pub loss: f64,
    /// Mean energy of the batch, in the run's [`EnergyUnit`](crate::recipe::EnergyUnit).
    pub data_energy: f64,
    /// Mean energy of the samples, in the same unit.
    pub sample_energy: f64,
    /// `sample_energy - data_energy`: positive where the model prefers the data.
    pub gap: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Root mean square distance, per value, that the chains of this update moved.
    pub displacement: f64,
    /// Mean share of accepted proposals, for samplers that reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// Steps of chains that were not finite and sent the chain back to where it started; for samplers that don't reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets: Option<f64>,
    /// Learning rate of this update.
    pub learning_rate: f64,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepOutcome {
    /// The parameters moved.
    Applied(Metrics),
    /// Objective or gradient were not finite, or an energy beyond the limit: nothing changed but the step
    /// number, the noise and the place in the data.
    Refused(Metrics),
}

impl Metrics {
    /// The one read-back of an update.
    pub(super) fn read_back<const D: usize>(
        step: u64,
        objective: &Objective,
        gradients: &ParameterGradients,
        negatives: &Negatives<D>,
        learning_rate: f64,
    ) -> Self {
        let mut scalars = vec![
            objective.loss.clone().inner(),
            objective.data_energy.clone().inner(),
            objective.sample_energy.clone().inner(),
            negatives.displacement.clone(),
        ];
        let norm = gradients.norm();
        let has_norm = norm.is_some();
        scalars.extend(norm);
        scalars.extend(negatives.acceptance.clone());
        scalars.extend(negatives.resets.clone());
        let values = Tensor::cat(scalars, 0).into_data().convert::<f32>();
        let mut values = values.iter::<f32>().map(f64::from);
        let mut next = || values.next().unwrap_or(f64::NAN);
        let (loss, data_energy, sample_energy, displacement) = (next(), next(), next(), next());
        let gradient_norm = if has_norm { next() } else { 0.0 };
        Self {
            step,
            loss,
            data_energy,
            sample_energy,
            gap: sample_energy - data_energy,
            gradient_norm,
            displacement,
            acceptance: negatives.acceptance.is_some().then(&mut next),
            resets: negatives.resets.is_some().then(&mut next),
            learning_rate,
        }
    }

    /// Whether objective, energies and gradient are finite.
    pub fn is_finite(&self) -> bool {
        [
            self.loss,
            self.data_energy,
            self.sample_energy,
            self.gradient_norm,
        ]
        .iter()
        .all(|value| value.is_finite())
    }

    pub(super) fn largest_energy(&self) -> f64 {
        self.data_energy.abs().max(self.sample_energy.abs())
    }
}

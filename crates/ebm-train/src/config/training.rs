//! The `[training]` and `[objective]` sections: how long, on how much at a time, and what is minimised.

use std::path::PathBuf;

use ebm_models::Precision;
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_at_least_one, check_decay, check_not_negative};

super::docs::keys! {
/// Length and size of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Number of parameter updates, 1 or more.
    pub steps: u64,
    /// Examples, and chains, an update, 1 or more.
    pub batch_size: usize,
    /// Standard deviation of the noise added to the examples, 0 or more.
    #[serde(default)]
    pub data_noise: f64,
    /// Decay, 0 to below 1, of the moving average of the weights, which samples are drawn with; absent: no average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// The type in which the energies of chains make their matrix products, `"f32"`, `"bf16"` or `"f16"`; parameters and everything else are f32.
    #[serde(default, skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// Run folder with the model, trained or imported, whose weights training starts from; absent: random ones. Only read when
    /// a run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<PathBuf>,
}
}

fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

super::docs::keys! {
/// The contrastive-divergence objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveConfig {
    /// Factor `alpha` of the squared energies, which keeps energies near zero, 0 or more.
    #[serde(default)]
    pub energy_regularizer: f64,
    /// How often hidden units should be on; absent: as they like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<SparsityConfig>,
}
}

super::docs::keys! {
/// A target for the mean activity of hidden units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparsityConfig {
    /// Mean activity that each unit should have, between 0 and 1.
    pub target: f64,
    /// Factor of the squared distance from it, summed over units, 0 or more.
    pub cost: f64,
}
}

impl TrainingConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_at_least_one("training.steps", self.steps)?;
        check_at_least_one("training.batch_size", self.batch_size as u64)?;
        check_not_negative("training.data_noise", self.data_noise)?;
        match self.ema_decay {
            None => Ok(()),
            Some(decay) => check_decay("training.ema_decay", decay),
        }
    }
}

impl ObjectiveConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_not_negative("objective.energy_regularizer", self.energy_regularizer)?;
        let Some(sparsity) = &self.sparsity else {
            return Ok(());
        };
        check(
            sparsity.target > 0.0 && sparsity.target < 1.0,
            "objective.sparsity.target",
            format!("{:?}", sparsity.target),
            "a number between 0 and 1",
        )?;
        check_not_negative("objective.sparsity.cost", sparsity.cost)
    }
}

//! The objective of a recipe: what is minimised.

use serde::{Deserialize, Serialize};

use super::check::{InvalidValue, check, check_not_negative};

crate::keys! {
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

crate::keys! {
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

impl ObjectiveConfig {
    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
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

//! The `[recovery]` section: what to do when training diverges.

use serde::{Deserialize, Serialize};

use ebm_train::MOST_ROLLBACKS;
use ebm_train::keys::{InvalidValue, check, check_at_least_one, check_positive};

/// Nobody waits for more.
const MOST_COLLAPSES: u32 = 1000;

ebm_train::keys! {
/// When to go back to a checkpoint, and when to give up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecoveryConfig {
    /// Bad steps in a row (none of them applied) after which training goes back to a checkpoint
    /// with half the learning rate; 1 or more.
    pub max_bad_steps: u32,
    /// Times it goes back before it gives up, 0 to 1,000,000.
    pub max_rollbacks: u32,
    /// Times that a training whose samples collapsed goes back to its best model, with half the
    /// learning rate and the tenth of the samples with the highest energies left out (not where
    /// energies are in nats), and from the second time on chains half as long again, before it ends
    /// with that; 0 to 1,000.
    pub max_collapses: u32,
    /// A mean energy beyond +-this makes a step bad, as one that is not a number does; above 0.
    pub energy_limit: f64,
}
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self {
            max_bad_steps: 5,
            max_rollbacks: 5,
            max_collapses: 3,
            energy_limit: 1e6,
        }
    }
}

impl RecoveryConfig {
    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_at_least_one("recovery.max_bad_steps", self.max_bad_steps.into())?;
        check(
            self.max_rollbacks <= MOST_ROLLBACKS,
            "recovery.max_rollbacks",
            self.max_rollbacks,
            format!("a whole number up to {MOST_ROLLBACKS}: each halves the learning rate"),
        )?;
        check(
            self.max_collapses <= MOST_COLLAPSES,
            "recovery.max_collapses",
            self.max_collapses,
            format!("a whole number up to {MOST_COLLAPSES}"),
        )?;
        check_positive("recovery.energy_limit", self.energy_limit)
    }
}

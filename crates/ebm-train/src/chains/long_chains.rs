//! Longer chains now and then.

use serde::{Deserialize, Serialize};

use crate::keys::{InvalidValue, check_at_least_one, check_count};

crate::keys! {
/// Updates whose chains make several times the transitions: samples that short chains never come to
/// are raised too (Nijkamp et al. 2020 on what short chains leave undone).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongChains {
    /// Every so many updates one has long chains, 1 or more.
    pub every: u64,
    /// How many times the transitions these make, 1 to 1,000,000.
    pub factor: usize,
}
}

impl LongChains {
    /// How many times the transitions the chains of an update make, counted from 0.
    pub fn factor_at(&self, step: u64) -> usize {
        if (step + 1).is_multiple_of(self.every) {
            self.factor
        } else {
            1
        }
    }

    /// How many times the transitions the chains make on average.
    pub fn mean_factor(&self) -> f64 {
        1.0 + (self.factor as f64 - 1.0) / self.every as f64
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_at_least_one("chains.long.every", self.every)?;
        check_count("chains.long.factor", self.factor, 1_000_000)
    }
}

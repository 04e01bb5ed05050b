//! How a partition function is found.

use ebm_models::MAX_ENUMERATED_UNITS;
use ebm_sampling::partition::TemperingSchedule;

/// How `log Z` is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartitionMethod {
    /// Exactly where that takes seconds, else between bounds.
    #[default]
    Auto,
    /// The sum over all states.
    Exact,
    /// Annealed importance sampling, forward and in reverse.
    Annealed,
}

/// Values, of units beside all states, up to which [`PartitionMethod::Auto`] sums over all states:
/// some seconds of one core.
const SECONDS_OF_VALUES: u64 = 1 << 31;

impl PartitionMethod {
    /// Whether the sum is taken over all states of this many units, with a product of so many
    /// values at each.
    pub(super) fn is_exact(self, units: usize, width: usize) -> bool {
        match self {
            Self::Exact => true,
            Self::Annealed => false,
            Self::Auto => {
                units <= MAX_ENUMERATED_UNITS && (width as u64) << units <= SECONDS_OF_VALUES
            }
        }
    }
}

/// How [`log_partition`](super::log_partition) works.
#[derive(Clone, Debug)]
pub struct PartitionOptions {
    /// Exactly or by annealing.
    pub method: PartitionMethod,
    /// The inverse temperatures of annealing.
    pub schedule: TemperingSchedule,
    /// Chains of annealing, in each direction.
    pub chains: usize,
    /// Sweeps from the data (or, without data, of parallel tempering) to the samples of the model
    /// that reverse annealing starts at.
    pub reverse_sweeps: usize,
    /// Seed of the chains.
    pub seed: u64,
}

impl Default for PartitionOptions {
    /// What Salakhutdinov & Murray (2008) did: 100 chains, 14,500 temperatures.
    fn default() -> Self {
        Self {
            method: PartitionMethod::Auto,
            schedule: TemperingSchedule::salakhutdinov2008(),
            chains: 100,
            reverse_sweeps: 1000,
            seed: 0,
        }
    }
}

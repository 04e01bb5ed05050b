//! The partition function of a trained Boltzmann machine, exactly or between two bounds.

use burn::module::Module;
use ebm_models::{
    LayeredMachine, Layers, MAX_ENUMERATED_UNITS, PairwiseMachine, Parity, Precision, VisibleUnits,
};
use ebm_sampling::TemperingSchedule;
use serde::Serialize;

use super::annealed_bounds::{layered_bounds, pairwise_bounds};
use crate::error::TrainError;
use crate::examples::Examples;
use crate::network::Network;
use crate::trainable::Trainable;

/// Called as work goes on: what is being done, how much of it is done, and how much there is.
pub type Progress<'a> = dyn FnMut(&'static str, u64, u64) + 'a;

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

/// Values, of units beside all states, up to which [`PartitionMethod::Auto`] sums over all states: some seconds of one core.
const SECONDS_OF_VALUES: u64 = 1 << 31;

impl PartitionMethod {
    /// Whether the sum is taken over all states of this many units, with a product of so many values at each.
    fn is_exact(self, units: usize, width: usize) -> bool {
        match self {
            Self::Exact => true,
            Self::Annealed => false,
            Self::Auto => {
                units <= MAX_ENUMERATED_UNITS && (width as u64) << units <= SECONDS_OF_VALUES
            }
        }
    }
}

/// How [`log_partition`] works.
#[derive(Clone, Debug)]
pub struct PartitionOptions {
    /// Exactly or by annealing.
    pub method: PartitionMethod,
    /// The inverse temperatures of annealing.
    pub schedule: TemperingSchedule,
    /// Chains of annealing, in each direction.
    pub chains: usize,
    /// Sweeps from the data (or, without data, of parallel tempering) to the samples of the model that reverse annealing
    /// starts at.
    pub reverse_sweeps: usize,
    /// Seed of the chains.
    pub seed: u64,
    /// The type in which energies make their matrix products; weights of chains, sums and `log Z` are wider.
    pub precision: Precision,
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
            precision: Precision::F32,
        }
    }
}

/// `log Z` in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum LogPartition {
    /// The sum over all states.
    Exact {
        /// `log Z`.
        log_partition: f64,
    },
    /// What somebody else found.
    Given {
        /// `log Z`.
        log_partition: f64,
    },
    /// Two estimates that bound it on average.
    Annealed {
        /// From the base distribution to the model: too small on average.
        forward: Bound,
        /// From samples of the model to the base distribution: too large on average, as far as they are exact samples. Without
        /// data nothing vouches for that, and that the two agree is no sign of it.
        reverse: Bound,
        /// Inverse temperatures, both ends included.
        temperatures: usize,
        /// Chains in each direction.
        chains: usize,
    },
}

/// One direction of annealing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// The estimate of `log Z`.
    pub log_partition: f64,
    /// Its approximate 95 % interval.
    pub interval: (f64, f64),
    /// The mean of the log-weights in place of the logarithm of their mean: looser, and less variable.
    pub mean_bound: f64,
    /// How many equal weights these weights are worth. It knows nothing of modes that no chain has found.
    pub effective_sample_size: f64,
    /// Of the reverse direction without data: the samples that it starts at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<TemperedSamples>,
}

/// Samples of the model by parallel tempering, and what they say of `log Z`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemperedSamples {
    /// `log Z` by Bennett's acceptance ratio of neighbouring temperatures: an estimate that may be off either way.
    pub log_partition: f64,
    /// Its standard error, over chains that never met.
    pub standard_error: f64,
    /// Temperatures.
    pub temperatures: usize,
    /// How often replicas went from the base to the model and back, all chains together, in the second half of the sweeps.
    pub round_trips: usize,
    /// The lowest probability with which neighbouring temperatures swapped.
    pub lowest_swap_rate: f64,
}

impl LogPartition {
    /// The estimate: exact, or that of the forward direction, as the literature reports it; without data that of parallel
    /// tempering, which finds more modes.
    pub fn value(&self) -> f64 {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => *log_partition,
            Self::Annealed { forward, .. } => {
                let samples = self.samples();
                samples.map_or(forward.log_partition, |samples| samples.log_partition)
            }
        }
    }

    /// The samples of the model that stand in for data, where there are none. The bounds have no common judge then: modes that neither
    /// has found are missing from both.
    pub fn samples(&self) -> Option<&TemperedSamples> {
        match self {
            Self::Annealed { reverse, .. } => reverse.samples.as_ref(),
            Self::Exact { .. } | Self::Given { .. } => None,
        }
    }

    /// How far the numbers for `log Z` are apart, in nats.
    pub fn spread(&self) -> f64 {
        let values = self.values();
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        highest - lowest
    }

    /// Whether they are no further apart than their intervals are wide, or half a nat, and these not wide themselves.
    pub fn is_close(&self) -> bool {
        let (low, high) = self.interval();
        let width = high - low;
        self.spread() <= width.max(0.5) && width < 5.0
    }

    /// Every number that is a `log Z`.
    fn values(&self) -> Vec<f64> {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => vec![*log_partition],
            Self::Annealed {
                forward, reverse, ..
            } => {
                let samples = self.samples().map(|samples| samples.log_partition);
                let bounds = [forward.log_partition, reverse.log_partition];
                bounds.into_iter().chain(samples).collect()
            }
        }
    }

    /// This, if it is made of numbers.
    fn finite(self) -> Result<Self, TrainError> {
        if self.values().iter().all(|value| value.is_finite()) {
            Ok(self)
        } else {
            Err(TrainError::NotFinite { what: "log Z" })
        }
    }

    /// From the lower end of the forward interval to the upper end of either: 95 % in each direction.
    pub fn interval(&self) -> (f64, f64) {
        match self {
            Self::Exact { log_partition } | Self::Given { log_partition } => {
                (*log_partition, *log_partition)
            }
            Self::Annealed {
                forward, reverse, ..
            } => (
                forward.interval.0,
                forward.interval.1.max(reverse.interval.1),
            ),
        }
    }
}

/// `log Z` of a Boltzmann machine. Data, where there are any, give the base rates at which annealing starts and the states
/// from which samples for the reverse direction are drawn.
///
/// # Errors
///
/// If the model has no partition function that can be found so, too many states to sum over exactly, energies that aren't finite, or
/// if model or device can't do with [`PartitionOptions::precision`].
pub fn log_partition(
    model: &Network,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> Result<LogPartition, TrainError> {
    if !Trainable::<4>::supports_precision(model, options.precision) {
        return Err(TrainError::NotEvaluable {
            what: "log Z in half precision",
            model: model.name(),
            models: "machines with layers",
        });
    }
    let supported = model
        .devices()
        .iter()
        .all(|device| options.precision.is_supported_by(device));
    if !supported {
        return Err(TrainError::UnsupportedPrecision {
            precision: options.precision,
        });
    }
    let half = (options.precision != Precision::F32).then(|| options.precision.frozen(model));
    let model = half.as_ref().unwrap_or(model);
    let layers = match model {
        Network::Rbm(model) => model.layers(),
        Network::Dbm(model) => model.layers(),
        Network::BoltzmannMachine(machine) => return pairwise(machine, data, options, progress),
        Network::Hopfield(machine) => return pairwise(machine, data, options, progress),
        Network::Mlp(_) | Network::ConvNet(_) => {
            return Err(TrainError::NotEvaluable {
                what: "the partition function",
                model: model.name(),
                models: "Boltzmann machines and Hopfield networks",
            });
        }
    };
    let units = enumerated_units(&layers);
    let width = layers.sizes().iter().sum::<usize>().saturating_sub(units);
    if options.method.is_exact(units, width.max(units)) {
        let mut step = |done, total| progress(SUMMING, done, total);
        let log_partition = ebm_models::log_partition(&layers, &mut step)?;
        return LogPartition::Exact { log_partition }.finite();
    }
    layered_bounds(model, &layers, data, options, progress).finite()
}

fn pairwise<M: PairwiseMachine>(
    machine: &M,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> Result<LogPartition, TrainError> {
    if !options.method.is_exact(machine.units(), machine.units()) {
        return pairwise_bounds(machine, data, options, progress).finite();
    }
    let parameters = machine.parameters();
    let log_partition = ebm_models::log_partition_of(
        |states| parameters.energy(states),
        machine.units(),
        parameters.coding.low(),
        parameters.coding.high(),
        &parameters.bias.device(),
        &mut |done, total| progress(SUMMING, done, total),
    )?;
    LogPartition::Exact { log_partition }.finite()
}

const SUMMING: &str = "summing over all states";

/// The units whose states are summed over one by one.
fn enumerated_units(layers: &Layers) -> usize {
    let units = |parity: Parity| {
        if parity == Parity::Even && layers.visible_units() == VisibleUnits::Gaussian {
            return usize::MAX;
        }
        let sizes = layers.sizes().into_iter().enumerate();
        sizes
            .filter(|(l, _)| parity.contains(*l))
            .map(|(_, size)| size)
            .sum()
    };
    units(Parity::Even).min(units(Parity::Odd))
}

//! The partition function of a trained Boltzmann machine, exactly or between two bounds.

use burn::module::Module;
use ebm_models::{
    LayeredMachine, Layers, MAX_ENUMERATED_UNITS, PairwiseMachine, Parity, Precision, VisibleUnits,
};
use ebm_sampling::TemperingSchedule;

use super::annealed_bounds::{layered_bounds, pairwise_bounds};
use super::log_partition::LogPartition;
use crate::error::RunError;
use crate::kinds::AnyModel as Network;
use ebm_train::Examples;
use ebm_train::TrainError;
use ebm_train::Trainable;

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
) -> Result<LogPartition, RunError> {
    if !Trainable::<4>::supports_precision(model, options.precision) {
        return Err(RunError::NotEvaluable {
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
        }
        .into());
    }
    let half = (options.precision != Precision::F32).then(|| options.precision.frozen(model));
    let model = half.as_ref().unwrap_or(model);
    let layers = match model {
        Network::Rbm(model) => model.layers(),
        Network::Dbm(model) => model.layers(),
        Network::BoltzmannMachine(machine) => return pairwise(machine, data, options, progress),
        Network::Hopfield(machine) => return pairwise(machine, data, options, progress),
        Network::Mlp(_) | Network::ConvNet(_) => {
            return Err(RunError::NotEvaluable {
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
) -> Result<LogPartition, RunError> {
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

//! The partition function of a trained machine, exactly or between two bounds.

use ebm_models::{
    Energy, LayeredStructure, Layers, PairwiseMachine, PairwiseStructure, Parity, Structure,
    VisibleUnits,
};
use ebm_ops::Progress;

use super::annealed_bounds::{layered_bounds, pairwise_bounds};
use super::error::JudgingError;
use super::log_partition::LogPartition;
use super::partition_options::PartitionOptions;
use crate::Examples;

/// `log Z` of a machine with layers or a pairwise machine. Data, where there are any, give the base
/// rates at which annealing starts and the states from which samples for the reverse direction are
/// drawn.
///
/// The model is taken frozen. With weights of half precision
/// ([`Precision::frozen`](ebm_models::Precision::frozen)) energies make their matrix products in
/// it; weights of chains, sums and `log Z` are wider.
///
/// # Errors
///
/// If the model is a smooth energy, whose partition function can't be found so, has too many states
/// to sum over exactly, or energies aren't finite.
///
/// # Panics
///
/// If examples haven't the shape that the model takes.
pub fn log_partition<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    data: Option<&Examples<D>>,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> Result<LogPartition, JudgingError> {
    match model.structure() {
        Structure::Layered(machine) => of_layers(&machine, data, options, progress),
        Structure::Pairwise(machine) => of_pairs(&machine, data, options, progress),
        Structure::Smooth => Err(JudgingError::NotEvaluable {
            what: "the partition function",
            model: Structure::Smooth.description(),
            models: "Boltzmann machines and Hopfield networks",
        }),
    }
}

fn of_layers<const D: usize>(
    machine: &LayeredStructure,
    data: Option<&Examples<D>>,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> Result<LogPartition, JudgingError> {
    let layers = machine.layers();
    let units = enumerated_units(layers);
    let width = layers.sizes().iter().sum::<usize>().saturating_sub(units);
    if !options.method.is_exact(units, width.max(units)) {
        return layered_bounds(machine, data, options, progress).check();
    }
    progress.begin(SUMMING);
    let log_partition = ebm_models::log_partition(layers, progress)?;
    LogPartition::Exact { log_partition }.check()
}

fn of_pairs<const D: usize>(
    machine: &PairwiseStructure,
    data: Option<&Examples<D>>,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> Result<LogPartition, JudgingError> {
    if !options.method.is_exact(machine.units(), machine.units()) {
        return pairwise_bounds(machine, data, options, progress).check();
    }
    progress.begin(SUMMING);
    let parameters = machine.parameters();
    let log_partition = ebm_models::log_partition_of(
        |states| parameters.energy(states),
        machine.units(),
        parameters.coding.low(),
        parameters.coding.high(),
        &parameters.bias.device(),
        progress,
    )?;
    LogPartition::Exact { log_partition }.check()
}

/// What work goes on while states are summed over.
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

//! How likely a machine finds held-out data, while it trains: quickly, and rather too low.

use burn::tensor::Tensor;
use ebm_models::{Energy, PairwiseMachine, Structure, VisibleUnits};
use ebm_ops::Interval;
use ebm_sampling::partition::TemperingSchedule;
use ebm_train::judging::{PartitionMethod, PartitionOptions, example_energies, log_partition};
use ebm_train::{Examples, host_values};

use crate::kinds::AnyModel;

/// Chains of annealing, in each direction.
const CHAINS: usize = 16;
/// The fewest and the most temperatures of annealing.
const TEMPERATURES: (usize, usize) = (100, 2000);
/// Units whose states are summed over: that takes hardly any time.
const SUMMED_OVER: usize = 14;

/// The mean log-likelihood of examples in nats, or where log Z isn't summed over a lower bound, up
/// to the error of annealing: log Z is taken from the upper end of annealed importance sampling in
/// both directions. `train` gives the base rates at which annealing starts; about `transitions`
/// transitions of single chains are made. `None` of a model without a partition function, and of
/// what isn't finite.
pub(super) fn log_likelihood(
    model: &AnyModel,
    examples: Tensor<4>,
    train: &Examples<4>,
    transitions: usize,
    seed: u64,
) -> Option<f64> {
    let energies = host_values(example_energies(model, examples).ok()?);
    let temperatures = transitions / (2 * CHAINS);
    let temperatures = temperatures.clamp(TEMPERATURES.0, TEMPERATURES.1);
    let method = match units_to_sum_over(model) {
        Some(units) if units <= SUMMED_OVER => PartitionMethod::Exact,
        _ => PartitionMethod::Annealed,
    };
    let options = PartitionOptions {
        method,
        schedule: TemperingSchedule::linear(temperatures),
        chains: CHAINS,
        reverse_sweeps: temperatures / 4,
        seed,
    };
    let found = log_partition(model, Some(train), &options, &mut ()).ok()?;
    let Interval { high, .. } = found.interval();
    let sum: f64 = energies.iter().map(|&energy| f64::from(energy)).sum();
    let mean = -sum / energies.len() as f64 - high;
    mean.is_finite().then_some(mean)
}

/// Units whose states all have to be gone through for the sum over all states of a machine.
fn units_to_sum_over(model: &AnyModel) -> Option<usize> {
    match model.structure() {
        Structure::Smooth => None,
        Structure::Pairwise(machine) => Some(machine.units()),
        Structure::Layered(machine) => {
            // Given the layers of one parity those of the other are summed out in closed form.
            let sizes = machine.layers().sizes();
            let of_parity = |parity| sizes.iter().skip(parity).step_by(2).sum::<usize>();
            let odd = of_parity(1);
            Some(match machine.layers().visible_units() {
                VisibleUnits::Gaussian => odd,
                _ => odd.min(of_parity(0)),
            })
        }
    }
}

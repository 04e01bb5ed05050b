//! The partition function of a trained Boltzmann machine, exactly or between two bounds.

use burn::tensor::Tensor;
use ebm_models::{LayeredMachine, Layers, PairwiseMachine, Parity, VisibleUnits};
use ebm_ops::Noise;
use ebm_sampling::{
    AnnealedImportance, BlockGibbs, LayeredPath, PartitionEstimate, TemperingSchedule,
};
use serde::Serialize;

use crate::error::TrainError;
use crate::examples::Examples;
use crate::network::{MEAN_MARGIN, Network};
use crate::trainable::rows;

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

/// Free units up to which [`PartitionMethod::Auto`] sums over all states.
const SECONDS_OF_UNITS: usize = 20;

/// How [`log_partition`] works.
#[derive(Clone, Debug)]
pub struct PartitionOptions {
    /// Exactly or by annealing.
    pub method: PartitionMethod,
    /// The inverse temperatures of annealing.
    pub schedule: TemperingSchedule,
    /// Chains of annealing, in each direction.
    pub chains: usize,
    /// Sweeps from the data (or, without data, from the ends of the forward chains) to the samples of the model that
    /// reverse annealing starts at.
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

/// `log Z` in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum LogPartition {
    /// The sum over all states.
    Exact {
        /// `log Z`.
        log_partition: f64,
    },
    /// Two estimates that bound it on average.
    Annealed {
        /// From the base distribution to the model: too small on average.
        forward: Bound,
        /// From samples of the model to the base distribution: too large on average, as far as they are exact samples.
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
    /// How many equal weights these weights are worth.
    pub effective_sample_size: f64,
}

impl LogPartition {
    /// The estimate: exact, or that of the forward direction, as the literature reports it.
    pub fn value(&self) -> f64 {
        match self {
            Self::Exact { log_partition } => *log_partition,
            Self::Annealed { forward, .. } => forward.log_partition,
        }
    }

    /// From the lower end of the forward interval to the upper end of either: 95 % in each direction.
    pub fn interval(&self) -> (f64, f64) {
        match self {
            Self::Exact { log_partition } => (*log_partition, *log_partition),
            Self::Annealed {
                forward, reverse, ..
            } => (
                forward.interval.0,
                forward.interval.1.max(reverse.interval.1),
            ),
        }
    }
}

impl<S> From<&PartitionEstimate<S>> for Bound {
    fn from(estimate: &PartitionEstimate<S>) -> Self {
        Self {
            log_partition: estimate.log_partition,
            interval: estimate.interval,
            mean_bound: estimate.mean_bound,
            effective_sample_size: estimate.effective_sample_size,
        }
    }
}

/// `log Z` of a Boltzmann machine. Data, where there are any, give the base rates at which annealing starts and the states
/// from which samples for the reverse direction are drawn.
///
/// # Errors
///
/// If the model has no partition function that can be found so, or too many states to sum over exactly.
pub fn log_partition(
    model: &Network,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> Result<LogPartition, TrainError> {
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
    let exact = match options.method {
        PartitionMethod::Exact => true,
        PartitionMethod::Annealed => false,
        PartitionMethod::Auto => enumerated_units(&layers) <= SECONDS_OF_UNITS,
    };
    if exact {
        let mut step = |done, total| progress("summing over all states", done, total);
        let log_partition = ebm_models::log_partition(&layers, &mut step)?;
        return Ok(LogPartition::Exact { log_partition });
    }
    Ok(anneal(model, &layers, data, options, progress))
}

fn pairwise<M: PairwiseMachine>(
    machine: &M,
    _data: Option<&Examples<4>>,
    _options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> Result<LogPartition, TrainError> {
    let coding = machine.coding();
    let log_partition = ebm_models::log_partition_of(
        |states| machine.joint_energy(states),
        machine.units(),
        coding.low(),
        coding.high(),
        &machine.bias().device(),
        &mut |done, total| progress("summing over all states", done, total),
    )?;
    Ok(LogPartition::Exact { log_partition })
}

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

fn anneal(
    model: &Network,
    layers: &Layers,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let mut path = LayeredPath::new(layers);
    if let Some(data) = data {
        path = path.with_visible_means(data.mean(), MEAN_MARGIN);
    }
    let annealing = AnnealedImportance {
        schedule: options.schedule.clone(),
        chains: options.chains,
    };
    let forward = annealing.run(&path, &mut noise.split(), &mut |done, total| {
        progress("annealing forward", done as u64, total as u64);
    });

    let mut chains = noise.split();
    let start = match data {
        Some(data) => starting_states(model, data, options.chains, &mut chains),
        None => path.draw_layers(&forward.states, 1.0, &mut chains),
    };
    let sweeps = options.reverse_sweeps as u64;
    let mut done = 0;
    let states = ebm_sampling::run_with(
        &BlockGibbs::default(),
        layers,
        start,
        options.reverse_sweeps,
        &mut chains,
        |_, _| {
            done += 1;
            progress("drawing samples of the model", done, sweeps);
        },
    )
    .position;
    let reverse = annealing.run_reverse(
        &path,
        path.state(&states),
        &mut noise.split(),
        &mut |done, total| progress("annealing back", done as u64, total as u64),
    );
    LogPartition::Annealed {
        forward: Bound::from(&forward),
        reverse: Bound::from(&reverse),
        temperatures: options.schedule.values().len(),
        chains: options.chains,
    }
}

/// States of all layers at examples of the data.
fn starting_states(
    model: &Network,
    data: &Examples<4>,
    chains: usize,
    noise: &mut Noise,
) -> Vec<Tensor<2>> {
    // With more chains than examples some start at the same.
    let indices: Vec<usize> = (0..chains.div_ceil(data.len()))
        .flat_map(|_| noise.choose(chains.min(data.len()), data.len()))
        .take(chains)
        .collect();
    let visible = rows(data.batch(&indices));
    match model {
        Network::Rbm(model) => vec![visible.clone(), model.hidden_means(visible)],
        Network::Dbm(model) => model.mean_field(visible),
        _ => unreachable!("only machines with layers come here"),
    }
}

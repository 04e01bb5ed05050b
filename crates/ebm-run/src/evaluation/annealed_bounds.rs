//! `log Z` between two bounds: annealing forward, and back from samples that chains have drawn.

use burn::tensor::Tensor;
use ebm_models::{Layers, PairwiseMachine, VisibleUnits};
use ebm_ops::Noise;
use ebm_sampling::{
    AnnealedImportance, AnnealingPath, BlockGibbs, Kernel, LayeredPath, PairwisePath,
    PartitionEstimate, ReplicaEstimate, ReplicaPath, SingleSiteGibbs, StepInfo, TemperedReplicas,
    TemperingSchedule, random_states, run, run_with,
};

use super::log_partition::{Bound, LogPartition, TemperedSamples};
use super::partition::{PartitionOptions, Progress};
use crate::kinds::{AnyModel as Network, MEAN_MARGIN};
use ebm_train::Examples;
use ebm_train::rows;

/// Sweeps that draw hidden units from fair coins, visible ones clamped to data, before all units are free.
const CLAMPED_SWEEPS: usize = 10;

impl<S> From<&PartitionEstimate<S>> for Bound {
    fn from(estimate: &PartitionEstimate<S>) -> Self {
        Self {
            log_partition: estimate.log_partition,
            interval: estimate.interval.into(),
            mean_bound: estimate.mean_bound,
            effective_sample_size: estimate.effective_sample_size,
            samples: None,
        }
    }
}

impl<S> From<&ReplicaEstimate<S>> for TemperedSamples {
    fn from(found: &ReplicaEstimate<S>) -> Self {
        let lowest = found.swap_probabilities.iter().copied();
        Self {
            log_partition: found.log_partition.value,
            standard_error: found.log_partition.standard_error,
            temperatures: found.inverse_temperatures.len(),
            round_trips: found.round_trips,
            lowest_swap_rate: lowest.fold(1.0, f64::min),
        }
    }
}

/// Most temperatures of parallel tempering.
const MOST_TEMPERATURES: usize = 64;
/// Steps of the short annealing that decides where to start from without data.
const PILOT_STEPS: usize = 256;
/// By how many nats a start at the machine's own biases must be better there than one at fair coins.
const PREFERENCE: f64 = 1.0;

/// Both bounds of a machine with layers.
pub(super) fn layered_bounds(
    model: &Network,
    layers: &Layers,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let own = LayeredPath::new(layers);
    let Some(data) = data else {
        let fair = match layers.visible_units() {
            VisibleUnits::Bernoulli => own.clone().with_base_bias(layers.bias(0).zeros_like()),
            // A normal at zero is no better a start than one where the machine has it.
            VisibleUnits::Gaussian => own.clone(),
        };
        return bounds_without_data(&fair, &own, options, progress);
    };
    let path = own.with_visible_means(data.mean(), MEAN_MARGIN);
    let samples = |noise: &mut Noise, progress: &mut Progress<'_>| {
        let visible = some_examples(data, options.chains, noise);
        let start = match model {
            Network::Rbm(model) => vec![visible.clone(), model.hidden_means(visible)],
            Network::Dbm(model) => model.mean_field(visible),
            _ => unreachable!("only machines with layers come here"),
        };
        let kernel = BlockGibbs::default();
        path.state(&settled(&kernel, layers, start, options, noise, progress))
    };
    bounds_with_data(&path, options, samples, progress)
}

/// Both bounds of a pairwise machine.
pub(super) fn pairwise_bounds<M: PairwiseMachine>(
    machine: &M,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let own = PairwisePath::new(machine);
    let Some(data) = data else {
        let coins = machine.parameters().bias.zeros_like();
        let fair = own.clone().with_base_bias(coins);
        return bounds_without_data(&fair, &own, options, progress);
    };
    let path = own.with_visible_means(data.mean(), MEAN_MARGIN);
    let kernel = SingleSiteGibbs::new(1.0);
    let samples = |noise: &mut Noise, progress: &mut Progress<'_>| {
        let visible = some_examples(data, options.chains, noise);
        let start = with_hidden(machine, visible, noise);
        path.state(settled(&kernel, machine, start, options, noise, progress))
    };
    bounds_with_data(&path, options, samples, progress)
}

/// Anneals along a path in both directions; `samples` draws states at the model.
fn bounds_with_data<P: AnnealingPath>(
    path: &P,
    options: &PartitionOptions,
    samples: impl FnOnce(&mut Noise, &mut Progress<'_>) -> P::State,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let forward = annealed(path, options, &mut noise.split(), progress);
    let start = samples(&mut noise.split(), progress);
    let reverse = annealed_back(path, start, options, &mut noise.split(), progress);
    both(Bound::from(&forward), Bound::from(&reverse), options)
}

/// Both bounds where nothing is known of the model but its parameters.
///
/// Annealing from the ends of the forward chains would only tell again what these have found. The way back starts at samples of parallel
/// tempering instead, along the path of the tempered model, `exp(-beta E)`: it favours none of the modes that a symmetry makes
/// alike, which a start at the machine's own biases may do (in units of 0 and 1 they stand against the couplings), and its
/// hottest replicas are drawn anew all the time. The bounds take the path from the machine's own biases where that finds more.
fn bounds_without_data<P: ReplicaPath>(
    tempered: &P,
    own: &P,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let pilot = AnnealedImportance {
        schedule: TemperingSchedule::linear(PILOT_STEPS),
        chains: options.chains,
    };
    // With noise of its own, so that the choice doesn't make the lower bound any higher.
    let [first, second] = [tempered, own].map(|path| {
        let mut ignored = |_, _| {};
        pilot
            .run(path, &mut noise.split(), &mut ignored)
            .log_partition
    });
    let path = if second > first + PREFERENCE {
        own
    } else {
        tempered
    };
    let forward = annealed(path, options, &mut noise.split(), progress);
    let replicas = TemperedReplicas {
        chains: options.chains,
        sweeps: options.reverse_sweeps,
        most_temperatures: MOST_TEMPERATURES,
    };
    let found = replicas.run(tempered, &mut noise.split(), &mut |done, total| {
        progress(SAMPLING, done as u64, total as u64);
    });
    // What a state keeps for its next step belongs to the path.
    let start = path.adopt(found.states.clone());
    let reverse = annealed_back(path, start, options, &mut noise.split(), progress);
    let reverse = Bound {
        samples: Some(TemperedSamples::from(&found)),
        ..Bound::from(&reverse)
    };
    both(Bound::from(&forward), reverse, options)
}

fn both(forward: Bound, reverse: Bound, options: &PartitionOptions) -> LogPartition {
    LogPartition::Annealed {
        forward,
        reverse,
        temperatures: options.schedule.values().len(),
        chains: options.chains,
    }
}

fn annealed<P: AnnealingPath>(
    path: &P,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut Progress<'_>,
) -> PartitionEstimate<P::State> {
    annealing(options).run(path, noise, &mut |done, total| {
        progress("annealing forward", done as u64, total as u64);
    })
}

fn annealed_back<P: AnnealingPath>(
    path: &P,
    start: P::State,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut Progress<'_>,
) -> PartitionEstimate<P::State> {
    annealing(options).run_reverse(path, start, noise, &mut |done, total| {
        progress("annealing back", done as u64, total as u64);
    })
}

fn annealing(options: &PartitionOptions) -> AnnealedImportance {
    AnnealedImportance {
        schedule: options.schedule.clone(),
        chains: options.chains,
    }
}

/// What work goes on while chains make samples of the model.
const SAMPLING: &str = "drawing samples of the model";

/// Where chains of the model are after the sweeps that make samples of them.
fn settled<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    start: X,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut Progress<'_>,
) -> X {
    let sweeps = options.reverse_sweeps;
    let watch = |done: usize, _: &K::State, _: &StepInfo| {
        progress(SAMPLING, done as u64, sweeps as u64);
    };
    run_with(kernel, energy, start, sweeps, noise, watch).position
}

/// As many examples as there are chains, `[chains, visible]`; with more chains than examples some start at the same.
fn some_examples(data: &Examples<4>, chains: usize, noise: &mut Noise) -> Tensor<2> {
    let indices: Vec<usize> = (0..chains.div_ceil(data.len()))
        .flat_map(|_| noise.choose(chains.min(data.len()), data.len()))
        .take(chains)
        .collect();
    rows(data.batch(&indices))
}

/// Full states of a machine, hidden units drawn given the visible ones: `[chains, units]`.
fn with_hidden<M: PairwiseMachine>(
    machine: &M,
    visible: Tensor<2>,
    noise: &mut Noise,
) -> Tensor<2> {
    let hidden = machine.hidden_units();
    if hidden == 0 {
        return visible;
    }
    let shape = [visible.dims()[0], hidden];
    let hidden = random_states(machine.coding(), shape, &visible.device(), noise);
    let start = Tensor::cat(vec![visible, hidden], 1);
    let kernel = SingleSiteGibbs::new(1.0).with_clamped(machine.visible_units());
    run(&kernel, machine, start, CLAMPED_SWEEPS, noise).position
}

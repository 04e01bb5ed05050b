//! `log Z` between two bounds: annealing forward, and back from samples that chains have drawn.

use burn::tensor::Tensor;
use ebm_models::{LayeredStructure, PairwiseMachine, PairwiseStructure, VisibleUnits};
use ebm_ops::{Noise, Progress};
use ebm_sampling::gibbs::{BlockGibbs, SingleSiteGibbs, random_states};
use ebm_sampling::partition::{
    AnnealedImportance, AnnealingPath, LayeredPath, PairwisePath, PartitionEstimate,
    ReplicaEstimate, ReplicaPath, TemperedReplicas, TemperingSchedule,
};
use ebm_sampling::{Kernel, StepInfo, run, run_with};

use super::log_partition::{Bound, LogPartition, TemperedSamples};
use super::partition_options::PartitionOptions;
use crate::Examples;
use crate::rows;

/// How far the mean of a visible unit is kept from 0 and 1 where it becomes a base rate.
const MEAN_MARGIN: f64 = 1e-3;
/// Sweeps that draw hidden units from fair coins, visible ones clamped to data, before all units
/// are free.
const CLAMPED_SWEEPS: usize = 10;

impl<S> From<&PartitionEstimate<S>> for Bound {
    fn from(estimate: &PartitionEstimate<S>) -> Self {
        Self {
            log_partition: estimate.log_partition,
            interval: estimate.interval,
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
/// By how many nats a start at the machine's own biases must be better there than one at fair
/// coins.
const PREFERENCE: f64 = 1.0;

/// Both bounds of a machine with layers.
pub(super) fn layered_bounds<const D: usize>(
    machine: &LayeredStructure,
    data: Option<&Examples<D>>,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> LogPartition {
    let layers = machine.layers();
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
    let samples = |noise: &mut Noise, progress: &mut dyn Progress| {
        let visible = choose_examples(data, options.chains, noise);
        let start = machine.infer(visible, &mut || false);
        let kernel = BlockGibbs::default();
        path.state(&settle(&kernel, layers, start, options, noise, progress))
    };
    bounds_with_data(&path, options, samples, progress)
}

/// Both bounds of a pairwise machine.
pub(super) fn pairwise_bounds<const D: usize>(
    machine: &PairwiseStructure,
    data: Option<&Examples<D>>,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> LogPartition {
    let own = PairwisePath::new(machine);
    let Some(data) = data else {
        let coins = machine.parameters().bias.zeros_like();
        let fair = own.clone().with_base_bias(coins);
        return bounds_without_data(&fair, &own, options, progress);
    };
    let path = own.with_visible_means(data.mean(), MEAN_MARGIN);
    let kernel = SingleSiteGibbs::new(1.0);
    let samples = |noise: &mut Noise, progress: &mut dyn Progress| {
        let visible = choose_examples(data, options.chains, noise);
        let start = draw_hidden(machine, visible, noise);
        path.state(settle(&kernel, machine, start, options, noise, progress))
    };
    bounds_with_data(&path, options, samples, progress)
}

/// Anneals along a path in both directions; `samples` draws states at the model.
fn bounds_with_data<P: AnnealingPath>(
    path: &P,
    options: &PartitionOptions,
    samples: impl FnOnce(&mut Noise, &mut dyn Progress) -> P::State,
    progress: &mut dyn Progress,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let forward = anneal_forward(path, options, &mut noise.split(), progress);
    let start = samples(&mut noise.split(), progress);
    let reverse = anneal_back(path, start, options, &mut noise.split(), progress);
    join(Bound::from(&forward), Bound::from(&reverse), options)
}

/// Both bounds where nothing is known of the model but its parameters.
///
/// Annealing from the ends of the forward chains would only tell again what these have found. The
/// way back starts at samples of parallel tempering instead, along the path of the tempered model,
/// `exp(-beta E)`: it favours none of the modes that a symmetry makes alike, which a start at the
/// machine's own biases may do (in units of 0 and 1 they stand against the couplings), and its
/// hottest replicas are drawn anew all the time. The bounds take the path from the machine's own
/// biases where that finds more.
fn bounds_without_data<P: ReplicaPath>(
    tempered: &P,
    own: &P,
    options: &PartitionOptions,
    progress: &mut dyn Progress,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let pilot = AnnealedImportance {
        schedule: TemperingSchedule::linear(PILOT_STEPS),
        chains: options.chains,
    };
    // With noise of its own, so that the choice doesn't make the lower bound any higher.
    let [first, second] = [tempered, own].map(|path| {
        let found = pilot.run(path, &mut noise.split(), &mut ());
        found.log_partition
    });
    let path = if second > first + PREFERENCE {
        own
    } else {
        tempered
    };
    let forward = anneal_forward(path, options, &mut noise.split(), progress);
    let replicas = TemperedReplicas {
        chains: options.chains,
        sweeps: options.reverse_sweeps,
        most_temperatures: MOST_TEMPERATURES,
    };
    progress.begin(SAMPLING);
    let found = replicas.run(tempered, &mut noise.split(), progress);
    // What a state keeps for its next step belongs to the path.
    let start = path.adopt(found.states.clone());
    let reverse = anneal_back(path, start, options, &mut noise.split(), progress);
    let reverse = Bound {
        samples: Some(TemperedSamples::from(&found)),
        ..Bound::from(&reverse)
    };
    join(Bound::from(&forward), reverse, options)
}

fn join(forward: Bound, reverse: Bound, options: &PartitionOptions) -> LogPartition {
    LogPartition::Annealed {
        forward,
        reverse,
        temperatures: options.schedule.values().len(),
        chains: options.chains,
    }
}

fn anneal_forward<P: AnnealingPath>(
    path: &P,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> PartitionEstimate<P::State> {
    progress.begin("annealing forward");
    annealing(options).run(path, noise, progress)
}

fn anneal_back<P: AnnealingPath>(
    path: &P,
    start: P::State,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> PartitionEstimate<P::State> {
    progress.begin("annealing back");
    annealing(options).run_reverse(path, start, noise, progress)
}

fn annealing(options: &PartitionOptions) -> AnnealedImportance {
    AnnealedImportance {
        schedule: options.schedule.clone(),
        chains: options.chains,
    }
}

/// What work goes on while chains make samples of the model.
const SAMPLING: &str = "drawing samples of the model";

/// Moves chains of the model by the sweeps that make samples of them.
fn settle<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    start: X,
    options: &PartitionOptions,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> X {
    let sweeps = options.reverse_sweeps;
    progress.begin(SAMPLING);
    let watch = |done: usize, _: &K::State, _: &StepInfo| progress.advance(done, sweeps);
    run_with(kernel, energy, start, sweeps, noise, watch).position
}

/// As many examples as there are chains, `[chains, visible]`; with more chains than examples some
/// start at the same.
fn choose_examples<const D: usize>(
    data: &Examples<D>,
    chains: usize,
    noise: &mut Noise,
) -> Tensor<2> {
    let indices: Vec<usize> = (0..chains.div_ceil(data.len()))
        .flat_map(|_| noise.choose(chains.min(data.len()), data.len()))
        .take(chains)
        .collect();
    rows(data.batch(&indices).x)
}

/// Full states of a machine, hidden units drawn given the visible ones: `[chains, units]`.
fn draw_hidden(machine: &PairwiseStructure, visible: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
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

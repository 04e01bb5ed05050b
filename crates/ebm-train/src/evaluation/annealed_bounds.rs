//! `log Z` between two bounds: annealing forward, and back from samples that chains have drawn.

use burn::tensor::Tensor;
use ebm_models::{Layers, PairwiseMachine};
use ebm_ops::Noise;
use ebm_sampling::{
    AnnealedImportance, AnnealingPath, BlockGibbs, Kernel, LayeredPath, PairwisePath,
    PartitionEstimate, SingleSiteGibbs, StepInfo, random_states, run, run_with,
};

use super::partition::{Bound, LogPartition, PartitionOptions, Progress};
use crate::examples::Examples;
use crate::network::{MEAN_MARGIN, Network};
use crate::trainable::rows;

/// Sweeps that draw hidden units from fair coins, visible ones clamped to data, before all units are free.
const CLAMPED_SWEEPS: usize = 10;

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

/// Both bounds of a machine with layers.
pub(super) fn layered_bounds(
    model: &Network,
    layers: &Layers,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut path = LayeredPath::new(layers);
    if let Some(data) = data {
        path = path.with_visible_means(data.mean(), MEAN_MARGIN);
    }
    let samples = |forward: &_, noise: &mut Noise, progress: &mut Progress<'_>| {
        let start = match data {
            Some(data) => {
                let visible = some_examples(data, options.chains, noise);
                match model {
                    Network::Rbm(model) => vec![visible.clone(), model.hidden_means(visible)],
                    Network::Dbm(model) => model.mean_field(visible),
                    _ => unreachable!("only machines with layers come here"),
                }
            }
            None => path.draw_layers(forward, 1.0, noise),
        };
        let kernel = BlockGibbs::default();
        path.state(&settled(&kernel, layers, start, options, noise, progress))
    };
    bounds(&path, options, samples, progress)
}

/// Both bounds of a pairwise machine.
pub(super) fn pairwise_bounds<M: PairwiseMachine>(
    machine: &M,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut path = PairwisePath::new(machine);
    if let Some(data) = data {
        path = path.with_visible_means(data.mean(), MEAN_MARGIN);
    }
    let kernel = SingleSiteGibbs::new(1.0);
    let samples = |forward: &<PairwisePath as AnnealingPath>::State,
                   noise: &mut Noise,
                   progress: &mut Progress<'_>| {
        let start = match data {
            Some(data) => {
                let visible = some_examples(data, options.chains, noise);
                with_hidden(machine, visible, noise)
            }
            None => forward.position(),
        };
        path.state(settled(&kernel, machine, start, options, noise, progress))
    };
    bounds(&path, options, samples, progress)
}

/// Anneals along a path in both directions. `samples` draws states at the model, given the ends of the forward chains.
fn bounds<P: AnnealingPath>(
    path: &P,
    options: &PartitionOptions,
    samples: impl FnOnce(&P::State, &mut Noise, &mut Progress<'_>) -> P::State,
    progress: &mut Progress<'_>,
) -> LogPartition {
    let mut noise = Noise::new(options.seed);
    let annealing = AnnealedImportance {
        schedule: options.schedule.clone(),
        chains: options.chains,
    };
    let forward = annealing.run(path, &mut noise.split(), &mut |done, total| {
        progress("annealing forward", done as u64, total as u64);
    });
    let start = samples(&forward.states, &mut noise.split(), progress);
    let reverse = annealing.run_reverse(path, start, &mut noise.split(), &mut |done, total| {
        progress("annealing back", done as u64, total as u64);
    });
    LogPartition::Annealed {
        forward: Bound::from(&forward),
        reverse: Bound::from(&reverse),
        temperatures: options.schedule.values().len(),
        chains: options.chains,
    }
}

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
        progress("drawing samples of the model", done as u64, sweeps as u64);
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

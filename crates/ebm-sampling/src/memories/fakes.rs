//! Fake memories of a pairwise machine: minima that nobody stored, found to be unlearned.

use burn::tensor::Tensor;
use ebm_models::PairwiseMachine;
use ebm_ops::Noise;

use super::recall::{Dynamics, recall};
use crate::gibbs::{SingleSiteGibbs, SiteOrder, random_states};
use crate::kernel::run;

/// Fakes near the data: where `sweeps` sweeps at temperature 0 lead from stored patterns, 2 to 4
/// being usual.
///
/// These are the negative states of contrastive divergence at temperature 0: a pattern that is
/// stable stays, and then teaches nothing; one that isn't shows in which direction its valley is
/// too shallow.
///
/// # Shapes
///
/// `patterns`: `[count, units]` -> the same
///
/// # Panics
///
/// If a pattern hasn't `units` values.
pub fn fakes_near<M: PairwiseMachine>(
    machine: &M,
    patterns: Tensor<2>,
    sweeps: usize,
    order: SiteOrder,
    noise: &mut Noise,
) -> Tensor<2> {
    let kernel = SingleSiteGibbs::new(0.0).with_order(order);
    run(&kernel, machine, patterns, sweeps, noise).position
}

/// Fakes anywhere: the valleys reached from `count` random states, in random order, within
/// `max_sweeps` sweeps.
///
/// Some of them may be stored patterns, or their opposites where there is no bias (Hopfield,
/// Feinstein & Palmer 1983).
///
/// # Shapes
///
/// `-> [count, units]`
pub fn fakes_from_random<M: PairwiseMachine>(
    machine: &M,
    count: usize,
    max_sweeps: usize,
    noise: &mut Noise,
) -> Tensor<2> {
    let device = machine.bias().inner().device();
    let start = random_states(machine.coding(), [count, machine.units()], &device, noise);
    recall(machine, start, max_sweeps, Dynamics::default(), noise).states
}

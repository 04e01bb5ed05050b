//! The `Kernel` trait, one Markov transition, and `run`, many of them.

use burn::tensor::Tensor;
use ebm_ops::Noise;

/// One Markov transition over positions of type `X`, in the style of blackjax.
///
/// What the next step needs is the state (the position with, say, its energy); what only a person needs is
/// the [`StepInfo`]. Randomness is an argument.
pub trait Kernel<E, X> {
    /// The position and whatever the next step can reuse of this one.
    type State;

    /// The state of chains that start at `position`.
    fn init(&self, energy: &E, position: X) -> Self::State;

    /// Moves every chain of the batch by one transition.
    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo);

    /// Where the chains are.
    fn position(&self, state: &Self::State) -> X;
}

/// What one transition has to tell of each chain, left on the device until somebody reads it: `[batch]` each.
#[derive(Clone, Debug, Default)]
pub struct StepInfo {
    /// 1 where the proposal was accepted, 0 where it was not; `None` for a kernel that never rejects.
    pub accepted: Option<Tensor<1>>,
    /// With what probability it was, which says more than the outcome; `None` for a kernel that never rejects.
    pub acceptance_probability: Option<Tensor<1>>,
    /// 1 where the integrator went astray ([`HamiltonianMonteCarlo`](crate::HamiltonianMonteCarlo)); `None` for a kernel
    /// that has none.
    pub divergent: Option<Tensor<1>>,
    /// 1 where the step was not finite and the chain went back to its start; `None` for a kernel that rejects.
    pub reset: Option<Tensor<1>>,
}

impl StepInfo {
    /// Adds what a later step told.
    pub(crate) fn add(&mut self, later: Self) {
        fn add(total: &mut Option<Tensor<1>>, later: Option<Tensor<1>>) {
            *total = match (total.take(), later) {
                (Some(total), Some(later)) => Some(total + later),
                (total, later) => total.or(later),
            };
        }
        add(&mut self.accepted, later.accepted);
        add(
            &mut self.acceptance_probability,
            later.acceptance_probability,
        );
        add(&mut self.divergent, later.divergent);
        add(&mut self.reset, later.reset);
    }
}

/// Chains after some transitions.
#[derive(Clone, Debug)]
pub struct Run<X> {
    /// Where the chains are now.
    pub position: X,
    /// The number of transitions made.
    pub steps: usize,
    /// Sums over the transitions.
    pub(crate) totals: StepInfo,
}

impl<X> Run<X> {
    /// The share of accepted proposals of each chain, `[batch]`; `None` for a kernel that never rejects, and
    /// after no step.
    pub fn acceptance(&self) -> Option<Tensor<1>> {
        let accepted = self.totals.accepted.clone()?;
        Some(accepted.div_scalar(self.steps as f64))
    }

    /// The mean acceptance probability of each chain, `[batch]`: what [`acceptance`](Self::acceptance) estimates, with less
    /// noise.
    pub fn acceptance_probability(&self) -> Option<Tensor<1>> {
        let probability = self.totals.acceptance_probability.clone()?;
        Some(probability.div_scalar(self.steps as f64))
    }

    /// How many trajectories of each chain diverged, `[batch]`; `None` for a kernel that has none.
    pub fn divergences(&self) -> Option<Tensor<1>> {
        self.totals.divergent.clone()
    }

    /// How often each chain went back to its start because a step was not finite, `[batch]`; `None` for a kernel that
    /// rejects such steps.
    pub fn resets(&self) -> Option<Tensor<1>> {
        self.totals.reset.clone()
    }

    /// The same run with its positions seen in another way.
    pub fn map<Y>(self, view: impl FnOnce(X) -> Y) -> Run<Y> {
        Run {
            position: view(self.position),
            steps: self.steps,
            totals: self.totals,
        }
    }
}

/// Moves chains from `position` by `steps` transitions.
///
/// Memory doesn't grow with `steps`, and nothing is read back from the device.
pub fn run<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
) -> Run<X> {
    run_with(kernel, energy, position, steps, noise, |_, _, _| {})
}

/// Like [`run`], and calls `observe(step, state, info)` after each transition (steps count from 1).
pub fn run_with<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
    mut observe: impl FnMut(usize, &K::State, &StepInfo),
) -> Run<X> {
    let mut state = kernel.init(energy, position);
    let mut totals = StepInfo::default();
    for step in 1..=steps {
        let info;
        (state, info) = kernel.step(energy, state, noise);
        observe(step, &state, &info);
        totals.add(info);
    }
    Run {
        position: kernel.position(&state),
        steps,
        totals,
    }
}

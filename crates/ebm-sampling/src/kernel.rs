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

/// What one transition has to tell, left on the device until somebody reads it.
#[derive(Clone, Debug, Default)]
pub struct StepInfo {
    /// For each chain 1 where the proposal was accepted, 0 where it was not: `[batch]`. `None` for a kernel
    /// that never rejects.
    pub accepted: Option<Tensor<1>>,
}

/// Chains after some transitions.
#[derive(Clone, Debug)]
pub struct Run<X> {
    /// Where the chains are now.
    pub position: X,
    /// The number of transitions made.
    pub steps: usize,
    accepted: Option<Tensor<1>>,
}

impl<X> Run<X> {
    /// The share of accepted proposals of each chain, `[batch]`; `None` for a kernel that never rejects, and
    /// after no step.
    pub fn acceptance(&self) -> Option<Tensor<1>> {
        let accepted = self.accepted.clone()?;
        Some(accepted.div_scalar(self.steps as f64))
    }
}

impl<X> Run<X> {
    /// The same run with its positions seen in another way.
    pub fn map<Y>(self, view: impl FnOnce(X) -> Y) -> Run<Y> {
        Run {
            position: view(self.position),
            steps: self.steps,
            accepted: self.accepted,
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
    run_with(kernel, energy, position, steps, noise, |_, _| {})
}

/// Like [`run`], and calls `observe(step, state)` after each transition (steps count from 1).
pub fn run_with<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
    mut observe: impl FnMut(usize, &K::State),
) -> Run<X> {
    let mut state = kernel.init(energy, position);
    let mut accepted: Option<Tensor<1>> = None;
    for step in 1..=steps {
        let info;
        (state, info) = kernel.step(energy, state, noise);
        accepted = match (accepted, info.accepted) {
            (Some(total), Some(now)) => Some(total + now),
            (total, now) => total.or(now),
        };
        observe(step, &state);
    }
    Run {
        position: kernel.position(&state),
        steps,
        accepted,
    }
}

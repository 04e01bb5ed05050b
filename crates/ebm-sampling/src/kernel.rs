//! The `Kernel` trait, one Markov transition, and `run`, many of them.

use burn::tensor::{Bool, Tensor};
use ebm_ops::Noise;

use crate::interrupt::Interrupt;

/// One Markov transition over positions of type `X`, in the style of blackjax.
///
/// The state holds what the next step needs (the position with, say, its energy); the [`StepInfo`]
/// holds what is only to be looked at. Randomness is an argument.
pub trait Kernel<E, X> {
    /// The position and whatever the next step can reuse of this one.
    type State;

    /// The state of chains that start at `position`.
    fn init(&self, energy: &E, position: X) -> Self::State;

    /// Moves every chain of the batch by one transition.
    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo);

    /// Where the chains are.
    fn position(&self, state: &Self::State) -> X;

    /// Which chains stand where the energy is finite, and its gradient too if the kernel uses it:
    /// `[batch]`; `None` for a kernel that doesn't check. Acceptances of the others say nothing
    /// about a step size, so warm-up leaves them out.
    fn is_finite(&self, state: &Self::State) -> Option<Tensor<1, Bool>> {
        let _ = state;
        None
    }
}

/// What one transition reports of each chain, `[batch]` each; it stays on the device until it is
/// read.
#[derive(Clone, Debug, Default)]
pub struct StepInfo {
    /// 1 where the proposal was accepted, 0 where it was not; `None` for a kernel that never
    /// rejects.
    pub accepted: Option<Tensor<1>>,
    /// The probability of being accepted, which is less noisy than the outcome; `None` for a kernel
    /// that never rejects.
    pub acceptance_probability: Option<Tensor<1>>,
    /// 1 where the trajectory diverged
    /// ([`HamiltonianMonteCarlo`](crate::hamiltonian::HamiltonianMonteCarlo)); `None` for a kernel
    /// without trajectories.
    pub divergent: Option<Tensor<1>>,
    /// 1 where the step was not finite and the chain went back to its start; `None` for a kernel
    /// that rejects.
    pub reset: Option<Tensor<1>>,
    /// 1 where replicas at neighbouring temperatures swapped places, 0 where they did not:
    /// `[temperatures - 1, chains]`, the coldest pair first; `None` for a kernel that has no
    /// replicas.
    pub swapped: Option<Tensor<2>>,
    /// The probability of each swap; `None` for a kernel that has no replicas.
    pub swap_probability: Option<Tensor<2>>,
    /// 1 where a warm-up left the chain out of what it learnt, as it stood where the energy isn't
    /// finite; `None` outside of warm-up, and where all chains counted.
    pub left_out: Option<Tensor<1>>,
}

impl StepInfo {
    /// Adds the report of a later step.
    pub(crate) fn add(&mut self, later: Self) {
        fn add<const D: usize>(total: &mut Option<Tensor<D>>, later: Option<Tensor<D>>) {
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
        add(&mut self.swapped, later.swapped);
        add(&mut self.swap_probability, later.swap_probability);
        add(&mut self.left_out, later.left_out);
    }

    /// Sums over several transitions as the report of one: shares of acceptances, numbers of
    /// divergences and resets.
    pub(crate) fn of_transitions(mut self, transitions: usize) -> Self {
        let share = |total: Tensor<1>| total.div_scalar(transitions as f64);
        self.accepted = self.accepted.map(share);
        self.acceptance_probability = self.acceptance_probability.map(share);
        self
    }

    /// Joins the reports of one step on several batches of chains; what one of them lacks is left
    /// out.
    pub(crate) fn cat(infos: Vec<Self>) -> Self {
        let cat = |part: fn(&Self) -> &Option<Tensor<1>>| {
            let parts: Option<Vec<Tensor<1>>> =
                infos.iter().map(|info| part(info).clone()).collect();
            parts.map(|parts| Tensor::cat(parts, 0))
        };
        Self {
            accepted: cat(|info| &info.accepted),
            acceptance_probability: cat(|info| &info.acceptance_probability),
            divergent: cat(|info| &info.divergent),
            reset: cat(|info| &info.reset),
            swapped: None,
            swap_probability: None,
            left_out: None,
        }
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
    /// The share of accepted proposals of each chain, `[batch]`; `None` for a kernel that never
    /// rejects, and after no step.
    pub fn acceptance(&self) -> Option<Tensor<1>> {
        let accepted = self.totals.accepted.clone()?;
        Some(accepted.div_scalar(self.steps as f64))
    }

    /// The mean acceptance probability of each chain, `[batch]`: what
    /// [`acceptance`](Self::acceptance) estimates, with less noise.
    pub fn acceptance_probability(&self) -> Option<Tensor<1>> {
        let probability = self.totals.acceptance_probability.clone()?;
        Some(probability.div_scalar(self.steps as f64))
    }

    /// How many trajectories of each chain diverged, `[batch]`; `None` for a kernel that has none.
    pub fn divergences(&self) -> Option<Tensor<1>> {
        self.totals.divergent.clone()
    }

    /// How often each chain went back to its start because a step was not finite, `[batch]`; `None`
    /// for a kernel that rejects such steps.
    pub fn resets(&self) -> Option<Tensor<1>> {
        self.totals.reset.clone()
    }

    /// In how many transitions a warm-up left each chain out of what it learnt, because it stood
    /// where the energy isn't finite: `[batch]`; `None` where all chains counted in all of them. A
    /// chain that was left out to the end never came to where the target has probability: start it
    /// elsewhere.
    pub fn left_out(&self) -> Option<Tensor<1>> {
        self.totals.left_out.clone()
    }

    /// How often each pair of neighbouring temperatures swapped, as a share of the transitions, the
    /// coldest pair first: `[temperatures - 1]`, means over the chains; `None` for a kernel that
    /// has no replicas, and after no step.
    pub fn swap_rates(&self) -> Option<Tensor<1>> {
        self.by_pair(self.totals.swapped.as_ref())
    }

    /// The mean probability of those swaps, `[temperatures - 1]`: what
    /// [`swap_rates`](Self::swap_rates) estimate, with less noise. A ladder is
    /// [adapted](crate::tempering::Ladder::adapted) by it.
    pub fn swap_probabilities(&self) -> Option<Tensor<1>> {
        self.by_pair(self.totals.swap_probability.as_ref())
    }

    /// How often each pair of neighbouring temperatures swapped in each chain:
    /// `[temperatures - 1, chains]`; `None` for a kernel that has no replicas, and after no step.
    pub fn swaps(&self) -> Option<Tensor<2>> {
        self.totals.swapped.clone()
    }

    /// The means over chains and transitions: `[temperatures - 1]`.
    fn by_pair(&self, total: Option<&Tensor<2>>) -> Option<Tensor<1>> {
        let mean: Tensor<1> = total?.clone().mean_dim(1).squeeze_dim(1);
        Some(mean.div_scalar(self.steps as f64))
    }

    /// The same run with its positions converted by `view`.
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

/// Like [`run`], and stops between two transitions where `interrupt` says so: the run then has made
/// fewer [`steps`](Run::steps) than asked for. A run that isn't stopped equals that of [`run`], bit
/// for bit.
pub fn run_unless<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Run<X> {
    let observe = |_: usize, _: &K::State, _: &StepInfo| {};
    transitions(kernel, energy, position, steps, noise, interrupt, observe)
}

/// Like [`run`], and calls `observe(step, state, info)` after each transition (steps count from 1).
pub fn run_with<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
    observe: impl FnMut(usize, &K::State, &StepInfo),
) -> Run<X> {
    let never = &mut Interrupt::never();
    transitions(kernel, energy, position, steps, noise, never, observe)
}

/// The loop of every run: up to `steps` transitions, until `interrupt` says stop, each shown to
/// `observe`.
fn transitions<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
    mut observe: impl FnMut(usize, &K::State, &StepInfo),
) -> Run<X> {
    let mut state = kernel.init(energy, position);
    let mut totals = StepInfo::default();
    let mut made = 0;
    while made < steps && !interrupt.is_raised() {
        let info;
        (state, info) = kernel.step(energy, state, noise);
        made += 1;
        observe(made, &state, &info);
        totals.add(info);
    }
    Run {
        position: kernel.position(&state),
        steps: made,
        totals,
    }
}

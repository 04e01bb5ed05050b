//! A first step size, found by doubling and halving.

use ebm_ops::Noise;

use super::StepSize;
use super::counted::Counted;
use super::dual_averaging::in_range;
use crate::kernel::Kernel;

/// The most doublings or halvings.
const MAX_TRIALS: usize = 60;

/// The kernel with a step size of the right order (Hoffman & Gelman, JMLR 15, 2014, algorithm 4):
/// from that of `kernel` it is doubled while one transition from `position` would be accepted with
/// a probability of more than 1/2 in the mean of all chains, or halved until it would.
///
/// It differs from the paper in two things: a trial is a whole transition of the kernel, and all
/// chains with a finite energy count. No chain moves. One number is read back from the device at
/// each trial. Where every step is accepted, or none, the search stops after 60 trials. Where no
/// chain has a finite energy there is nothing to find: the step stays.
///
/// # Panics
///
/// If the step size of the kernel is not positive and finite, or the kernel reports no acceptance
/// probability.
pub fn find_reasonable_step_size<K, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    noise: &mut Noise,
) -> K
where
    K: Kernel<E, X> + StepSize,
    K::State: Clone,
{
    let state = kernel.init(energy, position);
    reasonable_from(kernel, energy, &|| state.clone(), noise)
}

/// [`find_reasonable_step_size`] from a state that is made for each trial.
pub(super) fn reasonable_from<K, E, X>(
    kernel: &K,
    energy: &E,
    state: &dyn Fn() -> K::State,
    noise: &mut Noise,
) -> K
where
    K: Kernel<E, X> + StepSize,
{
    let mut step_size = kernel.step_size();
    assert!(
        step_size > 0.0 && step_size.is_finite(),
        "a first step size must be positive and finite, found {step_size}"
    );
    let counted = Counted::of(kernel, &state());
    if counted.is_none() {
        return kernel.with_step_size(step_size);
    }
    let mut is_short = |step_size: f64| {
        let (_, info) = kernel
            .with_step_size(step_size)
            .step(energy, state(), noise);
        counted
            .mean_acceptance(&info)
            .is_some_and(|mean| mean > 0.5)
    };
    let factor = if is_short(step_size) { 2.0 } else { 0.5 };
    for _ in 0..MAX_TRIALS {
        step_size = in_range(step_size * factor);
        if is_short(step_size) != (factor > 1.0) {
            break;
        }
    }
    kernel.with_step_size(step_size)
}

/// Updates of dual averaging from which its average is good enough.
const ENOUGH_UPDATES: usize = 10;
/// Transitions by which the average of fewer updates is judged.
const JUDGED_BY: usize = 4;

/// The kernel that a warm-up of few steps hands over: its step size halved until transitions from
/// where the chains are accept at least half of what was asked for. After no step at all, and after
/// many, the kernel is as it is.
///
/// It draws from a copy of the noise, so that later draws don't depend on it.
pub(super) fn checked<K, E, X>(
    tuned: K,
    energy: &E,
    state: &dyn Fn() -> K::State,
    updates: usize,
    target_acceptance: f64,
    noise: &Noise,
) -> K
where
    K: Kernel<E, X> + StepSize,
{
    if updates == 0 || updates >= ENOUGH_UPDATES {
        return tuned;
    }
    let counted = Counted::of(&tuned, &state());
    let mut noise = noise.clone();
    let mut is_too_long = |kernel: &K| {
        let means = (0..JUDGED_BY).filter_map(|_| {
            let (_, info) = kernel.step(energy, state(), &mut noise);
            counted.mean_acceptance(&info)
        });
        means.sum::<f64>() < 0.5 * target_acceptance * JUDGED_BY as f64
    };
    let mut kernel = tuned;
    for _ in 0..MAX_TRIALS {
        if counted.is_none() || !is_too_long(&kernel) {
            break;
        }
        kernel = kernel.with_step_size(in_range(0.5 * kernel.step_size()));
    }
    kernel
}

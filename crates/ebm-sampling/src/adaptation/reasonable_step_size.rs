//! A first step size, found by doubling and halving.

use ebm_ops::Noise;

use super::dual_averaging::in_range;
use super::{StepSize, mean_acceptance};
use crate::kernel::Kernel;

/// The most doublings or halvings.
const MAX_TRIALS: usize = 60;

/// The kernel with a step size of the right order (Hoffman & Gelman, JMLR 15, 2014, algorithm 4): from that of `kernel`
/// it is doubled while one transition from `position` would be accepted with a probability of more than 1/2 in the mean
/// of all chains, or halved until it would.
///
/// As in the paper but for two things: a trial is a whole transition of the kernel, and all chains are asked. No chain
/// moves. One number is read back from the device at each trial. Where every step is accepted, or none, the search
/// stops after 60 trials.
///
/// # Panics
///
/// If the step size of the kernel is not positive and finite, or the kernel reports no acceptance probability.
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
    reasonable_from(kernel, energy, &state, noise)
}

/// [`find_reasonable_step_size`] from a state.
pub(super) fn reasonable_from<K, E, X>(
    kernel: &K,
    energy: &E,
    state: &K::State,
    noise: &mut Noise,
) -> K
where
    K: Kernel<E, X> + StepSize,
    K::State: Clone,
{
    let mut step_size = kernel.step_size();
    assert!(
        step_size > 0.0 && step_size.is_finite(),
        "a first step size must be positive and finite, found {step_size}"
    );
    let mut is_short = |step_size: f64| {
        let (_, info) = kernel
            .with_step_size(step_size)
            .step(energy, state.clone(), noise);
        mean_acceptance(&info) > 0.5
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

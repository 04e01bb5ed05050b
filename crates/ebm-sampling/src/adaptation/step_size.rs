//! Kernels with a step size, and its adaptation to an acceptance probability.

use ebm_ops::Noise;

use super::DualAveraging;
use super::counted::Lookout;
use super::reasonable_step_size::checked;
use crate::hamiltonian::HamiltonianMonteCarlo;
use crate::kernel::{Kernel, Run, StepInfo};
use crate::metropolis_hastings::{GaussianWalk, LangevinProposal, MetropolisHastings, UniformWalk};

/// What has a step size that can be tuned: kernels, and proposals of [`MetropolisHastings`].
///
/// A state that a kernel made is good for the same kernel with another step size.
pub trait StepSize {
    /// The acceptance probability at which it is usually most efficient.
    const TARGET_ACCEPTANCE: f64;

    /// The step size.
    fn step_size(&self) -> f64;

    /// The same with another step size.
    fn with_step_size(&self, step_size: f64) -> Self;
}

/// The length of a leapfrog step. The target is Stan's 0.8: 0.651 is optimal in many dimensions
/// (Beskos et al. 2013), but a step that is too long costs more than one that is too short.
impl StepSize for HamiltonianMonteCarlo {
    const TARGET_ACCEPTANCE: f64 = 0.8;

    fn step_size(&self) -> f64 {
        self.step_size
    }

    fn with_step_size(&self, step_size: f64) -> Self {
        Self {
            step_size,
            ..self.clone()
        }
    }
}

/// The step size of its proposal.
impl<P: StepSize> StepSize for MetropolisHastings<P> {
    const TARGET_ACCEPTANCE: f64 = P::TARGET_ACCEPTANCE;

    fn step_size(&self) -> f64 {
        self.proposal.step_size()
    }

    fn with_step_size(&self, step_size: f64) -> Self {
        Self {
            proposal: self.proposal.with_step_size(step_size),
            temperature: self.temperature,
            bounds: self.bounds,
        }
    }
}

/// The factor of the gradient, in units of x^2 a nat (Roberts & Rosenthal 1998).
impl StepSize for LangevinProposal {
    const TARGET_ACCEPTANCE: f64 = 0.574;

    fn step_size(&self) -> f64 {
        self.step_size
    }

    fn with_step_size(&self, step_size: f64) -> Self {
        Self { step_size }
    }
}

/// The standard deviation of the walk (Roberts, Gelman & Gilks 1997).
impl StepSize for GaussianWalk {
    const TARGET_ACCEPTANCE: f64 = 0.234;

    fn step_size(&self) -> f64 {
        self.scale
    }

    fn with_step_size(&self, step_size: f64) -> Self {
        Self { scale: step_size }
    }
}

/// Half the width of the box.
impl StepSize for UniformWalk {
    const TARGET_ACCEPTANCE: f64 = 0.234;

    fn step_size(&self) -> f64 {
        self.half_width
    }

    fn with_step_size(&self, step_size: f64) -> Self {
        Self {
            half_width: step_size,
        }
    }
}

/// Moves chains by `steps` transitions while [`DualAveraging`] tunes the step size, from the one of
/// `kernel`, so that the mean acceptance probability of all chains comes to `target_acceptance`
/// (such as [`StepSize::TARGET_ACCEPTANCE`]). The result is the tuned kernel and the run.
///
/// Where acceptance falls suddenly at some step size, as it does for targets with a few very narrow
/// directions, the tried steps vary around that size, and the tuned step, their average, accepts
/// more than the target.
///
/// Chains don't keep their target exactly while the kernel changes: don't use the positions of the
/// run as draws, but as starting points. With many chains few steps are enough; about 100 for most
/// targets. One number is read back from the device at each step, because the next step depends on
/// it.
///
/// Chains that stand where the energy isn't finite are left out ([`Run::left_out`]); if all do the
/// step stays. Without steps the kernel is returned as it is. After fewer than 10 steps the average
/// may be useless: it is halved until at least half of the target is accepted.
/// [`find_reasonable_step_size`](crate::adaptation::find_reasonable_step_size) gives a first step
/// size where none is known.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::adaptation::{StepSize, adapt_step_size};
/// use ebm_sampling::metropolis_hastings::Mala;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// # let start: Tensor<2> = noise.normal([100, 2], &device);
/// let target = Mala::TARGET_ACCEPTANCE;
/// let (kernel, warm) = adapt_step_size(&Mala::new(0.1), &energy, start, 100, target, &mut noise);
/// let chains = run(&kernel, &energy, warm.position, 200, &mut noise);
/// # }
/// ```
///
/// # Panics
///
/// If the step size of the kernel is not positive and finite, the target not between 0 and 1, or
/// the kernel reports no acceptance probability.
pub fn adapt_step_size<K: Kernel<E, X> + StepSize, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    steps: usize,
    target_acceptance: f64,
    noise: &mut Noise,
) -> (K, Run<X>) {
    let first = kernel.step_size();
    let mut averaging = DualAveraging::new(first, target_acceptance);
    let mut state = kernel.init(energy, position);
    let mut totals = StepInfo::default();
    let (mut lookout, mut updates) = (Lookout::default(), 0);
    for _ in 0..steps {
        let info;
        let trial = kernel.with_step_size(averaging.step_size());
        let counted = lookout.look(&trial, &state);
        (state, info) = trial.step(energy, state, noise);
        if let Some(acceptance) = counted.mean_acceptance(&info) {
            averaging.update(acceptance);
            updates += 1;
        }
        totals.add(counted.note(info));
    }
    let tuned = match updates {
        0 => kernel.with_step_size(first),
        _ => kernel.with_step_size(averaging.averaged_step_size()),
    };
    let position = tuned.position(&state);
    let again = || kernel.init(energy, kernel.position(&state));
    let tuned = checked(tuned, energy, &again, updates, target_acceptance, noise);
    let run = Run {
        position,
        steps,
        totals,
    };
    (tuned, run)
}

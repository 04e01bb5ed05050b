//! ChEES-HMC: the length of trajectories, learnt from a batch of chains.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Noise, per_chain, select_chains};

use super::counted::{Counted, Lookout};
use super::reasonable_step_size::checked;
use super::{DualAveraging, scalars};
use crate::hamiltonian::{HamiltonianMonteCarlo, Trajectory};
use crate::kernel::{Kernel, Run, StepInfo};
use crate::metropolis_hastings::GradientState;

/// The most leapfrog steps of a trajectory that [`chees_adaptation`] tries.
pub const MAX_LEAPFROG_STEPS: usize = 1000;

/// The learning rate of Adam, the decay of its second moment, and the largest change of `log T` at
/// once.
const LEARNING_RATE: f64 = 0.025;
const SECOND_MOMENT_DECAY: f64 = 0.95;
const MAX_CHANGE: f64 = 0.35;

/// Moves chains by `steps` transitions while it tunes the step size and the length of the
/// trajectories to the whole batch: ChEES-HMC (Hoffman, Radul & Sountsov, AISTATS 2021). The result
/// is a kernel of random length ([`with_random_length`](HamiltonianMonteCarlo::with_random_length))
/// and the run.
///
/// The length `T` is raised or lowered to maximise the change in the estimator of the expected
/// square (ChEES), which is large where trajectories carry chains far,
///
/// ```text
/// ChEES(T) = 1/4 E[(|x' - E x'|^2 - |x - E x|^2)^2]
/// ```
///
/// over trajectories of length `t = u T`, `u` a quasi-random (Halton) sequence on `(0, 1)`, that
/// lead from `x` to `x'` with final velocity `v'`. Its gradient with respect to `log T` is
/// estimated by the mean over chains, weighted by their acceptance probabilities, of
///
/// ```text
/// t (|x' - E x'|^2 - |x - E x|^2) (x' - E x') . v'
/// ```
///
/// for Adam (learning rate 0.025, `beta_1 = 0`, `beta_2 = 0.95`). [`DualAveraging`] tunes the step
/// size so that the harmonic mean of the acceptance probabilities comes to `target_acceptance`;
/// 0.651 is optimal (Beskos et al. 2013). `T` starts as the longest random trajectory of `kernel`,
/// `(2 leapfrog_steps - 1) step_size`. Start short, at 2 widths of the target or less, because the
/// criterion has lower maxima beyond the best length. Step size and length are kept as weighted
/// averages over the iterations. The kernel returned draws its number of leapfrog steps uniformly
/// from `1..=2 L - 1`, with `L` nearest to the mean number of steps of the warm-up.
///
/// A metric of `kernel` is kept, and distances are measured by it, `|x|^2 = x^T M x`: run
/// [`window_adaptation`](crate::adaptation::window_adaptation) first where widths differ, and go on
/// from 1 or 2 `leapfrog_steps`.
///
/// The length is one number for all chains, which suits a batch. The No-U-Turn sampler finds a
/// length for each trajectory; a batch would wait for the deepest tree, and read back at each
/// doubling, so this crate doesn't have it.
///
/// Start near the target. While chains still arrive from far away, gradients are larger by many
/// powers of ten, and Adam, which divides by the root of their mean square, then hardly changes the
/// length for some hundred steps. So run the chains before, or let
/// [`window_adaptation`](crate::adaptation::window_adaptation) move them.
///
/// Don't use the positions of the run as draws, but as starting points. Two numbers are read back
/// from the device at each step, because the next step depends on them. The more chains the better;
/// 16 or more are sensible.
///
/// Chains that stand where the energy isn't finite are left out ([`Run::left_out`]); if all do the
/// kernel keeps step size and length. After fewer than 10 steps the step size is halved until at
/// least half of the target is accepted.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::{Schedule, sample};
/// use ebm_sampling::adaptation::chees_adaptation;
/// use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// # let start: Tensor<2> = noise.normal([100, 2], &device);
/// let kernel = HamiltonianMonteCarlo::new(0.1, 1);
/// let (kernel, warm) = chees_adaptation(&kernel, &energy, start, 500, 0.651, &mut noise);
/// let (draws, _) = sample(&kernel, &energy, warm.position, Schedule::new(0, 500), &mut noise);
/// # }
/// ```
///
/// # Panics
///
/// If there are fewer than two chains, `kernel` has no leapfrog steps or a step size that is not
/// positive and finite, or the target is not between 0 and 1.
pub fn chees_adaptation<E: Energy<D>, const D: usize>(
    kernel: &HamiltonianMonteCarlo,
    energy: &E,
    position: Tensor<D>,
    steps: usize,
    target_acceptance: f64,
    noise: &mut Noise,
) -> (HamiltonianMonteCarlo, Run<Tensor<D>>) {
    let chains = position.dims()[0];
    assert!(
        chains >= 2,
        "a length is learnt from at least two chains, got {chains}"
    );
    assert!(
        kernel.leapfrog_steps > 0,
        "a trajectory needs at least one leapfrog step, got 0"
    );
    let mut kernel = kernel.clone().with_random_length();
    let first = kernel.step_size;
    let mut averaging = DualAveraging::new(first, target_acceptance);
    let mut length = Length::new(kernel.step_size * (2 * kernel.leapfrog_steps - 1) as f64);
    let mut state = Kernel::<E, Tensor<D>>::init(&kernel, energy, position);
    let mut totals = StepInfo::default();
    let (mut lookout, mut updates) = (Lookout::default(), 0);
    for step in 1..=steps {
        kernel.step_size = averaging.step_size();
        let time = halton(step) * length.log_length.exp();
        let leaps = (time / kernel.step_size).ceil();
        let leaps = (leaps as usize).clamp(1, MAX_LEAPFROG_STEPS);
        let trajectory = kernel.trajectory(energy, &state, leaps, noise);
        let counted = lookout.look::<_, E, Tensor<D>>(&kernel, &state);
        let criterion = Criterion::of(&kernel, &state, &trajectory);
        let info;
        (state, info) = HamiltonianMonteCarlo::settle::<E, D>(state, trajectory, noise);
        if !counted.is_none() {
            let (acceptance, gradient) = criterion.read(&info, &counted);
            averaging.update(acceptance);
            length.climb(time * gradient);
            updates += 1;
        }
        totals.add(counted.note(info));
    }
    if updates == 0 {
        kernel.step_size = first;
    } else {
        kernel.step_size = averaging.averaged_step_size();
        length.fit(&mut kernel);
        let again = || state.clone();
        kernel = checked(kernel, energy, &again, updates, target_acceptance, noise);
        length.fit(&mut kernel);
    }
    let run = Run {
        position: state.position,
        steps,
        totals,
    };
    (kernel, run)
}

/// The longest trajectory, on its way up the criterion, by Adam without momentum.
struct Length {
    log_length: f64,
    log_average: f64,
    second_moment: f64,
    updates: i32,
}

impl Length {
    fn new(length: f64) -> Self {
        Self {
            log_length: length.ln(),
            log_average: length.ln(),
            second_moment: 0.0,
            updates: 0,
        }
    }

    /// Gives a kernel the leapfrog steps of the averaged length: the mean of
    /// `ceil(u T / step_size)` is `(T / step_size + 1) / 2`.
    fn fit(&self, kernel: &mut HamiltonianMonteCarlo) {
        let mean = ((self.log_average.exp() / kernel.step_size + 1.0) / 2.0).round();
        kernel.leapfrog_steps = (mean as usize).clamp(1, MAX_LEAPFROG_STEPS / 2);
    }

    /// One step up a gradient with respect to `log_length`; none where it is not finite.
    fn climb(&mut self, gradient: f64) {
        if !gradient.is_finite() {
            return;
        }
        self.updates += 1;
        self.second_moment = SECOND_MOMENT_DECAY * self.second_moment
            + (1.0 - SECOND_MOMENT_DECAY) * gradient * gradient;
        let unbiased = self.second_moment / (1.0 - SECOND_MOMENT_DECAY.powi(self.updates));
        let change = LEARNING_RATE * gradient / (unbiased.sqrt() + 1e-20);
        self.log_length += change.clamp(-MAX_CHANGE, MAX_CHANGE);
        // Later lengths count more: weight t^-1/2.
        let weight = f64::from(self.updates).powf(-0.5);
        self.log_average = weight * self.log_length + (1.0 - weight) * self.log_average;
    }
}

/// What each chain adds to the gradient of the criterion with respect to the length.
struct Criterion {
    /// `[batch, values]`, off-centre: `x'` where it is finite, else `x`; `x`; both measured by the
    /// metric.
    proposals: Tensor<2>,
    starts: Tensor<2>,
    /// `M^-1/2 p'`, the velocity measured by the metric.
    velocities: Tensor<2>,
}

impl Criterion {
    fn of<const D: usize>(
        kernel: &HamiltonianMonteCarlo,
        start: &GradientState<D>,
        trajectory: &Trajectory<D>,
    ) -> Self {
        let starts = per_chain(start.position.clone());
        let (end, momentum) = (
            per_chain(trajectory.end.position.clone()),
            per_chain(trajectory.momentum.clone()),
        );
        let sums: Tensor<1> = (end.clone() + momentum.clone()).sum_dim(1).squeeze_dim(1);
        let finite = sums.is_finite();
        let proposals = select_chains(&finite, starts.clone(), end);
        let momenta = select_chains(&finite, momentum.zeros_like(), momentum);
        match kernel.inverse_mass_matrix.clone() {
            None => Self {
                proposals,
                starts,
                velocities: momenta,
            },
            Some(diagonal) => {
                let root: Tensor<2> = diagonal.sqrt().unsqueeze();
                Self {
                    proposals: proposals / root.clone(),
                    starts: starts / root.clone(),
                    velocities: momenta * root,
                }
            }
        }
    }

    /// The harmonic mean of the acceptance probabilities, and the gradient with respect to the
    /// length; divergent chains and chains that don't count are left out.
    fn read(mut self, info: &StepInfo, counted: &Counted) -> (f64, f64) {
        let (Some(probability), Some(divergent)) =
            (info.acceptance_probability.clone(), info.divergent.clone())
        else {
            unreachable!("Hamiltonian Monte Carlo reports both")
        };
        let divergent = divergent.greater_scalar(0.5);
        let (skipped, start_centre) = match counted {
            Counted::All => (divergent, self.starts.clone().mean_dim(0)),
            Counted::Some(counts, chains) => {
                let skipped = divergent.bool_or(counts.as_ref().clone().bool_not());
                // What stands where there is no energy need not be a number itself.
                for part in [&mut self.starts, &mut self.proposals, &mut self.velocities] {
                    *part = select_chains(counts, part.zeros_like(), part.clone());
                }
                let sum = self.starts.clone().sum_dim(0);
                (skipped, sum.div_scalar(chains.len() as f64))
            }
        };
        let counted = skipped.clone().bool_not().float();
        let weights = probability.clone().mask_fill(skipped.clone(), 0.0);
        let inverse = probability.recip().mask_fill(skipped, 0.0);
        let share: Tensor<2> = (weights.clone() / weights.sum().add_scalar(1e-20)).unsqueeze_dim(1);
        let centre = (self.proposals.clone() * share.clone()).sum_dim(0);
        let proposals = self.proposals - centre;
        let starts = self.starts - start_centre;
        let change = proposals.clone().square().sum_dim(1) - starts.square().sum_dim(1);
        let outward = (proposals * self.velocities).sum_dim(1);
        let gradient: Tensor<1> = (change * outward * share).sum();
        let read = scalars(Tensor::cat(vec![counted.sum(), inverse.sum(), gradient], 0));
        // No chain without a divergence: nothing was accepted.
        let acceptance = if read[0] > 0.0 {
            read[0] / read[1]
        } else {
            0.0
        };
        (acceptance, read[2])
    }
}

/// The Halton sequence in base 2 (van der Corput's): 1/2, 1/4, 3/4, 1/8, ...
fn halton(index: usize) -> f64 {
    let (mut rest, mut digit, mut value) = (index, 0.5, 0.0);
    while rest > 0 {
        if rest & 1 == 1 {
            value += digit;
        }
        digit *= 0.5;
        rest >>= 1;
    }
    value
}

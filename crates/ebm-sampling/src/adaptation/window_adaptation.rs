//! Stan's warm-up: the step size and the diagonal metric of Hamiltonian Monte Carlo, in windows.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;

use super::DualAveraging;
use super::counted::Lookout;
use super::reasonable_step_size::{checked, reasonable_from};
use super::running_variance::RunningVariance;
use crate::hamiltonian::HamiltonianMonteCarlo;
use crate::kernel::{Kernel, Run, StepInfo};

/// How a warm-up is divided (Stan Reference Manual, "HMC algorithm parameters"): a fast interval
/// for the step size alone, slow windows that double, each ending with a new metric, and a fast
/// interval for the step size under the last metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmupWindows {
    /// Transitions before the first window.
    pub first: usize,
    /// Transitions of each window.
    pub slow: Vec<usize>,
    /// Transitions after the last window.
    pub last: usize,
}

impl WarmupWindows {
    /// Stan's division: 75, then windows of 25, 50, 100, ..., of which the last takes what wouldn't
    /// make another twice as long, then 50. Where there are fewer than 150 steps, 15 %, one window,
    /// and 10 %; fewer than 20 tune the step size alone.
    pub fn of(steps: usize) -> Self {
        if steps < 20 {
            return Self {
                first: steps,
                slow: Vec::new(),
                last: 0,
            };
        }
        let (first, mut window, last) = if steps < 75 + 25 + 50 {
            let (first, last) = (steps * 15 / 100, steps / 10);
            (first, steps - first - last, last)
        } else {
            (75, 25, 50)
        };
        let mut rest = steps - first - last;
        let mut slow = Vec::new();
        while rest > 0 {
            // This window and the next, of twice its size, must both fit.
            if 3 * window > rest {
                window = rest;
            }
            slow.push(window);
            rest -= window;
            window *= 2;
        }
        Self { first, slow, last }
    }
}

/// Moves chains by `steps` transitions while it tunes step size and metric as Stan's warm-up does;
/// BlackJAX's `window_adaptation`. The result is the tuned kernel and the run.
///
/// The steps are divided by [`WarmupWindows::of`]. [`DualAveraging`] tunes the step size all the
/// time, towards `target_acceptance` (Stan's 0.8 is
/// [`StepSize::TARGET_ACCEPTANCE`](crate::adaptation::StepSize::TARGET_ACCEPTANCE)). At the end of
/// each slow window the variances of its draws, pooled over chains and draws, `n` in all, and
/// regularised as Stan does, `n / (n + 5) var + 1e-3 * 5 / (n + 5)`, become the inverse mass
/// matrix, and the step size starts anew from
/// [`find_reasonable_step_size`](crate::adaptation::find_reasonable_step_size). Stan has a metric
/// for each chain; pooling needs fewer steps with many chains, but counts the distance between
/// chains that haven't mixed as variance.
///
/// The number of leapfrog steps stays that of `kernel`. Under the adapted metric all widths are
/// near 1, so `leapfrog_steps` times the step size should be near `pi / 2`; a fixed length near
/// `2 pi` is a resonance ([`with_random_length`](HamiltonianMonteCarlo::with_random_length)).
/// [`chees_adaptation`](crate::adaptation::chees_adaptation) of the result tunes the length, from
/// few `leapfrog_steps`.
///
/// Don't use the positions of the run as draws, but as starting points. One number is read back
/// from the device at each step, because the next step depends on it.
///
/// Chains that stand where the energy isn't finite are left out of step size and metric
/// ([`Run::left_out`]); if all do both stay. Without steps the kernel is returned as it is. Where
/// the last interval has fewer than 10 steps, its average may be useless: the step size is then
/// halved until at least half of the target is accepted.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::{Schedule, sample};
/// use ebm_sampling::adaptation::window_adaptation;
/// use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// # let start: Tensor<2> = noise.normal([100, 2], &device);
/// let kernel = HamiltonianMonteCarlo::new(0.1, 8).with_random_length();
/// let (kernel, warm) = window_adaptation(&kernel, &energy, start, 300, 0.8, &mut noise);
/// let (draws, _) = sample(&kernel, &energy, warm.position, Schedule::new(0, 500), &mut noise);
/// # }
/// ```
///
/// # Panics
///
/// If the step size of the kernel is not positive and finite, or the target not between 0 and 1.
pub fn window_adaptation<E: Energy<D>, const D: usize>(
    kernel: &HamiltonianMonteCarlo,
    energy: &E,
    position: Tensor<D>,
    steps: usize,
    target_acceptance: f64,
    noise: &mut Noise,
) -> (HamiltonianMonteCarlo, Run<Tensor<D>>) {
    let windows = WarmupWindows::of(steps);
    let mut kernel = kernel.clone();
    let mut state = Kernel::<E, Tensor<D>>::init(&kernel, energy, position);
    let mut totals = StepInfo::default();
    // Transitions before a window collects draws: the first interval, in which the step size is
    // tuned, precedes the first window.
    let mut wait = windows.first;
    let mut lookout = Lookout::default();
    let mut counted = lookout.look::<_, E, Tensor<D>>(&kernel, &state);
    let lengths = windows.slow.iter().copied().chain([0]);
    // Without steps there is nothing to learn, and the kernel stays.
    let lengths = lengths.take_while(|_| steps > 0);
    for (index, length) in lengths.enumerate() {
        let is_last = index == windows.slow.len();
        if is_last && !windows.slow.is_empty() {
            wait = windows.last;
        }
        kernel = reasonable_from(&kernel, energy, &|| state.clone(), noise);
        let first = kernel.step_size;
        let mut averaging = DualAveraging::new(first, target_acceptance);
        let mut updates = 0;
        let mut variance = RunningVariance::default();
        for step in 0..wait + length {
            kernel.step_size = averaging.step_size();
            let info;
            (state, info) = kernel.step(energy, state, noise);
            if let Some(acceptance) = counted.mean_acceptance(&info) {
                averaging.update(acceptance);
                updates += 1;
            }
            totals.add(counted.note(info));
            counted = lookout.look::<_, E, Tensor<D>>(&kernel, &state);
            if step >= wait
                && let Some(rows) = counted.rows(state.position.clone())
            {
                variance.add(rows);
            }
        }
        kernel.step_size = match updates {
            0 => first,
            _ => averaging.averaged_step_size(),
        };
        // After any other interval the next one searches a step size again, from where that leaves
        // it.
        if is_last {
            let again = || state.clone();
            kernel = checked(kernel, energy, &again, updates, target_acceptance, noise);
        }
        if let Some(variance) = variance.regularised() {
            kernel.inverse_mass_matrix = Some(variance);
        }
        wait = 0;
    }
    let run = Run {
        position: state.position,
        steps,
        totals,
    };
    (kernel, run)
}

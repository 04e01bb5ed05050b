//! Hamiltonian Monte Carlo: long proposals along trajectories of constant energy.

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::{MetropolisDecision, Noise};

use crate::gradient::energy_and_gradient;
use crate::kernel::{Kernel, StepInfo};
use crate::metropolis_hastings::{GradientState, ProposalState, squared_norm};

/// The error of the energy in nats, `H(end) - H(start)`, above which a trajectory counts as
/// divergent; Stan's value.
pub const DIVERGENCE_THRESHOLD: f64 = 1000.0;

/// Draws a momentum `p ~ N(0, M)`, follows Hamilton's equations of
/// `H(x, p) = E(x) / T + p^T M^-1 p / 2` for `leapfrog_steps` steps of `step_size`, and accepts
/// where it ends with probability `min(1, exp(H(x, p) - H(x', p')))` (Duane et al. 1987; Neal
/// 2011).
///
/// `exp(-E / T)` is stationary exactly: the integrator is reversible and keeps volume, and its
/// error of order `step_size^2` is corrected by rejections. Efficiency is best where about 65 % are
/// accepted (Beskos et al. 2013). `leapfrog_steps` gradients a step.
///
/// # Metric
///
/// The mass matrix `M` is diagonal, 1 for every value unless
/// [`with_inverse_mass_matrix`](Self::with_inverse_mass_matrix) says otherwise. Variances of the
/// target as `M^-1` make all widths alike, so that one step size suits them all;
/// [`window_adaptation`](crate::adaptation::window_adaptation) finds them.
///
/// # Length of the trajectories
///
/// With a fixed number of steps (the default; BlackJAX's `hmc`) a value that oscillates with a
/// period equal to the length of the trajectory comes back to where it was at every transition, and
/// never mixes. With a good metric all values can have the same period.
/// [`with_random_length`](Self::with_random_length) (BlackJAX's `dynamic_hmc`) has no such
/// resonance at the same mean cost, and is what to use where the period isn't known.
/// `leapfrog_steps` times `step_size` near a quarter of the longest period, `pi / 2` widths, is a
/// good length; [`chees_adaptation`](crate::adaptation::chees_adaptation) finds it.
///
/// # Divergences
///
/// A trajectory whose error of the energy exceeds [`DIVERGENCE_THRESHOLD`] or is not finite is
/// divergent: [`StepInfo::divergent`] and [`Run::divergences`](crate::Run::divergences) count it.
/// If chains that have converged diverge, the step is too long for some narrow part of the target,
/// and that part is missing from the draws. A trajectory that ends where energy or gradient are not
/// numbers is rejected.
#[derive(Clone, Debug)]
pub struct HamiltonianMonteCarlo {
    /// Length of a leapfrog step, positive, in units of x (times the square root of a mass).
    pub step_size: f64,
    /// Leapfrog steps of a trajectory, at least 1; their mean where the length is random.
    pub leapfrog_steps: usize,
    /// Whether each transition draws its number of steps, uniform on `1..=2 leapfrog_steps - 1`,
    /// the same for all chains.
    pub random_length: bool,
    /// The diagonal of `M^-1`, positive, one for each value of a configuration (row-major),
    /// `[values]`; `None` is 1.
    pub inverse_mass_matrix: Option<Tensor<1>>,
    /// Temperature in nats, positive.
    pub temperature: f64,
}

/// Where a trajectory ends, and what decides whether chains go there.
pub(crate) struct Trajectory<const D: usize> {
    /// Its end.
    pub(crate) end: GradientState<D>,
    /// The momentum there: `[batch, ..]`.
    pub(crate) momentum: Tensor<D>,
    /// `H(start) - H(end)`: `[batch]`.
    log_ratio: Tensor<1>,
}

impl HamiltonianMonteCarlo {
    /// Trajectories of a fixed length at temperature 1, all masses 1.
    pub fn new(step_size: f64, leapfrog_steps: usize) -> Self {
        Self {
            step_size,
            leapfrog_steps,
            random_length: false,
            inverse_mass_matrix: None,
            temperature: 1.0,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Draws the number of leapfrog steps of each transition uniformly from
    /// `1..=2 leapfrog_steps - 1`, on the host, the same for all chains, whatever their positions.
    pub fn with_random_length(mut self) -> Self {
        self.random_length = true;
        self
    }

    /// Sets the diagonal of `M^-1`, ideally the variances of the target, on the device of the
    /// chains.
    ///
    /// # Shapes
    ///
    /// - `diagonal`: `[values]`, one for each value of a configuration, row-major
    pub fn with_inverse_mass_matrix(mut self, diagonal: Tensor<1>) -> Self {
        self.inverse_mass_matrix = Some(diagonal.inner());
        self
    }

    /// Follows the trajectory from a state with momentum `p`: half a step of the momentum, then
    /// steps of position, `x <- x + step_size M^-1 p`, and momentum in turn, the last of the
    /// momentum a half (the Stoermer-Verlet integrator).
    ///
    /// It takes `leapfrog_steps` steps, also where the length of transitions is random.
    ///
    /// # Shapes
    ///
    /// - `momentum`: `[batch, ..]`, as the position
    ///
    /// # Panics
    ///
    /// If there are no steps, or the masses are not as many as a configuration has values.
    pub fn leapfrog<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        state: GradientState<D>,
        momentum: Tensor<D>,
    ) -> (GradientState<D>, Tensor<D>) {
        self.integrate(energy, state, momentum, self.leapfrog_steps)
    }

    fn integrate<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        state: GradientState<D>,
        momentum: Tensor<D>,
        steps: usize,
    ) -> (GradientState<D>, Tensor<D>) {
        assert!(
            steps > 0,
            "a trajectory needs at least one leapfrog step, got 0"
        );
        let kick = self.step_size / self.temperature;
        let inverse_mass = self.inverse_mass_of(&momentum);
        let mut state = state;
        let mut momentum = momentum - state.gradient.clone().mul_scalar(0.5 * kick);
        for step in 1..=steps {
            let velocity = scaled(momentum.clone(), &inverse_mass);
            let position = state.position + velocity.mul_scalar(self.step_size);
            let (energies, gradient) = energy_and_gradient(energy, position.clone());
            let share = if step == steps { 0.5 } else { 1.0 };
            momentum = momentum - gradient.clone().mul_scalar(share * kick);
            state = GradientState {
                position,
                energy: energies,
                gradient,
            };
        }
        (state, momentum)
    }

    /// Draws momenta and follows them for so many steps.
    pub(crate) fn trajectory<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        start: &GradientState<D>,
        steps: usize,
        noise: &mut Noise,
    ) -> Trajectory<D> {
        let z: Tensor<D> = noise.normal(start.position.shape(), &start.position.device());
        let inverse_mass = self.inverse_mass_of(&z);
        let root_mass = inverse_mass.clone().map(|inverse| inverse.sqrt().recip());
        // p^T M^-1 p of p = M^(1/2) z is |z|^2.
        let before = squared_norm(z.clone());
        let (end, momentum) = self.integrate(energy, start.clone(), scaled(z, &root_mass), steps);
        let root_inverse = inverse_mass.map(Tensor::sqrt);
        let after = squared_norm(scaled(momentum.clone(), &root_inverse));
        let potential = (start.energy.clone() - end.energy.clone()).div_scalar(self.temperature);
        Trajectory {
            log_ratio: potential + (before - after).mul_scalar(0.5),
            end,
            momentum,
        }
    }

    /// Accepts the ends of trajectories, or leaves chains at their start; tells which the chains
    /// accepted.
    pub(crate) fn settle<E: Energy<D>, const D: usize>(
        start: GradientState<D>,
        trajectory: Trajectory<D>,
        noise: &mut Noise,
    ) -> (GradientState<D>, StepInfo) {
        let Trajectory { end, log_ratio, .. } = trajectory;
        let allowed = end.energy.clone().is_finite();
        // A comparison with NaN is false, so what is within the threshold is a number.
        let within = log_ratio
            .clone()
            .greater_equal_scalar(-DIVERGENCE_THRESHOLD)
            .bool_and(log_ratio.clone().is_finite());
        let decision = MetropolisDecision::draw(log_ratio, allowed, noise);
        let info = StepInfo {
            accepted: Some(decision.accepted.clone().float()),
            acceptance_probability: Some(decision.probability),
            divergent: Some(within.bool_not().float()),
            ..StepInfo::default()
        };
        let state =
            <GradientState<D> as ProposalState<E, D>>::select(start, end, &decision.accepted);
        (state, info)
    }

    /// The diagonal of `M^-1` as `[1, ..]`, to multiply with configurations.
    fn inverse_mass_of<const D: usize>(&self, x: &Tensor<D>) -> Option<Tensor<D>> {
        let diagonal = self.inverse_mass_matrix.clone()?;
        let mut shape = x.dims();
        let (masses, values) = (diagonal.dims()[0], shape[1..].iter().product::<usize>());
        assert_eq!(
            masses, values,
            "configurations have {values} values, but the inverse mass matrix is for {masses}"
        );
        shape[0] = 1;
        Some(diagonal.reshape(shape))
    }
}

/// `x` times a factor for each value, if there is one.
fn scaled<const D: usize>(x: Tensor<D>, factor: &Option<Tensor<D>>) -> Tensor<D> {
    match factor {
        Some(factor) => x * factor.clone(),
        None => x,
    }
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for HamiltonianMonteCarlo {
    type State = GradientState<D>;

    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        GradientState::at(energy, position.inner())
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let steps = if self.random_length && self.leapfrog_steps > 0 {
            1 + noise.choose(1, 2 * self.leapfrog_steps - 1)[0]
        } else {
            self.leapfrog_steps
        };
        let trajectory = self.trajectory(energy, &state, steps, noise);
        Self::settle::<E, D>(state, trajectory, noise)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }

    fn is_finite(&self, state: &Self::State) -> Option<Tensor<1, Bool>> {
        Some(ProposalState::<E, D>::is_finite(state))
    }
}

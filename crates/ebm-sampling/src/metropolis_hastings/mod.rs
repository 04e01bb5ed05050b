//! Metropolis-Hastings: any proposal, accepted or rejected for each chain.

mod bit_flips;
mod gibbs_with_gradients;
mod independence;
mod mala;
mod proposal;
mod random_walk;
mod squared_norm;
mod state;

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::{Interval, MetropolisDecision, Noise, per_chain};
use serde::{Deserialize, Serialize};

pub use bit_flips::BitFlips;
pub use gibbs_with_gradients::{GibbsWithGradients, GradientFlip};
pub use independence::Independence;
pub use mala::{LangevinProposal, Mala};
pub use proposal::{Proposal, ProposalState};
pub use random_walk::{GaussianWalk, RandomWalkMetropolis, UniformWalk};
pub(crate) use squared_norm::squared_norm;
pub use state::{EnergyState, GradientState};

use crate::kernel::{Kernel, StepInfo};

/// Proposes `x' ~ q(x' | x)` and moves there with probability
///
/// ```text
/// alpha = min(1, exp(-(E(x') - E(x)) / T) q(x | x') / q(x' | x))
/// ```
///
/// chain by chain, computed as a logarithm (Metropolis et al. 1953; Hastings 1970). `exp(-E / T)`
/// is stationary, in detailed balance, for any [`Proposal`]: [`GaussianWalk`] and [`UniformWalk`]
/// for vectors, [`BitFlips`] for two-valued states, [`LangevinProposal`] and [`GradientFlip`] where
/// there is a gradient, [`Independence`] where there is a density close to the target, or one of
/// your own.
///
/// # What is not finite
///
/// A proposal whose energy is not finite (`-inf`, an infinite density, included) or whose ratio is
/// not a number is rejected. A chain that *starts* where the energy is `+inf` goes to the first
/// proposal with a finite one; where it is `-inf` or not a number the chain stays.
///
/// # Precision
///
/// An acceptance probability is met to within 2^-24 = 6e-8, the resolution of a uniform; proposals
/// of a smaller one are never accepted. Energies are f32: where they are of order `1e5 T`, their
/// own rounding changes the target by a factor of `1 +- 1e-2`.
///
/// # Shapes
///
/// Positions are `[batch, ..]`; what [`StepInfo`] tells of a step is `[batch]`.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::metropolis_hastings::{GaussianWalk, MetropolisHastings};
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// # let start: Tensor<2> = noise.normal([100, 2], &device);
/// let walk = GaussianWalk { scale: 0.3 };
/// let kernel = MetropolisHastings::proposing(walk).with_bounds([-1.0, 1.0]);
/// let chains = run(&kernel, &energy, start, 200, &mut noise);
/// let acceptance = chains.acceptance(); // [100]
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetropolisHastings<P> {
    /// The proposal distribution.
    pub proposal: P,
    /// Temperature in nats, positive.
    pub temperature: f64,
    /// Proposals outside this range are rejected (the target is zero there); `None` allows all.
    pub bounds: Option<Interval>,
}

impl<P> MetropolisHastings<P> {
    /// Samples `exp(-E)` by this proposal, without bounds.
    pub fn proposing(proposal: P) -> Self {
        Self {
            proposal,
            temperature: 1.0,
            bounds: None,
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Restricts the target to `[low, high]` in each component.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold.
    pub fn with_bounds(mut self, range: impl Into<Interval>) -> Self {
        let range = range.into();
        let Interval { low, high } = range;
        assert!(
            low < high,
            "bounds need low < high, found low = {low} and high = {high}"
        );
        self.bounds = Some(range);
        self
    }
}

impl<E, P, const D: usize> Kernel<E, Tensor<D>> for MetropolisHastings<P>
where
    E: Energy<D>,
    P: Proposal<E, D>,
{
    type State = P::State;

    /// # Panics
    ///
    /// If the temperature isn't positive and finite.
    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        assert!(
            self.temperature > 0.0 && self.temperature.is_finite(),
            "a temperature must be above 0, found {}",
            self.temperature
        );
        P::State::at(energy, position.inner())
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let position = self.proposal.propose(&state, self.temperature, noise);
        let proposal = P::State::at(energy, position);
        let fall = state.energy().clone() - proposal.energy().clone();
        let mut log_ratio = fall.div_scalar(self.temperature);
        if let Some(ratio) = self.proposal.log_ratio(&state, &proposal, self.temperature) {
            log_ratio = log_ratio + ratio;
        }
        let decision = MetropolisDecision::draw(log_ratio, self.is_allowed(&proposal), noise);
        let info = StepInfo {
            accepted: Some(decision.accepted.clone().float()),
            acceptance_probability: Some(decision.probability),
            ..StepInfo::default()
        };
        (state.select(proposal, &decision.accepted), info)
    }

    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position().clone()
    }

    fn is_finite(&self, state: &Self::State) -> Option<Tensor<1, Bool>> {
        Some(state.is_finite())
    }
}

impl<P> MetropolisHastings<P> {
    /// Which chains may be where they are: inside the bounds, with a finite energy.
    fn is_allowed<E: Energy<D>, S: ProposalState<E, D>, const D: usize>(
        &self,
        state: &S,
    ) -> Tensor<1, Bool> {
        let finite = state.energy().clone().is_finite();
        let Some(Interval { low, high }) = self.bounds else {
            return finite;
        };
        let position = state.position().clone();
        // With comparisons this way round, NaN is outside.
        let inside = position
            .clone()
            .greater_equal_scalar(low)
            .bool_and(position.lower_equal_scalar(high));
        let outside: Tensor<1> = per_chain(inside.bool_not().float())
            .sum_dim(1)
            .squeeze_dim(1);
        finite.bool_and(outside.equal_scalar(0.0))
    }
}

//! The `Proposal` trait: draws of a proposal distribution, and its log-ratio.

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;

/// A proposal distribution `q(x' | x)` of [`MetropolisHastings`](super::MetropolisHastings).
///
/// A symmetric proposal of your own is one method:
///
/// ```
/// use burn::tensor::Tensor;
/// use ebm_models::Energy;
/// use ebm_ops::Noise;
/// use ebm_sampling::metropolis_hastings::{EnergyState, Proposal};
///
/// /// The mirror image of a configuration.
/// struct Mirror;
///
/// impl<E: Energy<2>> Proposal<E, 2> for Mirror {
///     type State = EnergyState<2>;
///
///     fn propose(&self, from: &EnergyState<2>, _: f64, _: &mut Noise) -> Tensor<2> {
///         from.position.clone().neg()
///     }
/// }
/// ```
pub trait Proposal<E, const D: usize> {
    /// What the proposal needs to know of a position: [`EnergyState`](super::EnergyState), or
    /// [`GradientState`](super::GradientState) where it follows the gradient.
    type State: ProposalState<E, D>;

    /// Draws `x' ~ q(. | x)` for each chain: `[batch, ..]`.
    ///
    /// `temperature` is that of the target `exp(-E / temperature)`, for proposals that depend on
    /// it.
    fn propose(&self, from: &Self::State, temperature: f64, noise: &mut Noise) -> Tensor<D>;

    /// `log q(from | to) - log q(to | from)` of each chain, `[batch]`; `None` for a symmetric
    /// proposal, where it is 0.
    fn log_ratio(
        &self,
        from: &Self::State,
        to: &Self::State,
        temperature: f64,
    ) -> Option<Tensor<1>> {
        let _ = (from, to, temperature);
        None
    }
}

/// Positions of a batch of chains with what is worth keeping of them until the next step.
pub trait ProposalState<E, const D: usize> {
    /// The state of chains at `position`, off the autodiff graph.
    fn at(energy: &E, position: Tensor<D>) -> Self
    where
        E: Energy<D>;

    /// Where the chains are: `[batch, ..]`.
    fn position(&self) -> &Tensor<D>;

    /// Their energies: `[batch]`.
    fn energy(&self) -> &Tensor<1>;

    /// Which chains stand where energy and, if it is kept, gradient are finite, so that proposals
    /// from there can be judged: `[batch]`.
    fn is_finite(&self) -> Tensor<1, Bool> {
        self.energy().clone().is_finite()
    }

    /// `proposal` for chains that accepted it, `[batch]`, elsewhere the current state.
    fn select(self, proposal: Self, accepted: &Tensor<1, Bool>) -> Self;
}

//! The `AnnealingPath` trait: distributions that lead from an easy one to a model.

use burn::tensor::Tensor;
use ebm_ops::Noise;

/// Unnormalised densities `p*_beta`, `0 <= beta <= 1`, from a base distribution `p*_0`, which has a
/// known partition function and is drawn from exactly, to a model `p*_1`.
///
/// The model's own normalisation counts: `log Z` of an estimate is that of `sum_x p*_1(x)`.
pub trait AnnealingPath {
    /// A batch of chains, with whatever the next transition can reuse of the last.
    type State: Clone;

    /// `log Z_0 = log sum_x p*_0(x)`.
    fn base_log_partition(&self) -> f64;

    /// Independent exact draws from `p_0`.
    fn draw_base(&self, chains: usize, noise: &mut Noise) -> Self::State;

    /// `log p*_to(x) - log p*_from(x)` of each chain: `[chains]`.
    fn log_ratio(&self, state: &Self::State, from: f64, to: f64) -> Tensor<1>;

    /// A transition that leaves `p_beta` as it is.
    ///
    /// Estimates in either direction need no more. A transition that is reversible too (detailed
    /// balance) makes the backward chain of reverse annealing the exact reversal of the forward
    /// one.
    fn step(&self, state: Self::State, beta: f64, noise: &mut Noise) -> Self::State;
}

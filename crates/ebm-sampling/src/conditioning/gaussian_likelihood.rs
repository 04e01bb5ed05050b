//! An observation with normal noise, as a term to add to a model's energy.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{lift, per_chain};

/// `E(x) = |x - y|^2 / (2 std^2)`: minus the logarithm of the likelihood of `y = x + std z`,
/// `z ~ N(0, 1)` in each coordinate, up to a constant.
///
/// Added to the energy of a model ([`WeightedSum`](ebm_models::WeightedSum)) it is the energy of
/// the posterior `p(x | y) ∝ p(x) p(y | x)`: its minimum is the most probable configuration given
/// the observation, and chains on it sample the posterior. Each chain has an observation of its
/// own, unlike in [`NormalDensity`](crate::density::NormalDensity).
///
/// # Shapes
///
/// - `y` and configurations: `[batch, ..]`, or a batch of 1 for `y` that all chains share
#[derive(Clone, Debug)]
pub struct GaussianLikelihood<const D: usize> {
    observed: Tensor<D>,
    std: f64,
}

impl<const D: usize> GaussianLikelihood<D> {
    /// The likelihood of `observed` with this standard deviation, in units of x.
    ///
    /// # Panics
    ///
    /// If the standard deviation isn't positive and finite.
    pub fn new(observed: Tensor<D>, std: f64) -> Self {
        assert!(
            std > 0.0 && std.is_finite(),
            "a standard deviation must be above 0, found {std}"
        );
        Self {
            observed: observed.inner(),
            std,
        }
    }
}

impl<const D: usize> Energy<D> for GaussianLikelihood<D> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let observed = lift(self.observed.clone(), &x);
        let squares = per_chain((x - observed).square()).sum_dim(1);
        squares
            .squeeze_dim::<1>(1)
            .div_scalar(2.0 * self.std * self.std)
    }
}

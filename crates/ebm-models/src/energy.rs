//! The `Energy` trait: what every model of the workspace has, and all that samplers and trainers ask of it.

use burn::module::Module;
use burn::tensor::Tensor;

/// A density known up to its normalisation: `p(x) = exp(-E(x)) / Z`, with `f(x) = -E(x)`.
///
/// `D` is the rank of a batch of configurations: 2 for vectors `[batch, features]`, 4 for images
/// `[batch, channels, height, width]`.
pub trait Energy<const D: usize>: Module {
    /// The energy `E(x)` of each configuration of a batch, in nats.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, ..]`
    /// - output: `[batch]`
    ///
    /// # Panics
    ///
    /// If `x` is not of the shape that the model was built for.
    fn energy(&self, x: Tensor<D>) -> Tensor<1>;

    /// The log-ratio of two densities, `log p(x) - log p(x') = f(x) - f(x') = E(x') - E(x)`, pair by pair.
    ///
    /// `Z` cancels, so this comparison is exact although `p` itself can't be computed. Positive: the model
    /// prefers `x` to `other`.
    ///
    /// # Shapes
    ///
    /// - `x`, `other`: `[batch, ..]`
    /// - output: `[batch]`, in nats
    fn log_ratio(&self, x: Tensor<D>, other: Tensor<D>) -> Tensor<1> {
        self.energy(other) - self.energy(x)
    }
}

/// Configurations of any rank as vectors: `[batch, ..]` -> `[batch, values]`.
///
/// # Panics
///
/// If a configuration hasn't `values` values; `model` is who asks.
pub(crate) fn flatten<const D: usize>(x: Tensor<D>, values: usize, model: &str) -> Tensor<2> {
    let shape = x.dims();
    let found: usize = shape[1..].iter().product();
    assert_eq!(
        found, values,
        "this {model} takes {values} values a configuration, but x of shape {shape:?} has {found}"
    );
    x.reshape([shape[0], values])
}

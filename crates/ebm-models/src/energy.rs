//! The `Energy` trait: what every model has, and all that samplers and trainers need of it.

use burn::tensor::Tensor;

use crate::structure::Structure;

/// A density known up to its normalisation: `p(x) = exp(-E(x)) / Z`, with `f(x) = -E(x)`.
///
/// `D` is the rank of a batch of configurations: 2 for vectors `[batch, features]`, 4 for images
/// `[batch, channels, height, width]`.
///
/// A closure is an energy, so that samplers move through whatever can be written down:
///
/// ```
/// # use burn::tensor::Tensor;
/// use ebm_models::Energy;
///
/// // Two valleys, at -1 and 1.
/// let energy = |x: Tensor<2>| {
///     let heights = (x.square() - 1.0).square();
///     heights.sum_dim(1).squeeze_dim::<1>(1)
/// };
/// # fn demo(energy: impl Energy<2>) {}
/// # demo(energy);
/// ```
///
/// An energy with parameters that are trained is a burn `Module` besides; samplers take it frozen,
/// `model.valid()`, so that no gradient of its parameters is computed.
///
/// Threads may share an energy, so it is `Sync`.
pub trait Energy<const D: usize>: Sync {
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

    /// The log-ratio of two densities, `log p(x) - log p(x') = f(x) - f(x') = E(x') - E(x)`, pair
    /// by pair.
    ///
    /// `Z` cancels, so this comparison is exact although `p` itself can't be computed. It is
    /// positive where the model prefers `x` to `other`.
    ///
    /// # Shapes
    ///
    /// - `x`, `other`: `[batch, ..]`
    /// - output: `[batch]`, in nats
    fn log_ratio(&self, x: Tensor<D>, other: Tensor<D>) -> Tensor<1> {
        self.energy(other) - self.energy(x)
    }

    /// What the model is made of, for work that can do more with layers or pairs of units than with
    /// values and gradients: exact steps of chains, partition functions, inference of hidden units.
    ///
    /// An energy that says nothing is [smooth](Structure::Smooth): only its values and gradients
    /// are used. One that says more promises that its [`energy`](Self::energy), of configurations
    /// in rows, is that of the structure up to rounding.
    fn structure(&self) -> Structure {
        Structure::Smooth
    }

    /// Whether the energy of a configuration is the same wherever it stands in a batch, so that
    /// threads may take parts of a batch side by side.
    ///
    /// Not so where each chain has a datum of its own, such as fixed pixels; so `false` unless an
    /// energy says otherwise.
    fn takes_parts(&self) -> bool {
        false
    }
}

impl<F: Fn(Tensor<D>) -> Tensor<1> + Sync, const D: usize> Energy<D> for F {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self(x)
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

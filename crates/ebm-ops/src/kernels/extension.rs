//! The operations that have kernels, as an extension of burn's backends.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
#[cfg(feature = "cube")]
use burn::tensor::Shape;

use crate::description::{Distribution, Elementwise, LangevinStep, Place};

/// Operations on the tensors of burn's dispatch, f32 on the backends listed.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    Cube: cfg(feature = "cube"),
    Fusion: cfg(feature = "cube"),
    Autodiff
)]
pub(crate) trait Kernels: Backend {
    /// A function of each value.
    #[fusion(dtype = x, shape = x)]
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self>;

    /// `sum_j softplus(x_ij)` of each row.
    #[fusion(dtype = x, shape = Shape::new([x[0]]))]
    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `out` with its values replaced by noise; not on a graph.
    #[fusion(dtype = out, shape = out)]
    fn draw(out: FloatTensor<Self>, distribution: Distribution, place: Place) -> FloatTensor<Self>;

    /// 1 with the probability of these log-odds, else 0; not on a graph.
    #[fusion(dtype = logits, shape = logits)]
    fn coins(logits: FloatTensor<Self>, place: Place) -> FloatTensor<Self>;

    /// The next positions of Langevin chains, and 1 for each that made its step, else 0; not on a
    /// graph.
    #[fusion(meta = |x, _gradient, energies, _start, _step| (x.clone(), energies.clone()))]
    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: LangevinStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// 1 for each proposal that is accepted, else 0, and the probability with which each was; not
    /// on a graph.
    #[fusion(meta = |log_ratio, _place| (log_ratio.clone(), log_ratio.clone()))]
    fn metropolis(
        log_ratio: FloatTensor<Self>,
        place: Place,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// What the backward passes of [`Kernels`] need of a backend without a graph.
///
/// The forward pass on a graph keeps a tensor for the backward pass. By default it is the input;
/// Flex keeps the derivatives, since a second exponential would cost it more than the memory.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    Cube: cfg(feature = "cube"),
    Fusion: cfg(feature = "cube")
)]
pub(crate) trait Derivatives: Kernels {
    /// A function of each value, and what is left for [`Derivatives::elementwise_gradient`].
    #[fusion(default)]
    fn elementwise_and_kept(
        x: FloatTensor<Self>,
        function: Elementwise,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        (Self::elementwise(x.clone(), function), x)
    }

    /// The gradient of the input from that of the values.
    #[fusion(dtype = kept, shape = kept)]
    fn elementwise_gradient(
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        function: Elementwise,
    ) -> FloatTensor<Self>;

    /// The sums, and what is left for [`Derivatives::softplus_sum_gradient`].
    #[fusion(default)]
    fn softplus_sum_and_kept(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        (Self::softplus_sum(x.clone()), x)
    }

    /// The gradient of the input, `[rows, columns]`, from that of the sums, `[rows]`.
    #[fusion(dtype = kept, shape = kept)]
    fn softplus_sum_gradient(
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

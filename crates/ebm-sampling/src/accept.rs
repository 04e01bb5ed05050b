//! The acceptance step of Metropolis and Hastings, chain by chain.

use burn::tensor::{Bool, Device, Tensor};
use ebm_ops::Noise;

/// Which proposals are accepted, each with probability `min(1, exp(log_ratio))`: `[batch]`.
///
/// A ratio that is not a number is a rejection.
pub(crate) fn accept(log_ratio: Tensor<1>, noise: &mut Noise) -> Tensor<1, Bool> {
    let device: Device = log_ratio.device();
    // log u <= r; a comparison with NaN is false, hence a rejection. 1 - u lies in (0, 1], where the logarithm is
    // finite.
    let uniform: Tensor<1> = noise.uniform(log_ratio.shape(), &device);
    let log_uniform = uniform.neg().add_scalar(1.0).log();
    log_uniform.lower_equal(log_ratio)
}

/// The proposal where it was accepted, elsewhere the current value: `[batch, ..]`.
pub(crate) fn select<const D: usize>(
    accepted: &Tensor<1, Bool>,
    current: Tensor<D>,
    proposal: Tensor<D>,
) -> Tensor<D> {
    let shape = current.shape();
    let mut mask_shape = [1; D];
    mask_shape[0] = shape[0];
    let mask = accepted.clone().reshape::<D, _>(mask_shape).expand(shape);
    current.mask_where(mask, proposal)
}

/// The sum of squares of each configuration: `[batch, ..]` -> `[batch]`.
pub(crate) fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    per_chain(x.square()).sum_dim(1).squeeze_dim(1)
}

/// `[batch, ..]` as `[batch, values]`.
pub(crate) fn per_chain<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let shape = x.dims();
    x.reshape([shape[0], shape[1..].iter().product()])
}

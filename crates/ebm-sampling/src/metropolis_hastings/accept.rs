//! The acceptance step of Metropolis and Hastings, chain by chain.

use burn::tensor::{Bool, Device, Tensor};
use ebm_ops::{Noise, per_chain};

/// What becomes of the proposals of a batch.
pub(crate) struct Decision {
    /// Which are accepted: `[batch]`.
    pub(crate) accepted: Tensor<1, Bool>,
    /// The probability with which each was: `[batch]`.
    pub(crate) probability: Tensor<1>,
}

/// Accepts each proposal that is `allowed` with probability `min(1, exp(log_ratio))`: all `[batch]`.
///
/// A ratio that is not a number is a rejection. The probability is met to within 2^-24: `u` is one of `2^-24, 2 * 2^-24, .., 1`,
/// so a ratio of 1 or more is always accepted, and one below 2^-24 never.
pub(crate) fn accept(
    log_ratio: Tensor<1>,
    allowed: Tensor<1, Bool>,
    noise: &mut Noise,
) -> Decision {
    let device: Device = log_ratio.device();
    let rejected = log_ratio.clone().is_nan().bool_or(allowed.bool_not());
    let log_probability = log_ratio
        .clamp_max(0.0)
        .mask_fill(rejected.clone(), f64::NEG_INFINITY);
    // log u <= r; 1 - u lies in (0, 1], where the logarithm is finite.
    let uniform: Tensor<1> = noise.uniform(log_probability.shape(), &device);
    let log_uniform = uniform.neg().add_scalar(1.0).log();
    Decision {
        accepted: log_uniform.lower_equal(log_probability.clone()),
        probability: log_probability.exp(),
    }
}

/// The sum of squares of each configuration: `[batch, ..]` -> `[batch]`.
pub(crate) fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    per_chain(x.square()).sum_dim(1).squeeze_dim(1)
}

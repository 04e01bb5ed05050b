//! The sum of squares of a configuration, for densities of proposals and kinetic energies.

use burn::tensor::Tensor;
use ebm_ops::per_chain;

/// The sum of squares of each configuration: `[batch, ..]` -> `[batch]`.
pub(crate) fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    per_chain(x.square()).sum_dim(1).squeeze_dim(1)
}

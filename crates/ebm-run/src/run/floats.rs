//! The values of a tensor on the host.

use burn::tensor::Tensor;

/// The values of a tensor on the host, row-major.
pub(crate) fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().convert::<f32>().iter::<f32>().collect()
}

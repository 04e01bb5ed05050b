//! Values of tensors on the host.

use burn::tensor::Tensor;

/// The values of a tensor, row by row, as f32.
pub fn host_values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().convert::<f32>().iter::<f32>().collect()
}

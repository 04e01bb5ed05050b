//! Two-dimensional convolution: a product of patches for small strided kernels on Flex, burn's own elsewhere.

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;

use crate::description::Stride2d;

/// `y[n, o, i, j] = bias[o] + sum_{c, k, l} weight[o, c, k, l] x[n, c, stride i + k - padding, stride j + l - padding]`, with zeros
/// outside the image.
///
/// On Flex the result lies channels last in memory, and so does what follows from it value by value; the next convolution
/// reads it as it is.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`: `[maps, channels, kernel height, kernel width]`
/// - `bias`: `[maps]`
/// - output: `[batch, maps, (height + 2 padding - kernel) / stride + 1, ..]`
///
/// # Panics
///
/// If shapes don't fit, or a kernel is larger than the padded image.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, steps: Stride2d) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if crate::flex::has_kernels(&x) {
        return crate::flex::conv2d(x, weight, bias, steps);
    }
    let options = ConvOptions::new(steps.stride, steps.padding, [1, 1], 1);
    module::conv2d(x, weight, Some(bias), options)
}

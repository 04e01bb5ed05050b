//! Convolution in two dimensions; on Flex, a matrix product of patches and weights.

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;

use crate::description::Stride2d;

/// The convolution of images, with zeros outside of them:
///
/// ```text
/// y[n, o, i, j] = bias[o] + sum_{c, k, l} weight[o, c, k, l] x[n, c, s i + k - p, s j + l - p]
/// ```
///
/// with the stride `s` and the padding `p` of `steps`.
///
/// On Flex the result is stored with the channels last, which elementwise functions keep and the
/// next convolution reads without a copy.
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

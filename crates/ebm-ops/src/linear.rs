//! The linear map of a layer of units: a matrix product and a bias, in one pass on Flex.

use burn::tensor::Tensor;

/// `y = x W + b`, row by row.
///
/// On Flex the product is added to the bias in one pass, in blocks of output columns that are
/// shared among threads. A transposed weight costs no more than a plain one.
///
/// # Shapes
///
/// - `x`: `[batch, inputs]`
/// - `weight`: `[inputs, outputs]`
/// - `bias`: `[outputs]`
/// - output: `[batch, outputs]`
///
/// # Panics
///
/// If shapes don't fit.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if crate::flex::has_kernels(&x)
        && crate::flex::has_kernels(&weight)
        && crate::flex::has_kernels(&bias)
    {
        return crate::flex::linear(x, weight, bias);
    }
    x.matmul(weight) + bias.unsqueeze()
}

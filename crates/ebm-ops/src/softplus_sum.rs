//! Sums of softplus over rows: what hidden units contribute to a free energy.

use burn::tensor::Tensor;

/// `sum_j log(1 + exp(x_ij))` of each row, `[rows, columns] -> [rows]`; the gradient is
/// `sigmoid(x)`.
///
/// On Flex and on GPUs the values and the gradient take one pass each, with one exponential a
/// value.
pub fn softplus_sum(x: Tensor<2>) -> Tensor<1> {
    #[cfg(any(feature = "cube", feature = "flex"))]
    if crate::kernels::has_kernels(&x) {
        return crate::kernels::softplus_sum(x);
    }
    crate::activation::softplus(x).sum_dim(1).squeeze_dim(1)
}

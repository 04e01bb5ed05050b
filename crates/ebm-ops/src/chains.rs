//! Operations on the chains of a batch: as rows, chosen one by one, and whether they are finite.

use burn::tensor::{Bool, Tensor};

/// Each chain as a row: `[batch, ..]` as `[batch, values]`.
pub fn per_chain<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let shape = x.dims();
    x.reshape([shape[0], shape[1..].iter().product()])
}

/// The chains of `taken` where `mask` is true, elsewhere those of `others`.
///
/// Off the autodiff graph on Flex, only the rows that are not chosen are overwritten, if no other
/// tensor shares their memory.
///
/// # Shapes
///
/// - `mask`: `[batch]`
/// - `others`, `taken` and output: `[batch, ..]`
pub fn select_chains<const D: usize>(
    mask: &Tensor<1, Bool>,
    others: Tensor<D>,
    taken: Tensor<D>,
) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::has_kernels(&others)
        && crate::flex::has_kernels(&taken)
        && !others.is_autodiff()
        && !taken.is_autodiff()
    {
        return crate::flex::select_chains(mask, others, taken);
    }
    let shape = others.shape();
    let mut column = [1; D];
    column[0] = shape[0];
    let mask = mask.clone().reshape::<D, _>(column).expand(shape);
    others.mask_where(mask, taken)
}

/// Which chains have a finite energy, `[batch]`, and nothing but finite values in `x`,
/// `[batch, ..]`: `[batch]`.
///
/// `x` may be a sum of two tensors, to check both at once: where one of them is not finite, the sum
/// isn't either. A sum of finite values must then not overflow.
pub fn finite_chains<const D: usize>(energies: &Tensor<1>, x: Tensor<D>) -> Tensor<1, Bool> {
    // 0 times anything that is not finite is NaN, and so is every sum with it: one pass, no mask
    // over all values.
    let zeros: Tensor<1> = per_chain(x.mul_scalar(0.0)).sum_dim(1).squeeze_dim(1);
    (zeros + energies.clone()).is_finite()
}

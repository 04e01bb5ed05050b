//! Blocks of a batch that threads work on side by side.

use burn::tensor::Tensor;

/// Rows of a block. Fixed, so that results don't depend on the number of threads; as few as that,
/// the layers of a network find what the one before them wrote still in the cache.
#[cfg(feature = "flex")]
const ROWS: usize = 32;

/// Computes a number and a row of each row of a batch, where a row depends on no other: on Flex
/// block by block on several threads, elsewhere all at once.
///
/// A thread that makes all operations on its rows waits for no other between them, as it would if
/// each operation were shared.
///
/// # Shapes
///
/// - `x`: `[batch, ..]`
/// - output of `work`, and of this: `[batch]` and `[batch, ..]`
pub fn in_blocks<const D: usize>(
    x: Tensor<D>,
    work: impl Fn(Tensor<D>) -> (Tensor<1>, Tensor<D>) + Sync,
) -> (Tensor<1>, Tensor<D>) {
    #[cfg(feature = "flex")]
    if x.dims()[0] > ROWS && crate::flex::has_kernels(&x) {
        use rayon::prelude::*;
        let blocks = x.split(ROWS, 0).into_par_iter().with_max_len(1);
        let (numbers, rows): (Vec<Tensor<1>>, Vec<Tensor<D>>) = blocks.map(|x| work(x)).unzip();
        return (Tensor::cat(numbers, 0), Tensor::cat(rows, 0));
    }
    work(x)
}

//! Blocks of a batch that threads work on side by side.

use burn::tensor::Tensor;

/// Rows of a block at least and at most: half of the batch in between. Not by the number of
/// threads, so that results don't depend on it. With fewer rows weights are packed more often, and
/// of more a layer doesn't find in the cache what the one before it wrote.
#[cfg(feature = "flex")]
const ROWS: [usize; 2] = [16, 32];

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
    if x.dims()[0] > ROWS[0] && crate::flex::has_kernels(&x) {
        use rayon::prelude::*;
        let rows = x.dims()[0].div_ceil(2).clamp(ROWS[0], ROWS[1]);
        let blocks = x.split(rows, 0).into_par_iter().with_max_len(1);
        let (numbers, rows): (Vec<Tensor<1>>, Vec<Tensor<D>>) = blocks.map(&work).unzip();
        return (Tensor::cat(numbers, 0), Tensor::cat(rows, 0));
    }
    work(x)
}

//! Matrix products in registers: rows by a matrix that was packed once, and sums of outer products.
//!
//! Both fill a block of 12 rows (6 where there are few registers) and two vectors of columns, which
//! stay in registers for the whole sum. Each value is summed in the order of the inner index,
//! whatever the other rows and columns are: a row's result doesn't depend on its batch.

#![expect(
    clippy::needless_range_loop,
    reason = "arrays stay in registers where all indices are constants"
)]

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};

/// Vectors of columns in a block.
const VECTORS: usize = 2;

/// A matrix `[inner, columns]` whose columns lie in panels, each as wide as a block; the last may
/// be one vector wide.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    values: Vec<f32>,
    inner: usize,
    columns: usize,
}

impl Panels {
    /// Packs a matrix that lies row after row.
    ///
    /// # Panics
    ///
    /// If there aren't `inner` times `columns` values.
    pub(super) fn pack(matrix: &[f32], [inner, columns]: [usize; 2]) -> Self {
        assert_eq!(
            matrix.len(),
            inner * columns,
            "{} values for a matrix of shape {inner} x {columns}",
            matrix.len()
        );
        let lanes = lanes();
        let padded = columns.next_multiple_of(lanes);
        let mut values = vec![0.0; padded * inner];
        let mut first = 0;
        let mut rest = &mut values[..];
        while first < columns {
            let width = (VECTORS * lanes).min(padded - first);
            let count = width.min(columns - first);
            let (panel, after) = rest.split_at_mut(width * inner);
            for (to, from) in panel
                .chunks_exact_mut(width)
                .zip(matrix.chunks_exact(columns))
            {
                to[..count].copy_from_slice(&from[first..first + count]);
            }
            (first, rest) = (first + width, after);
        }
        Self {
            values,
            inner,
            columns,
        }
    }

    /// Rows and columns.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.inner, self.columns]
    }
}

/// Rows of a matrix, wherever they lie: a row is `segments` pieces of equal length, `stride` values
/// apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    /// The first value of each row.
    pub(super) starts: &'a [usize],
    pub(super) segments: usize,
    pub(super) stride: usize,
}

impl<'a> Rows<'a> {
    /// Rows of one piece.
    pub(super) fn whole(values: &'a [f32], starts: &'a [usize]) -> Self {
        Self {
            values,
            starts,
            segments: 1,
            stride: 0,
        }
    }
}

/// Where the rows of a product go.
#[derive(Debug)]
pub(super) struct Out<'a> {
    pub(super) values: &'a mut [f32],
    /// The first value of each row.
    pub(super) starts: &'a [usize],
    /// What is added to each row.
    pub(super) bias: Option<&'a [f32]>,
}

/// `out = rows matrix + bias`.
///
/// # Panics
///
/// If rows lie outside of their values, or there are more of one than of the other.
pub(super) fn multiply(rows: Rows<'_>, matrix: &Panels, out: Out<'_>) {
    assert_eq!(rows.starts.len(), out.starts.len(), "rows in and out");
    Arch::new().dispatch(Product { rows, matrix, out });
}

/// Rows that are all as long and that lie anywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vectors<'a> {
    pub(super) values: &'a [f32],
    /// The first value of each.
    pub(super) starts: &'a [usize],
    pub(super) length: usize,
}

/// `out[i, j] += sum_k a_k[i] b_k[j]`; `out` lies row after row.
///
/// # Panics
///
/// If vectors lie outside of their values, or shapes don't fit.
pub(super) fn add_outer_products(a: Vectors<'_>, b: Vectors<'_>, out: &mut [f32]) {
    assert_eq!(a.starts.len(), b.starts.len(), "vectors of either side");
    assert_eq!(out.len(), a.length * b.length, "values of outer products");
    Arch::new().dispatch(OuterProducts { a, b, out });
}

struct Product<'a> {
    rows: Rows<'a>,
    matrix: &'a Panels,
    out: Out<'a>,
}

/// Calls `$block` with as many rows and vectors, which it takes as constants.
macro_rules! with_sizes {
    ($rows:expr, $vectors:expr, $block:ident) => {
        with_sizes!(@each $rows, $vectors, $block, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@each $rows:expr, $vectors:expr, $block:ident, $($count:literal)*) => {
        match ($rows, $vectors) {
            $(
                ($count, 1) => $block!($count, 1),
                ($count, _) => $block!($count, VECTORS),
            )*
            _ => unreachable!("a block has 1 to 12 rows"),
        }
    };
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, matrix, out } = self;
        let [inner, columns] = matrix.shape();
        let count = rows.starts.len();
        let (panels, _) = S::as_simd_f32s(&matrix.values);
        let vectors = columns.div_ceil(S::F32_LANES);
        for first in (0..vectors).step_by(VECTORS) {
            let width = VECTORS.min(vectors - first);
            let panel = &panels[first * inner..][..width * inner];
            let mut row = 0;
            while row < count {
                let height = height::<S>(count - row);
                macro_rules! block {
                    ($height:literal, $width:expr) => {
                        simd.vectorize(ProductBlock::<S, $height, { $width }> {
                            simd,
                            rows,
                            row,
                            panel,
                            out: &mut *out.values,
                            out_starts: out.starts,
                            bias: out.bias,
                            inner,
                            columns: first * S::F32_LANES..columns,
                        })
                    };
                }
                with_sizes!(height, width, block);
                row += height;
            }
        }
    }
}

struct ProductBlock<'a, S: Simd, const HEIGHT: usize, const WIDTH: usize> {
    simd: S,
    rows: Rows<'a>,
    row: usize,
    panel: &'a [S::f32s],
    out: &'a mut [f32],
    out_starts: &'a [usize],
    bias: Option<&'a [f32]>,
    inner: usize,
    columns: Range<usize>,
}

impl<S: Simd, const HEIGHT: usize, const WIDTH: usize> NullaryFnOnce
    for ProductBlock<'_, S, HEIGHT, WIDTH>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, rows, .. } = self;
        let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
        let length = self.inner / rows.segments;
        let starts = &rows.starts[self.row..][..HEIGHT];
        for (segment, panel) in self.panel.chunks_exact((length * WIDTH).max(1)).enumerate() {
            let away = segment * rows.stride;
            let mut pieces = [&rows.values[..0]; HEIGHT];
            for i in 0..HEIGHT {
                pieces[i] = &rows.values[starts[i] + away..][..length];
            }
            for (k, matrix) in panel.chunks_exact(WIDTH).enumerate() {
                for i in 0..HEIGHT {
                    let value = simd.splat_f32s(pieces[i][k]);
                    for v in 0..WIDTH {
                        sums[i][v] = simd.mul_add_e_f32s(value, matrix[v], sums[i][v]);
                    }
                }
            }
        }
        let first = self.columns.start;
        let count = self.columns.len().min(WIDTH * S::F32_LANES);
        let starts = &self.out_starts[self.row..][..HEIGHT];
        // Indices are constants here as above, or the sums wouldn't stay in registers.
        for i in 0..HEIGHT {
            let out = &mut self.out[starts[i] + first..][..count];
            for v in 0..WIDTH {
                let part = part::<S>(v, count);
                let mut sum = sums[i][v];
                if let Some(bias) = self.bias {
                    sum = simd.add_f32s(sum, load(simd, &bias[first..][part.clone()]));
                }
                store(simd, &mut out[part], sum);
            }
        }
    }
}

struct OuterProducts<'a> {
    a: Vectors<'a>,
    b: Vectors<'a>,
    out: &'a mut [f32],
}

impl WithSimd for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, out } = self;
        let vectors = b.length.div_ceil(S::F32_LANES);
        for first in (0..vectors).step_by(VECTORS) {
            let width = VECTORS.min(vectors - first);
            let mut row = 0;
            while row < a.length {
                let height = height::<S>(a.length - row);
                macro_rules! block {
                    ($height:literal, $width:expr) => {
                        simd.vectorize(OuterBlock::<S, $height, { $width }> {
                            simd,
                            a,
                            b,
                            row,
                            column: first * S::F32_LANES,
                            out: &mut *out,
                        })
                    };
                }
                with_sizes!(height, width, block);
                row += height;
            }
        }
    }
}

struct OuterBlock<'a, S: Simd, const HEIGHT: usize, const WIDTH: usize> {
    simd: S,
    a: Vectors<'a>,
    b: Vectors<'a>,
    row: usize,
    column: usize,
    out: &'a mut [f32],
}

impl<S: Simd, const HEIGHT: usize, const WIDTH: usize> NullaryFnOnce
    for OuterBlock<'_, S, HEIGHT, WIDTH>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, a, b, .. } = self;
        let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
        let count = (b.length - self.column).min(WIDTH * S::F32_LANES);
        for (&a_start, &b_start) in a.starts.iter().zip(b.starts) {
            let left = &a.values[a_start + self.row..][..HEIGHT];
            let right = &b.values[b_start + self.column..][..count];
            let mut vectors = [simd.splat_f32s(0.0); WIDTH];
            match S::as_simd_f32s(right) {
                (whole, []) if whole.len() == WIDTH => vectors.copy_from_slice(whole),
                _ => {
                    for v in 0..WIDTH {
                        vectors[v] = simd.partial_load_f32s(&right[part::<S>(v, count)]);
                    }
                }
            }
            for i in 0..HEIGHT {
                let value = simd.splat_f32s(left[i]);
                for v in 0..WIDTH {
                    sums[i][v] = simd.mul_add_e_f32s(value, vectors[v], sums[i][v]);
                }
            }
        }
        for i in 0..HEIGHT {
            let out = &mut self.out[(self.row + i) * b.length + self.column..][..count];
            for v in 0..WIDTH {
                let out = &mut out[part::<S>(v, count)];
                store(simd, out, simd.add_f32s(load(simd, out), sums[i][v]));
            }
        }
    }
}

/// The values of a vector among `count` values of a row; none where it lies beyond them.
#[inline(always)]
fn part<S: Simd>(vector: usize, count: usize) -> Range<usize> {
    let first = (vector * S::F32_LANES).min(count);
    first..(first + S::F32_LANES).min(count)
}

/// The rows of the next block where so many are left: not a whole block and a thin one after it.
#[inline(always)]
fn height<S: Simd>(left: usize) -> usize {
    let most = if S::REGISTER_COUNT >= 32 { 12 } else { 6 };
    if left > most && left < 2 * most {
        left.div_ceil(2)
    } else {
        left.min(most)
    }
}

/// A vector of these values, of as many as there are.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0 {
        [vector, ..] => *vector,
        [] => simd.partial_load_f32s(values),
    }
}

/// Writes as many of a vector's values as there is room for, at most all.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, to: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(to) {
        ([whole], []) => *whole = vector,
        _ => simd.partial_store_f32s(to, vector),
    }
}

/// Values in a vector.
fn lanes() -> usize {
    struct Lanes;

    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }

    Arch::new().dispatch(Lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, whose products and sums are exact in any order.
    fn values(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| (i * step % 7) as f32 - 3.0).collect()
    }

    /// Sizes around those of blocks; rows are apart, in two pieces where they can be.
    #[test]
    fn products_are_exact() {
        for rows in [0, 1, 5, 6, 7, 11, 12, 13, 23, 24, 25, 40] {
            for [inner, columns] in [
                [1, 1],
                [2, 15],
                [6, 16],
                [10, 17],
                [4, 31],
                [8, 32],
                [3, 33],
                [12, 70],
            ] {
                for segments in [1, 2] {
                    if inner % segments > 0 {
                        continue;
                    }
                    let (length, apart) = (inner / segments, inner / segments + 3);
                    let a = values(rows * (segments * apart + 1), 3);
                    let b = values(inner * columns, 5);
                    let bias = values(columns, 2);
                    let starts: Vec<usize> =
                        (0..rows).map(|i| i * (segments * apart + 1)).collect();
                    // The last row first.
                    let out_starts: Vec<usize> =
                        (0..rows).rev().map(|i| i * (columns + 2)).collect();
                    let mut out = vec![9.0; rows * (columns + 2)];
                    multiply(
                        Rows {
                            values: &a,
                            starts: &starts,
                            segments,
                            stride: apart,
                        },
                        &Panels::pack(&b, [inner, columns]),
                        Out {
                            values: &mut out,
                            starts: &out_starts,
                            bias: Some(&bias),
                        },
                    );
                    for i in 0..rows {
                        for j in 0..columns {
                            let sum: f32 = (0..inner)
                                .map(|k| {
                                    a[starts[i] + k / length * apart + k % length]
                                        * b[k * columns + j]
                                })
                                .sum();
                            assert_eq!(
                                out[out_starts[i] + j],
                                sum + bias[j],
                                "{rows} x {inner} x {columns} at {i}, {j}"
                            );
                        }
                        assert_eq!(
                            out[out_starts[i] + columns..][..2],
                            [9.0; 2],
                            "{rows} x {inner} x {columns}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn outer_products_are_exact_and_added() {
        for count in [0, 1, 9] {
            for [rows, columns] in [
                [1, 1],
                [5, 16],
                [12, 17],
                [13, 32],
                [25, 33],
                [30, 47],
                [3, 64],
            ] {
                let (a, b) = (
                    values(count * rows + 5, 3),
                    values(count * (columns + 1), 5),
                );
                let a_starts: Vec<usize> = (0..count).map(|k| k * rows + 5).collect();
                let b_starts: Vec<usize> = (0..count).map(|k| k * (columns + 1)).collect();
                let mut out = vec![2.0; rows * columns];
                add_outer_products(
                    Vectors {
                        values: &a,
                        starts: &a_starts,
                        length: rows,
                    },
                    Vectors {
                        values: &b,
                        starts: &b_starts,
                        length: columns,
                    },
                    &mut out,
                );
                for i in 0..rows {
                    for j in 0..columns {
                        let sum: f32 = (0..count)
                            .map(|k| a[a_starts[k] + i] * b[b_starts[k] + j])
                            .sum();
                        assert_eq!(
                            out[i * columns + j],
                            sum + 2.0,
                            "{count} of {rows} x {columns} at {i}, {j}"
                        );
                    }
                }
            }
        }
    }
}

//! Matrix products into existing memory, on one thread or on several by blocks of columns.

use std::ops::Range;
use std::ptr;

use rayon::prelude::*;

/// A matrix in borrowed memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row after row.
    pub(super) fn rows(values: &'a [f32], shape: [usize; 2]) -> Self {
        Self {
            values,
            shape,
            strides: [shape[1], 1],
        }
    }

    /// Rows and columns exchanged.
    pub(super) fn transpose(self) -> Self {
        Self {
            values: self.values,
            shape: [self.shape[1], self.shape[0]],
            strides: [self.strides[1], self.strides[0]],
        }
    }

    /// This matrix or its transpose.
    pub(super) fn turned(self, turned: bool) -> Self {
        if turned { self.transpose() } else { self }
    }

    /// Rows and columns.
    pub(super) fn shape(&self) -> [usize; 2] {
        self.shape
    }
}

/// Columns of a product that a thread takes at a time. Their number is fixed, so that a product
/// doesn't depend on the threads.
const COLUMNS: usize = 64;

/// Multiplications from which several threads are faster than one.
const PARALLEL: usize = 1 << 23;

/// `out = a b`, or `out += a b`, on one thread; `out` lies row after row.
///
/// # Panics
///
/// If shapes don't fit each other or their memory.
pub(super) fn product(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], add: bool) {
    check(a, b, out);
    block(
        a,
        b,
        0..b.shape[1],
        out.as_mut_ptr().expose_provenance(),
        add,
    );
}

/// The same on several threads, each of which rearranges the columns of `b` that it takes.
///
/// # Panics
///
/// If shapes don't fit each other or their memory.
pub(super) fn product_by_columns(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], add: bool) {
    check(a, b, out);
    let columns = b.shape[1];
    let address = out.as_mut_ptr().expose_provenance();
    if out.len().saturating_mul(a.shape[1]) < PARALLEL {
        return block(a, b, 0..columns, address, add);
    }
    (0..columns.div_ceil(COLUMNS))
        .into_par_iter()
        .for_each(|i| {
            let first = i * COLUMNS;
            block(a, b, first..columns.min(first + COLUMNS), address, add);
        });
}

fn check(a: Matrix<'_>, b: Matrix<'_>, out: &[f32]) {
    let ([rows, inner], [b_rows, columns]) = (a.shape, b.shape);
    assert!(
        inner == b_rows
            && a.values.len() == rows * inner
            && b.values.len() == b_rows * columns
            && out.len() == rows * columns,
        "matrices of shape {:?} and {:?} don't make one of {} values",
        a.shape,
        b.shape,
        out.len()
    );
}

/// Some columns of the product; `out` is the address of the first value of all of it.
fn block(a: Matrix<'_>, b: Matrix<'_>, range: Range<usize>, out: usize, add: bool) {
    let ([rows, inner], columns) = (a.shape, b.shape[1]);
    if rows == 0 || range.is_empty() {
        return;
    }
    let [a_rows, a_columns] = a.strides.map(|stride| stride as isize);
    let [b_rows, b_columns] = b.strides.map(|stride| stride as isize);
    let b_values = b.values[range.start * b.strides[1]..].as_ptr();
    let out = ptr::with_exposed_provenance_mut::<f32>(out).wrapping_add(range.start);
    // SAFETY: the kernel reads `a` and `b` at (row * row stride + column * column stride) for rows
    // and columns within their shapes, from the first column of the range on in `b`, and reads and
    // writes `out` likewise. Strides are those of matrices that lie row after row, or of their
    // transposes, and `check` makes the memory exactly as long as such matrices are. Both callers
    // borrow `out` mutably while this runs, hence it is apart from `a` and `b`, and no two of their
    // ranges share a column.
    #[expect(
        unsafe_code,
        reason = "the product's interface is pointers and strides"
    )]
    unsafe {
        gemm::gemm(
            rows,
            range.len(),
            inner,
            out,
            1,
            columns as isize,
            add,
            a.values.as_ptr(),
            a_columns,
            a_rows,
            b_values,
            b_columns,
            b_rows,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, whose products and sums are exact in any order. Sizes are around a block of
    /// columns and around the step to several threads; either matrix is transposed or not, the
    /// product added or not.
    #[test]
    fn products_are_exact() {
        let values = |count: usize, step: usize| -> Vec<f32> {
            (0..count).map(|i| (i * step % 7) as f32 - 3.0).collect()
        };
        for [rows, inner, columns] in [
            [1, 1, 1],
            [3, 5, 2],
            [7, 3, 129],
            [5, 1, 300],
            [130, 300, 127],
            [120, 290, 128],
            [120, 290, 385],
            [64, 400, 1],
        ] {
            let (a, b) = (values(rows * inner, 3), values(inner * columns, 5));
            for turned in [false, true] {
                let matrix = |values, shape: [usize; 2]| {
                    if turned {
                        Matrix::rows(values, [shape[1], shape[0]]).transpose()
                    } else {
                        Matrix::rows(values, shape)
                    }
                };
                let at = |values: &[f32], [height, width]: [usize; 2], i: usize, j: usize| {
                    values[if turned {
                        j * height + i
                    } else {
                        i * width + j
                    }]
                };
                for add in [false, true] {
                    let mut out = vec![2.0; rows * columns];
                    let (a_matrix, b_matrix) =
                        (matrix(&a, [rows, inner]), matrix(&b, [inner, columns]));
                    product_by_columns(a_matrix, b_matrix, &mut out, add);
                    for i in 0..rows {
                        for j in 0..columns {
                            let sum: f32 = (0..inner)
                                .map(|k| {
                                    at(&a, [rows, inner], i, k) * at(&b, [inner, columns], k, j)
                                })
                                .sum();
                            let expected = if add { sum + 2.0 } else { sum };
                            assert_eq!(
                                out[i * columns + j],
                                expected,
                                "{rows} x {inner} x {columns} at {i}, {j}, transposed {turned}, added {add}"
                            );
                        }
                    }
                }
            }
        }
    }
}

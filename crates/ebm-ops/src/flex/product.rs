//! Matrix products on one thread, into memory that is there already.

/// A matrix in memory that belongs to somebody else.
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
}

/// `out = a b`, or `out += a b`; `out` lies row after row.
///
/// # Panics
///
/// If shapes don't fit each other or their memory.
pub(super) fn product(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], add: bool) {
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
    if out.is_empty() {
        return;
    }
    let [a_rows, a_columns] = a.strides.map(|stride| stride as isize);
    let [b_rows, b_columns] = b.strides.map(|stride| stride as isize);
    // SAFETY: the kernel reads `a` and `b` at (row * row stride + column * column stride) for rows and columns within their
    // shapes, and reads and writes `out` likewise. Strides are those of matrices that lie row after row, or of their transposes, and
    // the assertion above makes the memory exactly as long as such matrices are; `out` is borrowed mutably, hence apart.
    #[expect(
        unsafe_code,
        reason = "the product's interface is pointers and strides"
    )]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            add,
            a.values.as_ptr(),
            a_columns,
            a_rows,
            b.values.as_ptr(),
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

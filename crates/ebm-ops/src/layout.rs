//! Layouts of tensors in memory.

/// The number of values of a layout that fills its memory without a gap, each value once, in any
/// order of dimensions; `None` for any other. Dimensions are given by stride and size.
pub(crate) fn dense_values(dimensions: impl Iterator<Item = (isize, usize)>) -> Option<usize> {
    let mut dimensions: Vec<_> = dimensions.filter(|&(_, size)| size != 1).collect();
    dimensions.sort_unstable();
    let mut expected = 1;
    for (stride, size) in dimensions {
        if stride != expected as isize {
            return None;
        }
        expected *= size;
    }
    Some(expected)
}

//! Layouts of tensors in memory.

/// How many values lie in memory without a gap, each once, in whatever order of dimensions; `None` if they don't. Dimensions are
/// given by stride and size.
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

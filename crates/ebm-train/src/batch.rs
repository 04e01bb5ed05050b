//! The examples of one update.

use burn::tensor::{Int, Tensor};

/// Examples of one update, with their labels where the data have them.
///
/// # Shapes
///
/// - `x`: `[batch, ..]`
/// - `labels`: `[batch]`, the class of each example, from 0
#[derive(Clone, Debug)]
pub struct Batch<const D: usize> {
    /// The examples.
    pub x: Tensor<D>,
    /// The class of each; `None` where the data have no labels.
    pub labels: Option<Tensor<1, Int>>,
}

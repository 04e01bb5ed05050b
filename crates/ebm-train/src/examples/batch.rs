//! A batch of examples: what they are, and which class each belongs to where that is known.

use burn::tensor::{Int, Tensor};

/// Some examples, one a row, on the device.
#[derive(Clone, Debug)]
pub struct Batch<const D: usize> {
    /// The examples: `[batch, ..]`, for instance `[batch, features]` or
    /// `[batch, channels, height, width]`.
    pub x: Tensor<D>,
    /// The class of each example: `[batch]`, whole numbers from 0 to below
    /// [`Examples::classes`](crate::Examples::classes); `None` where the data have no labels.
    pub labels: Option<Tensor<1, Int>>,
}

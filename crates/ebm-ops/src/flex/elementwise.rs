//! Elementwise functions on Flex's tensors, in place where nobody else holds them.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType};

use super::functions;
use super::threads::{each, each_pair, each_with};
use crate::description::Elementwise;
use crate::layout::dense_values;

/// A function of each value.
pub(super) fn values(x: FlexTensor, function: Elementwise) -> FlexTensor {
    let mut x = dense(x);
    each(x.storage_mut(), |chunk| functions::values(function, chunk));
    x
}

/// A function of each value, and its derivatives, in the same layout.
pub(super) fn values_and_slopes(x: FlexTensor, function: Elementwise) -> (FlexTensor, FlexTensor) {
    let mut x = dense(x);
    let mut slopes = vec![0.0_f32; x.layout().num_elements()];
    each_pair(x.storage_mut(), &mut slopes, |chunk, slopes| {
        functions::values_and_slopes(function, chunk, slopes);
    });
    let slopes = new(slopes, x.layout().clone());
    (x, slopes)
}

/// The product of each value with its partner.
pub(super) fn product(x: FlexTensor, y: FlexTensor) -> FlexTensor {
    let (mut x, mut y) = (dense(x), dense(y));
    if x.layout().strides() != y.layout().strides() {
        (x, y) = (contiguous(x), contiguous(y));
    }
    let multiply = |x: &mut [f32], y: &[f32]| {
        for (x, y) in x.iter_mut().zip(y) {
            *x *= *y;
        }
    };
    if y.try_storage_mut::<f32>().is_some() {
        std::mem::swap(&mut x, &mut y);
    }
    each_with(x.storage_mut(), y.storage(), multiply);
    x
}

/// A tensor of these values.
pub(super) fn new(values: Vec<f32>, layout: Layout) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// The same tensor, with every value of its storage used exactly once, in any order: a permuted
/// layout is left as it is.
pub(super) fn dense(x: FlexTensor) -> FlexTensor {
    if is_dense(x.layout(), x.storage::<f32>().len()) {
        return x;
    }
    contiguous(x)
}

/// The same tensor, row after row, in a storage of its own size.
pub(super) fn contiguous(x: FlexTensor) -> FlexTensor {
    match x.as_slice::<f32>() {
        Some(values) if values.len() == x.storage::<f32>().len() => x,
        // A part of a larger storage.
        Some(part) => new(
            part.to_vec(),
            Layout::contiguous(x.layout().shape().clone()),
        ),
        None => x.to_contiguous(),
    }
}

/// The values of a tensor that lies row after row.
pub(super) fn slice(x: &FlexTensor) -> &[f32] {
    x.as_slice()
        .expect("it was made contiguous, and its type is checked where Flex's kernels are chosen")
}

/// Whether a layout visits each of so many values exactly once.
fn is_dense(layout: &Layout, values: usize) -> bool {
    let strides = layout.strides().iter().copied();
    let dimensions = strides.zip(layout.shape().iter().copied());
    layout.start_offset() == 0 && dense_values(dimensions) == Some(values)
}

//! Linear maps on Flex: products that add themselves to the bias, and their gradients.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;

use super::elementwise::{contiguous, new, slice};
use super::product::{Matrix, product_by_columns};

/// `x W + b`.
pub(super) fn forward(x: &FlexTensor, weight: &FlexTensor, bias: FlexTensor) -> FlexTensor {
    let (x, weight, bias) = (Rows::of(x), Rows::of(weight), contiguous(bias));
    let (x, weight, bias) = (x.matrix(), weight.matrix(), slice(&bias));
    let shape = [x.shape()[0], weight.shape()[1]];
    assert!(
        x.shape()[1] == weight.shape()[0] && bias.len() == shape[1],
        "rows of shape {:?} and a bias of {} values don't fit a weight of shape {:?}",
        x.shape(),
        bias.len(),
        weight.shape()
    );
    let mut y = Vec::with_capacity(shape[0] * shape[1]);
    for _ in 0..shape[0] {
        y.extend_from_slice(bias);
    }
    product_by_columns(x, weight, &mut y, true);
    new(y, Layout::contiguous(Shape::new(shape)))
}

/// `a b`, either of them transposed: `g W^T` is the gradient of the input, `x^T g` that of the
/// weight.
pub(super) fn product(
    a: &FlexTensor,
    a_turned: bool,
    b: &FlexTensor,
    b_turned: bool,
) -> FlexTensor {
    let (a, b) = (Rows::of(a), Rows::of(b));
    let (a, b) = (a.matrix().turned(a_turned), b.matrix().turned(b_turned));
    let shape = [a.shape()[0], b.shape()[1]];
    let mut y = vec![0.0; shape[0] * shape[1]];
    product_by_columns(a, b, &mut y, false);
    new(y, Layout::contiguous(Shape::new(shape)))
}

/// The sum of all rows, which is the gradient of the bias.
pub(super) fn column_sums(gradient: &FlexTensor) -> FlexTensor {
    let gradient = gradient.to_contiguous();
    let columns = gradient.layout().shape()[1];
    let mut sums = vec![0.0; columns];
    if columns > 0 {
        for row in slice(&gradient).chunks(columns) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += *value;
            }
        }
    }
    new(sums, Layout::contiguous(Shape::new([columns])))
}

/// A matrix that lies row after row, or whose transpose does.
struct Rows {
    tensor: FlexTensor,
    turned: bool,
}

impl Rows {
    fn of(x: &FlexTensor) -> Self {
        let turned = x.layout().permute(&[1, 0]);
        if !x.is_contiguous() && turned.is_contiguous() {
            let tensor = contiguous(x.clone().with_layout(turned));
            return Self {
                tensor,
                turned: true,
            };
        }
        Self {
            tensor: contiguous(x.clone()),
            turned: false,
        }
    }

    fn matrix(&self) -> Matrix<'_> {
        let shape = self.tensor.layout().shape();
        let matrix = Matrix::rows(slice(&self.tensor), [shape[0], shape[1]]);
        matrix.turned(self.turned)
    }
}

//! Linear maps on Flex and their gradients: products with weights that were packed once.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;
use rayon::prelude::*;

use super::elementwise::{contiguous, new, slice};
use super::kept::{self, Purpose};
use super::panels::{Out, Panels, Rows, Vectors, add_outer_products, multiply};

/// Multiplications from which several threads are faster than one.
const PARALLEL: usize = 1 << 23;

/// Rows of a task are a multiple of this, which is what registers take at a time.
const ROWS: usize = 12;

/// `x W + b`.
pub(super) fn forward(x: &FlexTensor, weight: &FlexTensor, bias: FlexTensor) -> FlexTensor {
    let bias = contiguous(bias);
    let (rows, columns) = (x.layout().shape(), weight.layout().shape());
    assert!(
        rows[1] == columns[0] && slice(&bias).len() == columns[1],
        "rows of shape {rows:?} and a bias of {} values don't fit a weight of shape {columns:?}",
        slice(&bias).len()
    );
    multiply_rows(x, weight, false, Some(slice(&bias)))
}

/// The gradient with respect to the input: `gradient W^T`.
pub(super) fn input_gradient(gradient: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
    multiply_rows(gradient, weight, true, None)
}

/// `x W + b` or `x W^T + b`, on several threads if it is much. What a row comes to doesn't depend
/// on the others, nor on the threads.
fn multiply_rows(
    x: &FlexTensor,
    weight: &FlexTensor,
    turned: bool,
    bias: Option<&[f32]>,
) -> FlexTensor {
    let panels = kept::of(weight, Purpose::Product { turned }, || {
        let matrix = if turned {
            weight.transpose(0, 1)
        } else {
            weight.clone()
        };
        let shape = matrix.layout().shape();
        let shape = [shape[0], shape[1]];
        Panels::pack(slice(&contiguous(matrix)), shape)
    });
    let x = contiguous(x.clone());
    let (rows, [inner, columns]) = (x.layout().shape()[0], panels.shape());
    let x = slice(&x);
    let mut y = vec![0.0; rows * columns];
    let work = |x: &[f32], y: &mut [f32]| {
        let rows = y.len() / columns;
        let starts = |apart: usize| -> Vec<usize> { (0..rows).map(|row| row * apart).collect() };
        let (from, to) = (starts(inner), starts(columns));
        let rows = Rows::whole(x, &from);
        let out = Out {
            values: y,
            starts: &to,
            bias,
        };
        multiply(rows, &panels, out);
    };
    let at_a_time = match y.len().saturating_mul(inner) >= PARALLEL {
        true => rows.div_ceil(rayon::current_num_threads()),
        false => rows,
    };
    let at_a_time = at_a_time.next_multiple_of(ROWS);
    if rows <= at_a_time || inner == 0 || columns == 0 {
        if columns > 0 {
            work(x, &mut y);
        }
    } else {
        y.par_chunks_mut(at_a_time * columns)
            .zip(x.par_chunks(at_a_time * inner))
            .for_each(|(y, x)| work(x, y));
    }
    new(y, Layout::contiguous(Shape::new([rows, columns])))
}

/// The gradient with respect to the weight, `x^T gradient`.
pub(super) fn weight_gradient(x: &FlexTensor, gradient: &FlexTensor) -> FlexTensor {
    let (x, gradient) = (contiguous(x.clone()), contiguous(gradient.clone()));
    let (batch, rows, columns) = (
        x.layout().shape()[0],
        x.layout().shape()[1],
        gradient.layout().shape()[1],
    );
    let (x, gradient) = (slice(&x), slice(&gradient));
    let mut sums = vec![0.0; rows * columns];
    let starts: Vec<usize> = (0..batch).map(|row| row * columns).collect();
    let work = |first: usize, sums: &mut [f32]| {
        let from: Vec<usize> = (0..batch).map(|row| row * rows + first).collect();
        let left = Vectors {
            values: x,
            starts: &from,
            length: sums.len() / columns,
        };
        let right = Vectors {
            values: gradient,
            starts: &starts,
            length: columns,
        };
        add_outer_products(left, right, sums);
    };
    let at_a_time = match sums.len().saturating_mul(batch) >= PARALLEL {
        true => rows.div_ceil(rayon::current_num_threads()),
        false => rows,
    };
    let at_a_time = at_a_time.next_multiple_of(ROWS);
    if columns > 0 && rows > 0 {
        sums.par_chunks_mut(at_a_time * columns)
            .enumerate()
            .for_each(|(task, sums)| work(task * at_a_time, sums));
    }
    new(sums, Layout::contiguous(Shape::new([rows, columns])))
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

//! Noise on Flex, and units of Boltzmann machines: drawn, or summed out of a free energy.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;
use rayon::prelude::*;

use super::elementwise::{contiguous, new, slice};
use super::functions;
use crate::description::{Distribution, Place};
use crate::fill;

/// Values a thread takes at a time.
const TASK_VALUES: usize = 8192;

/// `out` with its values replaced by noise.
pub(super) fn draw(out: FlexTensor, distribution: Distribution, place: Place) -> FlexTensor {
    let mut out = contiguous(out);
    fill::draw(distribution, place, out.storage_mut());
    out
}

/// 1 where standard logistic noise lies below the log-odds, else 0.
pub(super) fn coins(logits: FlexTensor, place: Place) -> FlexTensor {
    let mut units = contiguous(logits);
    fill::bernoulli_logits(place.key, place.first, units.storage_mut());
    units
}

/// `sum_j softplus(x_ij)` of each row.
pub(super) fn softplus_sum(x: &FlexTensor) -> FlexTensor {
    let x = x.to_contiguous();
    let (rows, columns) = (x.layout().shape()[0], x.layout().shape()[1].max(1));
    let share = (TASK_VALUES / columns).max(1);
    let mut sums = vec![0.0; rows];
    sums.par_chunks_mut(share)
        .zip(slice(&x).par_chunks(share * columns))
        .for_each(|(sums, x)| {
            for (sum, x) in sums.iter_mut().zip(x.chunks(columns)) {
                *sum = functions::softplus_sum(x);
            }
        });
    new(sums, Layout::contiguous(Shape::new([rows])))
}

/// `sum_j softplus(x_ij)` of each row, and `sigmoid(x)`.
pub(super) fn softplus_sum_and_means(x: FlexTensor) -> (FlexTensor, FlexTensor) {
    let mut x = contiguous(x);
    let (rows, columns) = (x.layout().shape()[0], x.layout().shape()[1].max(1));
    let share = (TASK_VALUES / columns).max(1);
    let mut sums = vec![0.0; rows];
    sums.par_chunks_mut(share)
        .zip(x.storage_mut::<f32>().par_chunks_mut(share * columns))
        .for_each(|(sums, x)| {
            for (sum, x) in sums.iter_mut().zip(x.chunks_mut(columns)) {
                *sum = functions::softplus_sum_and_means(x);
            }
        });
    (new(sums, Layout::contiguous(Shape::new([rows]))), x)
}

/// Each row of `x` times its factor.
pub(super) fn scale_rows(x: FlexTensor, factors: &FlexTensor) -> FlexTensor {
    let mut x = contiguous(x);
    let factors = factors.to_contiguous();
    let columns = x.layout().shape()[1].max(1);
    let share = (TASK_VALUES / columns).max(1);
    x.storage_mut::<f32>()
        .par_chunks_mut(share * columns)
        .zip(slice(&factors).par_chunks(share))
        .for_each(|(x, factors)| {
            for (x, &factor) in x.chunks_mut(columns).zip(factors) {
                for x in x {
                    *x *= factor;
                }
            }
        });
    x
}

//! Parameters on Flex: one pass over a weight, its gradient and what is remembered of it.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;
use multiversion::multiversion;
use rayon::prelude::*;

use super::elementwise::{contiguous, new, slice};
use super::threads::each_with;
use crate::description::Descent;

/// Values of a partial sum. It is fixed, so that a sum doesn't depend on the threads.
const SHARE: usize = 1 << 14;

/// Sums are taken in so many lanes, so that they vectorise.
const LANES: usize = 16;

/// The weight after a step, written over the gradient: the weight's own memory is shared with the
/// model.
pub(super) fn descend(step: Descent, weight: FlexTensor, gradient: FlexTensor) -> FlexTensor {
    let (weight, mut gradient) = pair(weight, gradient);
    each_with(gradient.storage_mut(), slice(&weight), |g, w| {
        descend_values(step, g, w);
    });
    gradient
}

/// The weight after a step, in the memory of the gradient, and its velocity.
pub(super) fn descend_with_velocity(
    step: Descent,
    weight: FlexTensor,
    gradient: FlexTensor,
    velocity: FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (gradient, mut velocity) = pair(gradient, velocity);
    // v' first, then w' of it: the second pass finds both in the cache.
    let (weight, mut gradient) = pair(weight, gradient);
    let share = SHARE;
    gradient
        .storage_mut::<f32>()
        .par_chunks_mut(share)
        .zip(velocity.storage_mut::<f32>().par_chunks_mut(share))
        .zip(slice(&weight).par_chunks(share))
        .for_each(|((g, v), w)| descend_values_with_velocity(step, g, v, w));
    (gradient, velocity)
}

/// `decay[0] average + decay[1] value`.
pub(super) fn moving_average(
    average: FlexTensor,
    value: FlexTensor,
    [decay, rest]: [f32; 2],
) -> FlexTensor {
    let (value, mut average) = pair(value, average);
    each_with(average.storage_mut(), slice(&value), |average, value| {
        blend(average, value, decay, rest);
    });
    average
}

/// The sum of the squares of all values: `[1]`.
pub(super) fn square_sum(x: FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    let sums: Vec<f64> = slice(&x).par_chunks(SHARE).map(squares).collect();
    let total = sums.iter().sum::<f64>() as f32;
    new(vec![total], Layout::contiguous(Shape::new([1])))
}

/// Two tensors of one shape, both row after row.
fn pair(a: FlexTensor, b: FlexTensor) -> (FlexTensor, FlexTensor) {
    assert_eq!(
        a.layout().shape(),
        b.layout().shape(),
        "a parameter and what belongs to it differ in shape"
    );
    (contiguous(a), contiguous(b))
}

/// Replaces gradients by the weights after the step.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn descend_values(step: Descent, gradient: &mut [f32], weight: &[f32]) {
    if step.weight_decay == 0.0 {
        for (g, &w) in gradient.iter_mut().zip(weight) {
            *g = w - *g * step.learning_rate;
        }
    } else {
        for (g, &w) in gradient.iter_mut().zip(weight) {
            *g = w - (w * step.weight_decay + *g) * step.learning_rate;
        }
    }
}

/// Replaces gradients by the weights after the step, and velocities by the next.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn descend_values_with_velocity(
    step: Descent,
    gradient: &mut [f32],
    velocity: &mut [f32],
    weight: &[f32],
) {
    let values = gradient.iter_mut().zip(velocity).zip(weight);
    if step.weight_decay == 0.0 {
        for ((g, v), &w) in values {
            *v = *g + *v * step.momentum;
            *g = w - *v * step.learning_rate;
        }
    } else {
        for ((g, v), &w) in values {
            *v = (w * step.weight_decay + *g) + *v * step.momentum;
            *g = w - *v * step.learning_rate;
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn blend(average: &mut [f32], value: &[f32], decay: f32, rest: f32) {
    for (average, &value) in average.iter_mut().zip(value) {
        *average = *average * decay + value * rest;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn squares(x: &[f32]) -> f64 {
    let (whole, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

//! The elementwise functions and their derivatives over slices, vectorised.

use multiversion::multiversion;

use crate::description::Elementwise;
use crate::elementary::{exp, ln_1p};

/// `sigmoid(x)` and `sigmoid(-x)`, without overflow, both with their relative precision.
#[inline(always)]
fn sigmoids(x: f32) -> (f32, f32) {
    // The exponential of what is not positive; the other half by symmetry.
    let e = exp(-x.abs());
    let larger = 1.0 / (1.0 + e);
    let smaller = e / (1.0 + e);
    if x >= 0.0 {
        (larger, smaller)
    } else {
        (smaller, larger)
    }
}

/// The first of [`sigmoids`], bit for bit, with one division.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// `softplus(x)` and its derivative, `sigmoid(x)`, from one exponential.
#[inline(always)]
fn softplus_and_sigmoid(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let positive = if x > 0.0 { x } else { 0.0 };
    let numerator = if x >= 0.0 { 1.0 } else { e };
    (positive + ln_1p(e), numerator / (1.0 + e))
}

/// Replaces values by those of the function.
pub(crate) fn values(function: Elementwise, x: &mut [f32]) {
    match function {
        Elementwise::Swish => swish_values(x),
        Elementwise::Sigmoid => sigmoid_values(x),
        Elementwise::Softplus => softplus_values(x),
        Elementwise::LeakyRelu(slope) => leaky_relu_values(slope, x),
    }
}

/// Replaces values by those of the function, and writes its derivatives to `slope`.
pub(crate) fn values_and_slopes(function: Elementwise, x: &mut [f32], slopes: &mut [f32]) {
    match function {
        Elementwise::Swish => swish_values_and_slopes(x, slopes),
        Elementwise::Sigmoid => sigmoid_values_and_slopes(x, slopes),
        Elementwise::Softplus => softplus_values_and_slopes(x, slopes),
        Elementwise::LeakyRelu(slope) => leaky_relu_values_and_slopes(slope, x, slopes),
    }
}

/// A loop over values, `|x| value`, and one over values and derivatives, `|x| (value, derivative)`.
macro_rules! kernels {
    ($values:ident, $both:ident, ($($parameter:ident: $kind:ty),*), $x:ident => $value:expr, $pair:expr) => {
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
        fn $values($($parameter: $kind,)* values: &mut [f32]) {
            for value in values {
                let $x = *value;
                *value = $value;
            }
        }

        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
        fn $both($($parameter: $kind,)* values: &mut [f32], slopes: &mut [f32]) {
            for (value, slope) in values.iter_mut().zip(slopes) {
                let $x = *value;
                (*value, *slope) = $pair;
            }
        }
    };
}

kernels!(swish_values, swish_values_and_slopes, (), x => x * sigmoid(x), {
    let (s, opposite) = sigmoids(x);
    (x * s, s * (1.0 + x * opposite))
});

kernels!(sigmoid_values, sigmoid_values_and_slopes, (), x => sigmoid(x), {
    let (s, opposite) = sigmoids(x);
    (s, s * opposite)
});

kernels!(softplus_values, softplus_values_and_slopes, (), x => softplus_and_sigmoid(x).0, softplus_and_sigmoid(x));

kernels!(leaky_relu_values, leaky_relu_values_and_slopes, (slope: f32), x => if x > 0.0 { x } else { slope * x }, {
    let factor = if x > 0.0 { 1.0 } else { slope };
    (factor * x, factor)
});

/// Sums are split into so many lanes, so that they vectorise; the order of additions is the same on
/// every processor.
const LANES: usize = 16;

/// `sum softplus(x)`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn softplus_sum(x: &[f32]) -> f32 {
    let (whole, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += softplus_and_sigmoid(x).0;
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += softplus_and_sigmoid(x).0;
    }
    sums.iter().sum()
}

/// `sum softplus(x)`; values are replaced by `sigmoid(x)`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn softplus_sum_and_means(x: &mut [f32]) -> f32 {
    let (whole, rest) = x.as_chunks_mut::<LANES>();
    let mut sums = [0.0_f32; LANES];
    let step = |sum: &mut f32, x: &mut f32| {
        let (value, mean) = softplus_and_sigmoid(*x);
        *sum += value;
        *x = mean;
    };
    for chunk in whole {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            step(sum, x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        step(sum, x);
    }
    sums.iter().sum()
}

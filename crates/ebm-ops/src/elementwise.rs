//! Elementwise functions and their derivatives over slices, vectorised.

#[cfg(feature = "flex")]
use multiversion::multiversion;

#[cfg(feature = "flex")]
use crate::elementary::{exp, ln_1p};

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Elementwise {
    /// `x sigmoid(x)`.
    Swish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x` where positive, `slope x` elsewhere.
    LeakyRelu(f32),
}

/// `sigmoid(x)` and `sigmoid(-x)`, without overflow, both with their relative precision.
#[cfg(feature = "flex")]
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

#[cfg(feature = "flex")]
#[inline(always)]
fn softplus(x: f32) -> f32 {
    let positive = if x > 0.0 { x } else { 0.0 };
    positive + ln_1p(exp(-x.abs()))
}

/// Replaces values by those of the function.
#[cfg(feature = "flex")]
pub(crate) fn values(function: Elementwise, x: &mut [f32]) {
    match function {
        Elementwise::Swish => swish_values(x),
        Elementwise::Sigmoid => sigmoid_values(x),
        Elementwise::Softplus => softplus_values(x),
        Elementwise::LeakyRelu(slope) => leaky_relu_values(slope, x),
    }
}

/// Replaces values by those of the function, and writes its derivatives to `slope`.
#[cfg(feature = "flex")]
pub(crate) fn values_and_slopes(function: Elementwise, x: &mut [f32], slopes: &mut [f32]) {
    match function {
        Elementwise::Swish => swish_values_and_slopes(x, slopes),
        Elementwise::Sigmoid => sigmoid_values_and_slopes(x, slopes),
        Elementwise::Softplus => softplus_values_and_slopes(x, slopes),
        Elementwise::LeakyRelu(slope) => leaky_relu_values_and_slopes(slope, x, slopes),
    }
}

/// A loop over values, and one over values and derivatives, of `|x| (value, derivative)`.
#[cfg(feature = "flex")]
macro_rules! kernels {
    ($values:ident, $both:ident, ($($parameter:ident: $kind:ty),*), $x:ident => $pair:expr) => {
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
        fn $values($($parameter: $kind,)* values: &mut [f32]) {
            for value in values {
                let $x = *value;
                *value = $pair.0;
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

#[cfg(feature = "flex")]
kernels!(swish_values, swish_values_and_slopes, (), x => {
    let (s, opposite) = sigmoids(x);
    (x * s, s * (1.0 + x * opposite))
});

#[cfg(feature = "flex")]
kernels!(sigmoid_values, sigmoid_values_and_slopes, (), x => {
    let (s, opposite) = sigmoids(x);
    (s, s * opposite)
});

#[cfg(feature = "flex")]
kernels!(softplus_values, softplus_values_and_slopes, (), x => (softplus(x), sigmoids(x).0));

#[cfg(feature = "flex")]
kernels!(leaky_relu_values, leaky_relu_values_and_slopes, (slope: f32), x => {
    let factor = if x > 0.0 { 1.0 } else { slope };
    (factor * x, factor)
});

/// Sums are taken in so many lanes, so that they vectorise; the order of a sum is that of its lanes on every processor.
#[cfg(feature = "flex")]
const LANES: usize = 16;

/// `sum softplus(x)`.
#[cfg(feature = "flex")]
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn softplus_sum(x: &[f32]) -> f32 {
    let (whole, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += softplus(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += softplus(x);
    }
    sums.iter().sum()
}

/// `sum softplus(x)`; values are replaced by `sigmoid(x)`.
#[cfg(feature = "flex")]
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn softplus_sum_and_means(x: &mut [f32]) -> f32 {
    let (whole, rest) = x.as_chunks_mut::<LANES>();
    let mut sums = [0.0_f32; LANES];
    let step = |sum: &mut f32, x: &mut f32| {
        let e = exp(-x.abs());
        let larger = 1.0 / (1.0 + e);
        let positive = if *x > 0.0 { *x } else { 0.0 };
        *sum += positive + ln_1p(e);
        *x = if *x >= 0.0 { larger } else { e / (1.0 + e) };
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

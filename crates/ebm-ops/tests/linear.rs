//! Linear maps and their gradients against f64: weights plain or transposed, trained or frozen.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor};
use ebm_ops::{Noise, linear};
use ebm_testing::{devices, values};

/// `a b` of matrices that lie row after row, in f64, with the sum of magnitudes that bounds its
/// rounding.
fn product(a: &[f64], b: &[f64], [rows, inner, columns]: [usize; 3]) -> Vec<(f64, f64)> {
    let terms = |i: usize, j: usize| (0..inner).map(move |k| a[i * inner + k] * b[k * columns + j]);
    (0..rows * columns)
        .map(|at| (at / columns, at % columns))
        .map(|(i, j)| (terms(i, j).sum(), terms(i, j).map(f64::abs).sum()))
        .collect()
}

fn turned(x: &[f64], [rows, columns]: [usize; 2]) -> Vec<f64> {
    (0..rows * columns)
        .map(|at| x[at % rows * columns + at / rows])
        .collect()
}

fn assert_near(found: &[f64], expected: &[(f64, f64)], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, (expected, scale))) in found.iter().zip(expected).enumerate() {
        // Sums of n rounded products err by less than n 2^-24 of their magnitudes; the longest
        // has 784.
        assert!(
            (found - expected).abs() <= 784.0 * 6e-8 * (scale + 1e-3),
            "{what} at {at}: {found}, expected {expected}"
        );
    }
}

/// Sizes around a block of columns and the step to many threads, and the vectors at the ends of a
/// network.
#[test]
fn values_and_gradients() {
    for device in devices() {
        for [batch, inputs, outputs] in [
            [1, 1, 1],
            [3, 5, 2],
            [7, 3, 129],
            [130, 300, 127],
            [128, 784, 500],
            [128, 500, 1],
        ] {
            for transposed in [false, true] {
                let mut noise = Noise::new(8);
                let mut draw = |shape: [usize; 2]| -> Tensor<2> { noise.normal(shape, &device) };
                let x = draw([batch, inputs]);
                let plain = draw([inputs, outputs]);
                let stored = if transposed {
                    draw([outputs, inputs])
                } else {
                    plain
                };
                let upstream = draw([batch, outputs]);
                let bias: Tensor<1> = draw([1, outputs]).squeeze_dim(0);
                let weight = |stored: Tensor<2>| {
                    if transposed {
                        stored.transpose()
                    } else {
                        stored
                    }
                };
                let case = format!("{batch} x {inputs} x {outputs}, transposed {transposed}");

                let [x_leaf, stored_leaf] =
                    [x.clone(), stored.clone()].map(|x| x.autodiff().require_grad());
                let bias_leaf = bias.clone().autodiff().require_grad();
                let y = linear(
                    x_leaf.clone(),
                    weight(stored_leaf.clone()),
                    bias_leaf.clone(),
                );
                let mut gradients = (y.clone() * upstream.clone().autodiff()).sum().backward();
                let of_x = values(x_leaf.grad_remove(&mut gradients).unwrap());
                let of_weight = values(weight(stored_leaf.grad_remove(&mut gradients).unwrap()));
                let of_bias = values(bias_leaf.grad_remove(&mut gradients).unwrap());

                // Frozen, as in a chain: the same values, the same gradient of the input.
                let x_leaf = x.clone().autodiff().require_grad();
                let frozen = linear(x_leaf.clone(), weight(stored.clone()), bias.clone());
                let mut gradients = (frozen.clone() * upstream.clone().autodiff())
                    .sum()
                    .backward();
                let of_frozen = values(x_leaf.grad_remove(&mut gradients).unwrap());
                assert_eq!(values(frozen.inner()), values(y.clone().inner()), "{case}");
                assert_eq!(of_frozen, of_x, "{case}");

                let w = values(weight(stored));
                let (x, bias, g) = (values(x), values(bias), values(upstream));
                let mut expected = product(&x, &w, [batch, inputs, outputs]);
                for (at, (value, scale)) in expected.iter_mut().enumerate() {
                    *value += bias[at % outputs];
                    *scale += bias[at % outputs].abs();
                }
                assert_near(&values(y.inner()), &expected, &format!("values, {case}"));
                let w_turned = turned(&w, [inputs, outputs]);
                let expected = product(&g, &w_turned, [batch, outputs, inputs]);
                assert_near(&of_x, &expected, &format!("gradient of x, {case}"));
                let x_turned = turned(&x, [batch, inputs]);
                let expected = product(&x_turned, &g, [inputs, batch, outputs]);
                assert_near(&of_weight, &expected, &format!("gradient of W, {case}"));
                let expected = product(&vec![1.0; batch], &g, [1, batch, outputs]);
                assert_near(&of_bias, &expected, &format!("gradient of b, {case}"));
            }
        }
    }
}

/// A run must not depend on how many threads it got.
#[test]
fn products_do_not_depend_on_the_number_of_threads() {
    let device = Device::flex();
    let mut noise = Noise::new(9);
    let x: Tensor<2> = noise.normal([128, 784], &device);
    let weight: Tensor<2> = noise.normal([784, 500], &device);
    let bias: Tensor<1> = noise.normal([500], &device);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| values(linear(x.clone(), weight.clone(), bias.clone())))
    };
    let one = with(1);
    assert_eq!(with(2), one);
    assert_eq!(with(5), one);
}

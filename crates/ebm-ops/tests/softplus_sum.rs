//! Sums of softplus over rows and their gradients against f64.
#![allow(clippy::unwrap_used)]

use burn::tensor::Tensor;
use ebm_ops::{Noise, softplus_sum};
use ebm_testing::devices;

/// Rows shorter and longer than a vector and a thread's share, fields from small to far out. A sum
/// of n terms in f32 errs by about the root of n roundings; 1e-6 of it leaves room for 100 of them.
#[test]
fn values_and_gradients() {
    // Burn's gradient is 1 - sigmoid(-x), good to a rounding of 1; that of Flex's kernel keeps its
    // relative precision.
    for (device, rounding) in devices().into_iter().zip([1e-30, 2e-7]) {
        for shape in [[1, 1], [3, 15], [4, 16], [128, 500], [2, 20_000]] {
            let mut noise = Noise::new(4);
            let x: Tensor<2> = noise.normal(shape, &device);
            let x = x.clone() * x.abs() * 8.0;
            let weights: Tensor<1> = noise.normal([shape[0]], &device);
            let leaf = x.clone().autodiff().require_grad();
            let sums = softplus_sum(leaf.clone());
            let mut gradients = (sums.clone() * weights.clone().autodiff()).sum().backward();
            let gradient = leaf.grad_remove(&mut gradients).unwrap().into_data();
            let sums: Vec<f64> = sums.inner().into_data().iter::<f64>().collect();
            let plain: Vec<f64> = softplus_sum(x.clone()).into_data().iter::<f64>().collect();
            let x: Vec<f64> = x.into_data().iter::<f64>().collect();
            let gradient: Vec<f64> = gradient.iter::<f64>().collect();
            let weights: Vec<f64> = weights.into_data().iter::<f64>().collect();
            for (row, x) in x.chunks(shape[1]).enumerate() {
                let softplus = |x: &f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
                let expected: f64 = x.iter().map(softplus).sum();
                for (found, how) in [(sums[row], "on the graph"), (plain[row], "off it")] {
                    assert!(
                        (found - expected).abs() < 1e-6 * expected,
                        "{shape:?}, row {row} {how}: {found}, expected {expected}"
                    );
                }
                for (column, x) in x.iter().enumerate() {
                    let expected = weights[row] / (1.0 + (-x).exp());
                    let found = gradient[row * shape[1] + column];
                    assert!(
                        (found - expected).abs()
                            <= 1e-6 * expected.abs() + rounding * weights[row].abs(),
                        "{shape:?}, gradient at {row}, {column}: {found}, expected {expected}"
                    );
                }
            }
        }
    }
}

//! Elementwise functions and their derivatives against f64, at every magnitude and layout.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::activation::{leaky_relu, log_sigmoid, sigmoid, softplus, swish};
use ebm_testing::devices;

/// Values of both signs at all magnitudes where results are normal numbers, and special ones; an
/// odd number, longer than a thread's share.
fn inputs() -> Vec<f32> {
    let mut x: Vec<f32> = (0..60_001)
        .map(|i| {
            let magnitude = 10_f64.powf(-8.0 + 9.93 * f64::from(i) / 60_000.0);
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            (sign * magnitude) as f32
        })
        .collect();
    x.extend([0.0, -0.0, 1.0, -1.0, 86.9, -86.9]);
    x
}

fn ulp(x: f64) -> f64 {
    let x = x.abs() as f32;
    f64::from(x.next_up() - x)
}

type Function = fn(Tensor<1>) -> Tensor<1>;

fn reference(name: &str, x: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + (-x).exp());
    let opposite = 1.0 / (1.0 + x.exp());
    match name {
        "swish" => (x * s, s * (1.0 + x * opposite)),
        "sigmoid" => (s, s * opposite),
        "softplus" => (x.max(0.0) + (-x.abs()).exp().ln_1p(), s),
        "log_sigmoid" => (-((-x).max(0.0) + (-x.abs()).exp().ln_1p()), opposite),
        "leaky_relu" => {
            let slope = f64::from(0.05_f32);
            if x > 0.0 {
                (x, 1.0)
            } else {
                (slope * x, slope)
            }
        }
        other => panic!("{other}"),
    }
}

const FUNCTIONS: [(&str, Function); 5] = [
    ("swish", swish),
    ("sigmoid", sigmoid),
    ("softplus", softplus),
    ("log_sigmoid", log_sigmoid),
    ("leaky_relu", |x| leaky_relu(x, 0.05)),
];

/// The documented error, in units in the last place of the exact value; derivatives that cancel, as
/// that of swish near -1.28, in units of the largest term.
#[test]
fn values_within_three_and_derivatives_within_five_units_in_the_last_place() {
    let device = Device::flex();
    let x = inputs();
    for (name, function) in FUNCTIONS {
        let leaf = Tensor::<1>::from_data(TensorData::from(x.as_slice()), &device)
            .autodiff()
            .require_grad();
        let y = function(leaf.clone());
        let mut gradients = y.clone().sum().backward();
        let slopes = leaf.grad_remove(&mut gradients).unwrap().into_data();
        let y = y.inner().into_data();
        let off_graph = function(leaf.inner()).into_data();
        assert_eq!(y, off_graph, "{name} on the graph and off it");
        let (mut worst, mut worst_slope) = ((0.0, 0.0), (0.0, 0.0));
        for ((&x, y), slope) in x.iter().zip(y.iter::<f64>()).zip(slopes.iter::<f64>()) {
            let x = f64::from(x);
            let (exact, exact_slope) = reference(name, x);
            let error = (y - exact).abs() / ulp(exact);
            if error > worst.0 {
                worst = (error, x);
            }
            let scale = if name == "swish" {
                let (s, opposite) = (reference("sigmoid", x).0, reference("sigmoid", -x).0);
                s.max(s * x.abs() * opposite)
            } else {
                exact_slope
            };
            let error = (slope - exact_slope).abs() / ulp(scale);
            if error > worst_slope.0 {
                worst_slope = (error, x);
            }
        }
        assert!(worst.0 < 3.0, "{name}: {worst:?}");
        assert!(worst_slope.0 < 5.0, "derivative of {name}: {worst_slope:?}");
    }
}

#[test]
fn far_out_nothing_overflows_and_nan_stays() {
    for device in devices() {
        let x = [-1e30_f32, -1000.0, 1000.0, 1e30, f32::NAN];
        let at = |f: Function| -> Vec<f32> {
            f(Tensor::from_floats(x, &device))
                .into_data()
                .iter::<f32>()
                .collect()
        };
        for (name, function, expected) in [
            ("swish", swish as Function, [0.0, 0.0, 1000.0, 1e30]),
            ("sigmoid", sigmoid, [0.0, 0.0, 1.0, 1.0]),
            ("softplus", softplus, [0.0, 0.0, 1000.0, 1e30]),
        ] {
            let found = at(function);
            assert_eq!(found[..4], expected, "{name} on {device:?}");
            assert!(found[4].is_nan(), "{name} of NaN on {device:?}");
        }
    }
}

/// Both backends, and a permuted, a narrowed and a broadcast tensor, which lie in memory otherwise.
#[test]
fn layouts_and_backends_agree() {
    for (name, function) in FUNCTIONS {
        let mut all = Vec::new();
        for device in devices() {
            let x: Tensor<1> = Tensor::from_data(TensorData::from(&inputs()[..240]), &device);
            let plain: Vec<f32> = function(x.clone()).into_data().iter::<f32>().collect();
            let cube: Tensor<3> = x.reshape([4, 6, 10]);
            let apply = |x: Tensor<3>| -> Tensor<3> {
                let shape = x.dims();
                function(x.reshape([-1])).reshape(shape)
            };
            let expected = Tensor::<1>::from_floats(plain.as_slice(), &device).reshape([4, 6, 10]);
            let permuted = apply_3(name, cube.clone().permute([2, 0, 1]));
            permuted
                .into_data()
                .assert_eq(&expected.clone().permute([2, 0, 1]).into_data(), true);
            let narrowed = apply_3(name, cube.clone().narrow(0, 1, 2));
            narrowed
                .into_data()
                .assert_eq(&expected.clone().narrow(0, 1, 2).into_data(), true);
            let row = cube.clone().narrow(0, 0, 1).expand([3, 6, 10]);
            apply_3(name, row).into_data().assert_eq(
                &expected.narrow(0, 0, 1).expand([3, 6, 10]).into_data(),
                true,
            );
            // The argument is left as it was.
            apply(cube.clone());
            all.push(plain);
        }
        for (a, b) in all[0].iter().zip(&all[1]) {
            assert!(
                (a - b).abs() <= 4e-7 * (1e-30 + a.abs()).max(1e-7),
                "{name}: {a} and {b}"
            );
        }
    }
}

fn apply_3(name: &str, x: Tensor<3>) -> Tensor<3> {
    match name {
        "swish" => swish(x),
        "sigmoid" => sigmoid(x),
        "softplus" => softplus(x),
        "log_sigmoid" => log_sigmoid(x),
        _ => leaky_relu(x, 0.05),
    }
}

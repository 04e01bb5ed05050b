//! The kernels for GPUs against those for the CPU: noise and what is made of it bit for bit,
//! functions to a few ULP.
//!
//! Run with a GPU's feature and its name:
//! `EBM_BACKEND=wgpu cargo test --release --workspace --features wgpu --test gpu_kernels`.
//! Otherwise there is nothing to compare, and the tests say so.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use burn::tensor::{Device, Shape, Tensor, TensorData};
use ebm::backend::Backend;
use ebm::ops::activation::{leaky_relu, log_sigmoid, sigmoid, softplus, swish};
use ebm::ops::{MetropolisDecision, Noise, softplus_sum};
use ebm_testing::{bits, flags, floats, langevin_updates};

/// The GPU that `EBM_BACKEND` names; none if it names none.
fn gpu() -> Option<Device> {
    let name = std::env::var("EBM_BACKEND").unwrap_or_default();
    let cpus = ["", "auto", Backend::Flex.name(), Backend::NdArray.name()];
    if cpus.contains(&name.as_str()) {
        eprintln!("skipped: EBM_BACKEND names no GPU backend (found {name:?})");
        return None;
    }
    match ebm::backend::select(&name, 0) {
        Ok(choice) => Some(choice.device),
        Err(error) => panic!("EBM_BACKEND: {error}"),
    }
}

/// A stream at a block.
fn stream(counter: u64) -> Noise {
    let state = format!(r#"{{"key": "0123456789abcdef", "counter": "{counter:016x}"}}"#);
    serde_json::from_str(&state).unwrap()
}

/// Blocks to begin at: the start, just before the low word of the counter overflows, and before all
/// of it does.
const COUNTERS: [u64; 3] = [0, (1 << 32) - 3, u64::MAX - 5];

/// The same values on another device.
fn on<const D: usize>(x: &Tensor<D>, device: &Device) -> Tensor<D> {
    Tensor::from_data(x.clone().into_data(), device)
}

/// Fails with how many values differ, and the first of them.
#[track_caller]
fn assert_same(found: &[u32], expected: &[u32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let mut pairs = found.iter().zip(expected).enumerate();
    let differing = pairs.clone().filter(|(_, (a, b))| a != b).count();
    if let Some((i, (&found, &expected))) = pairs.find(|(_, (a, b))| a != b) {
        let (found, expected) = (f32::from_bits(found), f32::from_bits(expected));
        panic!("{what}: {differing} values differ; at {i} {found:e}, expected {expected:e}");
    }
}

type Draw = fn(&mut Noise, Shape, &Device) -> Tensor<1>;

const DRAWS: [(&str, Draw); 4] = [
    ("uniform", |noise, shape, device| {
        noise.uniform(shape, device)
    }),
    ("uniform_in", |noise, shape, device| {
        noise.uniform_in(shape, [-3.0, 0.7], device)
    }),
    ("normal", |noise, shape, device| noise.normal(shape, device)),
    ("logistic", |noise, shape, device| {
        noise.logistic(shape, device)
    }),
];

#[test]
fn noise_has_the_same_bits_and_moves_the_stream_alike() {
    let Some(gpu) = gpu() else { return };
    for (name, draw) in DRAWS {
        for counter in COUNTERS {
            for n in [0, 1, 3, 4, 5, 41, 70_001] {
                let (mut here, mut there) = (stream(counter), stream(counter));
                let expected = bits(draw(&mut here, Shape::new([n]), &Device::flex()));
                let found = bits(draw(&mut there, Shape::new([n]), &gpu));
                assert_eq!(found.len(), n, "{name}");
                assert_same(&found, &expected, &format!("{name} of {n} from {counter}"));
                assert_eq!(here, there, "{name} of {n} from block {counter}");
            }
        }
    }
}

/// Enough normals and logistics to meet an eighth of all 24-bit words, the rare ones of the tail
/// among them.
#[test]
fn four_million_draws_have_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    for (name, draw) in DRAWS {
        let shape = Shape::new([1 << 22]);
        let expected = bits(draw(&mut stream(7), shape.clone(), &Device::flex()));
        let found = bits(draw(&mut stream(7), shape, &gpu));
        assert_same(&found, &expected, name);
    }
}

#[test]
fn noise_on_an_autodiff_device_is_the_same_and_outside_the_graph() {
    let Some(gpu) = gpu() else { return };
    let expected = bits(stream(1).normal::<2>([7, 9], &gpu));
    let drawn: Tensor<2> = stream(1).normal([7, 9], &gpu.clone().autodiff());
    assert!(!drawn.is_require_grad());
    assert_eq!(bits(drawn), expected);
}

/// Contiguous, permuted, narrowed and broadcast log-odds, far out and not finite ones; on a graph
/// and off it.
#[test]
fn coins_are_the_same() {
    let Some(gpu) = gpu() else { return };
    let mut logits = floats(Noise::new(3).normal::<1>([6 * 35], &Device::flex()) * 8.0);
    logits[..5].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 20.0, -20.0]);
    let logits = TensorData::new(logits, [6, 35]);
    type Arrange = fn(Tensor<2>) -> Tensor<2>;
    let layouts: [(&str, Arrange); 4] = [
        ("contiguous", |x| x),
        ("permuted", |x| x.swap_dims(0, 1)),
        ("narrowed", |x| x.slice([1..5, 3..34])),
        ("broadcast", |x| x.slice([2..3, 0..35]).expand([5, 35])),
    ];
    for counter in COUNTERS {
        for (layout, arrange) in layouts {
            let draw = |device: &Device| {
                let logits = arrange(Tensor::from_data(logits.clone(), device));
                stream(counter).bernoulli_logits(logits)
            };
            let expected = floats(draw(&Device::flex()));
            assert!(expected.contains(&0.0) && expected.contains(&1.0));
            assert_eq!(floats(draw(&gpu)), expected, "{layout}");
            let on_graph = draw(&gpu.clone().autodiff());
            assert_eq!(floats(on_graph), expected, "{layout} on a graph");
        }
    }
    let probability = |device: &Device| Noise::new(5).uniform::<2>([9, 11], device);
    let expected = floats(stream(2).bernoulli(probability(&Device::flex())));
    assert_eq!(floats(stream(2).bernoulli(probability(&gpu))), expected);
}

type Function = fn(Tensor<2>) -> Tensor<2>;

const FUNCTIONS: [(&str, Function); 5] = [
    ("swish", swish),
    ("sigmoid", sigmoid),
    ("softplus", softplus),
    ("log_sigmoid", log_sigmoid),
    ("leaky_relu", |x| leaky_relu(x, 0.05)),
];

/// Values and derivatives in f64.
fn exact(name: &str, x: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + (-x).exp());
    let opposite = 1.0 / (1.0 + x.exp());
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let slope = if x > 0.0 { 1.0 } else { f64::from(0.05_f32) };
    match name {
        "swish" => (x * s, s * (1.0 + x * opposite)),
        "sigmoid" => (s, s * opposite),
        "softplus" => (softplus(x), s),
        "log_sigmoid" => (-softplus(-x), opposite),
        _ => (slope * x, slope),
    }
}

/// The worst of all errors, in units in the last place of the exact value or of the scale if that
/// is larger.
fn worst(found: &[f32], expected: impl Iterator<Item = (f64, f64)>) -> f64 {
    let error = |(&found, (expected, scale)): (&f32, (f64, f64))| {
        let unit = (expected.abs().max(scale) as f32).max(f32::MIN_POSITIVE);
        (f64::from(found) - expected).abs() / f64::from(unit.next_up() - unit)
    };
    found.iter().zip(expected).map(error).fold(0.0, f64::max)
}

/// WGSL lets a division err by 2.5 ULP, where the CPU's errs by half of one: hence 2 more each for
/// values and derivatives than the 3 and 5 of the CPU.
#[test]
fn functions_err_by_less_than_5_and_derivatives_by_less_than_7_ulp() {
    let Some(gpu) = gpu() else { return };
    let mut x: Vec<f32> = (0..4001)
        .map(|i| {
            let magnitude = 10_f64.powf(-8.0 + 9.93 * f64::from(i) / 4000.0);
            (if i % 2 == 0 { magnitude } else { -magnitude }) as f32
        })
        .collect();
    x.extend([0.0, 1.0, -1.0, 86.5, -86.5]);
    let data = TensorData::new(x.clone(), [2, x.len() / 2]);
    for (name, function) in FUNCTIONS {
        let leaf = Tensor::<2>::from_data(data.clone(), &gpu)
            .autodiff()
            .require_grad();
        let weights = Noise::new(1).uniform_in::<2>(leaf.dims(), [0.5, 2.0], &gpu);
        let y = function(leaf.clone());
        // Backward from all values is backward from their sum, without a reduction to tune.
        let mut gradients = (y.clone() * weights.clone().autodiff()).backward();
        let gradient = floats(leaf.grad_remove(&mut gradients).unwrap());
        let y = floats(y.inner());
        let off_graph = floats(function(leaf.inner()));
        assert_eq!(y, off_graph, "{name} on the graph and off it");
        let expected = x.iter().map(|&x| (exact(name, f64::from(x)).0, 0.0));
        let error = worst(&y, expected);
        eprintln!("{name}: {error:.2} ULP");
        assert!(error < 5.0, "{name}: {error} ULP");
        let weights = floats(weights);
        let expected = x.iter().zip(&weights).map(|(&x, &weight)| {
            let (x, weight) = (f64::from(x), f64::from(weight));
            // The derivative of swish is a sum that cancels near -1.28: its terms are the scale.
            let term = exact("sigmoid", x).0 * if name == "swish" { 1.0 } else { 0.0 };
            (weight * exact(name, x).1, weight * term)
        });
        let error = worst(&gradient, expected);
        eprintln!("{name}: derivative {error:.2} ULP");
        assert!(error < 7.0, "derivative of {name}: {error} ULP");
    }
}

/// Permuted, narrowed and broadcast tensors, forward and back; the gradient that comes back lies
/// otherwise than the input.
#[test]
fn layouts_do_not_change_functions() {
    let Some(gpu) = gpu() else { return };
    let x: Tensor<2> = Noise::new(8).normal([12, 10], &gpu) * 4.0;
    for (name, function) in FUNCTIONS {
        let expected = function(x.clone());
        assert_eq!(
            bits(function(x.clone().swap_dims(0, 1))),
            bits(expected.clone().swap_dims(0, 1)),
            "{name}, permuted"
        );
        assert_eq!(
            bits(function(x.clone().slice([3..8, 2..9]))),
            bits(expected.clone().slice([3..8, 2..9])),
            "{name}, narrowed"
        );
        assert_eq!(
            bits(function(x.clone().slice([3..4, 0..10]).expand([7, 10]))),
            bits(expected.clone().slice([3..4, 0..10]).expand([7, 10])),
            "{name}, broadcast"
        );
        let weights: Tensor<2> = Noise::new(9).normal([12, 10], &gpu);
        // The same weights, lying as the permuted values don't.
        let turned = on(&weights.clone().swap_dims(0, 1), &gpu);
        let gradient = |permuted: bool| {
            let leaf = x.clone().autodiff().require_grad();
            let y = if permuted {
                function(leaf.clone().swap_dims(0, 1)) * turned.clone().autodiff()
            } else {
                function(leaf.clone()) * weights.clone().autodiff()
            };
            let mut gradients = y.backward();
            bits(leaf.grad_remove(&mut gradients).unwrap())
        };
        assert_eq!(gradient(true), gradient(false), "gradient of {name}");
        let empty: Tensor<2> = Tensor::empty([0, 5], &gpu);
        assert_eq!(function(empty).dims(), [0, 5], "{name} of nothing");
    }
}

#[test]
fn far_out_nothing_overflows() {
    let Some(gpu) = gpu() else { return };
    let x = Tensor::<2>::from_floats([[-1e30, -1000.0, 1000.0, 1e30]], &gpu);
    assert_eq!(floats(swish(x.clone())), [0.0, 0.0, 1000.0, 1e30]);
    assert_eq!(floats(sigmoid(x.clone())), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(floats(softplus(x)), [0.0, 0.0, 1000.0, 1e30]);
}

/// Rows shorter and longer than a cube, and more rows than one cube takes. A sum of n terms errs by
/// about the root of n roundings; 1e-6 of it leaves room for 100 of them.
#[test]
fn sums_of_softplus_and_their_gradients() {
    let Some(gpu) = gpu() else { return };
    for shape in [[1, 1], [3, 15], [300, 2], [5, 1001], [0, 4], [2, 0]] {
        let x: Tensor<2> = Noise::new(4).normal(shape, &gpu) * 12.0;
        let weights: Tensor<1> = Noise::new(5).normal([shape[0]], &gpu);
        let leaf = x.clone().autodiff().require_grad();
        // The permuted copy of a permuted tensor is the same tensor in another layout.
        let permuted = leaf.clone().swap_dims(0, 1).mul_scalar(1.0).swap_dims(0, 1);
        let sums = softplus_sum(permuted);
        assert_eq!(sums.dims(), [shape[0]]);
        if shape[0] * shape[1] == 0 {
            assert!(floats(sums).iter().all(|&sum| sum == 0.0));
            continue;
        }
        let mut gradients = (sums.clone() * weights.clone().autodiff()).backward();
        let gradient = floats(leaf.grad_remove(&mut gradients).unwrap());
        let sums = floats(sums.inner());
        assert_eq!(floats(softplus_sum(x.clone())), sums, "off the graph");
        let (x, weights) = (floats(x), floats(weights));
        for (row, x) in x.chunks(shape[1]).enumerate() {
            let expected: f64 = x.iter().map(|&x| exact("softplus", f64::from(x)).0).sum();
            let found = f64::from(sums[row]);
            assert!(
                (found - expected).abs() < 1e-6 * expected,
                "{shape:?}, row {row}: {found}, expected {expected}"
            );
            let expected = x.iter().map(|&x| {
                let mean = exact("sigmoid", f64::from(x)).0;
                (mean * f64::from(weights[row]), 0.0)
            });
            let error = worst(&gradient[row * shape[1]..(row + 1) * shape[1]], expected);
            assert!(error < 7.0, "{shape:?}, gradient of row {row}: {error} ULP");
        }
    }
}

/// Chains that begin inside a block of the noise, chains longer than a cube's units, more chains
/// than a cube takes; chains whose energy, gradient or position is not finite; permuted gradients.
#[test]
fn langevin_updates_have_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    let cpu = Device::flex();
    for shape in [[5, 7], [300, 2], [3, 4099], [4, 1], [0, 6]] {
        let [batch, width] = shape;
        let mut noise = Noise::new(11);
        let mut x = floats(noise.normal::<1>([batch * width], &cpu));
        let mut gradient = floats(noise.normal::<1>([batch * width], &cpu));
        let mut energies = floats(noise.normal::<1>([batch], &cpu));
        let start: Tensor<2> = noise.uniform(shape, &cpu);
        if batch >= 3 {
            gradient[width - 1] = f32::NAN;
            energies[1] = f32::INFINITY;
            x[3 * width - 1] = f32::NEG_INFINITY;
        }
        let x = Tensor::<2>::from_data(TensorData::new(x, shape), &cpu);
        let gradient = Tensor::<2>::from_data(TensorData::new(gradient, shape), &cpu);
        let energies = Tensor::<1>::from_data(TensorData::new(energies, [batch]), &cpu);
        for update in langevin_updates() {
            for counter in COUNTERS {
                let run = |device: &Device, permuted: bool| {
                    let mut gradient = on(&gradient, device);
                    if permuted {
                        gradient = on(&gradient.swap_dims(0, 1), device).swap_dims(0, 1);
                    }
                    let (energies, start) = (on(&energies, device), on(&start, device));
                    let mut noise = stream(counter);
                    let (next, finite) =
                        update.apply(on(&x, device), gradient, &energies, &start, &mut noise);
                    (bits(next), flags(finite), noise)
                };
                let expected = run(&cpu, false);
                assert!(batch < 3 || expected.1[..3] == [false; 3]);
                assert!(batch < 4 || expected.1[3..].iter().all(|&finite| finite));
                for (device, permuted) in [
                    (gpu.clone(), false),
                    (gpu.clone(), true),
                    (gpu.clone().autodiff(), false),
                ] {
                    let found = run(&device, permuted);
                    let what = format!("{shape:?}, {update:?} from {counter}");
                    assert_same(&found.0, &expected.0, &what);
                    assert_eq!(
                        (found.1, found.2),
                        (expected.1.clone(), expected.2.clone()),
                        "{what}"
                    );
                }
            }
        }
    }
}

/// Ratios around every edge, allowed or not, in batches around a block of the noise; and 200,000 of
/// them, which cross the unit of the counter that overflows.
#[test]
fn metropolis_decisions_are_the_same() {
    let Some(gpu) = gpu() else { return };
    let cpu = Device::flex();
    let edges = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        1e-30,
        -1e-30,
        -16.635_532,
        -16.635_534,
        -104.0,
        3e38,
    ];
    for batch in [0, 1, 3, 4, 5, 33, 200_000] {
        let mut ratios = floats(Noise::new(3).normal::<1>([batch], &cpu));
        for (i, ratio) in ratios.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
            *ratio = edges[i / 3 % edges.len()];
        }
        let allowed: Vec<bool> = (0..batch).map(|i| i % 7 != 5).collect();
        for counter in COUNTERS {
            let run = |device: &Device| {
                let ratios = TensorData::new(ratios.clone(), [batch]);
                let allowed = TensorData::new(allowed.clone(), [batch]);
                let mut noise = stream(counter);
                let decision = MetropolisDecision::draw(
                    Tensor::from_data(ratios, device),
                    Tensor::from_data(allowed, device),
                    &mut noise,
                );
                let probability = floats(decision.probability);
                (flags(decision.accepted), probability, noise)
            };
            let expected = run(&cpu);
            for device in [gpu.clone(), gpu.clone().autodiff()] {
                let found = run(&device);
                assert_eq!(found.2, expected.2, "the noise is elsewhere in its stream");
                // The logarithm of 1 - u may differ in its last bit, and a decision with it where
                // the ratio is just that: a chance of about 1e-7 each.
                let decided = found.0.iter().zip(&expected.0);
                let differing = decided.filter(|(found, expected)| found != expected);
                assert!(differing.count() <= 1, "batch of {batch} from {counter}");
                for (i, (found, expected)) in found.1.iter().zip(&expected.1).enumerate() {
                    let error = f64::from((found - expected).abs());
                    assert!(
                        error <= 4.0 * f64::from(f32::EPSILON) * f64::from(*expected) + 1e-37,
                        "probability {i} of {batch}: {found:e}, expected {expected:e}"
                    );
                }
            }
        }
    }
}

/// Kernels between operations that burn fuses: what goes in is used again after, and what comes out
/// is used in place.
#[test]
fn kernels_between_fused_operations() {
    let Some(gpu) = gpu() else { return };
    let run = |device: &Device| {
        let mut noise = stream(0);
        let mut x: Tensor<2> = noise.uniform([6, 33], device);
        for _ in 0..5 {
            // Sums and differences of few bits, exact on any device, so that only an order gone
            // wrong differs.
            let shifted = x.clone() + 0.5;
            let coins = noise.bernoulli_logits(shifted.clone() - 1.0);
            let more: Tensor<2> = noise.uniform([6, 33], device);
            x = leaky_relu(shifted - coins * 2.0 + (more - 0.5) * 0.0, 0.25) + x * 0.0;
        }
        bits(x)
    };
    assert_same(&run(&gpu), &run(&Device::flex()), "the last state");
}

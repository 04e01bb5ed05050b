//! Initial parameters follow from the seed alone, and have the distribution that is documented.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use common::{Parameter, bits, devices, parameters};
use ebm_models::{ConvNet, ConvNetConfig, Energy, Mlp, MlpConfig};
use ebm_ops::Noise;

fn mlp(device: &Device, seed: u64) -> Mlp {
    MlpConfig::new(64, vec![200, 50]).init(device, &mut Noise::new(seed))
}

fn conv_net(device: &Device, seed: u64) -> ConvNet {
    ConvNetConfig::new([1, 8, 8].into())
        .init(device, &mut Noise::new(seed))
        .unwrap()
}

#[test]
fn a_seed_gives_the_same_weights_on_every_backend() {
    let devices = devices();
    let training = devices.clone().map(Device::autodiff);
    let expected = (
        parameters(&mlp(&devices[0], 7)),
        parameters(&conv_net(&devices[0], 7)),
    );
    for device in devices.iter().chain(&training) {
        // f32 as f64: equal values are equal bits but for the sign of a zero.
        assert_eq!(parameters(&mlp(device, 7)), expected.0, "{device:?}");
        assert_eq!(parameters(&conv_net(device, 7)), expected.1, "{device:?}");
    }
}

#[test]
fn another_seed_gives_other_weights_in_every_parameter() {
    let device = Device::flex();
    for (a, b) in [
        (parameters(&mlp(&device, 7)), parameters(&mlp(&device, 8))),
        (
            parameters(&conv_net(&device, 7)),
            parameters(&conv_net(&device, 8)),
        ),
    ] {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.shape, b.shape);
            assert_ne!(a.values, b.values);
        }
    }
}

#[test]
fn no_two_parameters_share_their_draws() {
    let scaled = |parameter: &Parameter, bound: f64| -> Vec<f64> {
        let unit = parameter.values.iter().take(20).map(|v| v / bound);
        unit.collect()
    };
    let weights = parameters(&mlp(&Device::flex(), 7));
    let inputs = [64.0, 64.0, 200.0, 200.0, 50.0, 50.0];
    for i in 0..4 {
        for j in 0..i {
            let (a, b) = (
                scaled(&weights[i], 1.0 / f64::sqrt(inputs[i])),
                scaled(&weights[j], 1.0 / f64::sqrt(inputs[j])),
            );
            assert!(a.iter().zip(&b).any(|(a, b)| (a - b).abs() > 1e-3));
        }
    }
}

#[test]
fn weights_do_not_depend_on_the_order_of_first_use() {
    let device = Device::flex();
    let x: Tensor<2> = Noise::new(1).normal([3, 64], &device);
    let energies = |second_first: bool| {
        let mut noise = Noise::new(7);
        let a = MlpConfig::new(64, vec![9]).init(&device, &mut noise);
        let b = MlpConfig::new(64, vec![9]).init(&device, &mut noise);
        let after = noise.clone();
        if second_first {
            let b = bits(b.energy(x.clone()));
            (bits(a.energy(x.clone())), b, after)
        } else {
            let a = bits(a.energy(x.clone()));
            (a, bits(b.energy(x.clone())), after)
        }
    };
    let (a, b, noise) = energies(false);
    assert_eq!(energies(true), (a.clone(), b.clone(), noise.clone()));
    assert_ne!(a, b);
    assert_ne!(
        noise,
        Noise::new(7),
        "the weights are drawn when the model is built"
    );
}

/// Kolmogorov and Smirnov: `P(sqrt(n) D > t) <= 2 exp(-2 t^2)` for every n (Massart 1990). With t =
/// 2.9 that is 9.9e-8, a false-positive rate of at most 1.6e-6 for the 16 parameters of 16 values
/// or more.
#[test]
fn weights_are_uniform_within_their_bound() {
    let device = Device::flex();
    let mlp_inputs = [64, 200, 50].map(f64::from);
    let conv_inputs = [25, 16 * 9, 32 * 9, 64 * 9, 64, 64].map(f64::from);
    let mut tested = 0;
    for (parameters, inputs) in [
        (parameters(&mlp(&device, 7)), &mlp_inputs[..]),
        (parameters(&conv_net(&device, 8)), &conv_inputs[..]),
    ] {
        assert_eq!(parameters.len(), 2 * inputs.len());
        for (index, Parameter { values, shape }) in parameters.into_iter().enumerate() {
            let bound = 1.0 / inputs[index / 2].sqrt();
            let mut unit: Vec<f64> = values.iter().map(|v| (v / bound + 1.0) / 2.0).collect();
            // The bound is rounded to f32.
            assert!(
                unit.iter().all(|u| (-1e-7..1.0 + 1e-7).contains(u)),
                "{shape:?}"
            );
            if unit.len() < 16 {
                continue;
            }
            tested += 1;
            unit.sort_unstable_by(f64::total_cmp);
            let n = unit.len() as f64;
            let distance = unit
                .iter()
                .enumerate()
                .map(|(i, u)| (u - i as f64 / n).abs().max(((i + 1) as f64 / n - u).abs()))
                .fold(0.0, f64::max);
            assert!(distance * n.sqrt() < 2.9, "{shape:?}: D = {distance}");
        }
    }
    assert_eq!(tested, 16);
}

/// Whether each parameter is tracked.
fn trainable<M: Module>(model: &M) -> Vec<bool> {
    struct Collect(Vec<bool>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().is_require_grad());
        }
    }
    let mut collect = Collect(Vec::new());
    model.visit(&mut collect);
    collect.0
}

/// Burn's own initialisers would let the frozen clone freeze the original as well.
#[test]
fn a_frozen_copy_leaves_the_model_trainable() {
    let device = Device::flex().autodiff();
    let model = mlp(&device, 7);
    let frozen = model.clone().no_grad();
    assert_eq!(trainable(&frozen), [false; 6]);
    assert_eq!(trainable(&model), [true; 6]);
    let valid = model.valid();
    assert_eq!(trainable(&valid), [false; 6]);
    assert_eq!(parameters(&valid), parameters(&model));
}

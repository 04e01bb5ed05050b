//! Energies and input gradients are exact, off the graph, and blind to how the parameters are held.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{Quadratic, devices, tensor, values};
use ebm_models::{Energy, MlpConfig};
use ebm_ops::Noise;
use ebm_sampling::energy_and_gradient;

/// Dyadic numbers, so that f32 computes `x^2` exactly.
const X: [f64; 6] = [0.0, 1.0, -2.5, 0.125, 3.0, -0.75];

#[test]
fn a_quadratic_has_its_energy_and_gradient_exactly() {
    for device in devices() {
        let energy = Quadratic::new(4.0, &device);
        let (energies, gradient) = energy_and_gradient(&energy, tensor(&X, [2, 3], &device));
        let expected: Vec<f64> = X
            .chunks(3)
            .map(|x| 2.0 * x.iter().map(|x| x * x).sum::<f64>())
            .collect();
        assert_eq!(values(energies), expected);
        assert_eq!(gradient.dims(), [2, 3]);
        assert_eq!(values(gradient), X.map(|x| 4.0 * x));

        let image: Tensor<4> = tensor(&X, [2, 1, 3, 1], &device);
        let (energies, gradient) = energy_and_gradient(&energy, image);
        assert_eq!(values(energies), expected);
        assert_eq!(gradient.dims(), [2, 1, 3, 1]);
        assert_eq!(values(gradient), X.map(|x| 4.0 * x));
    }
}

#[test]
fn parameters_may_be_plain_frozen_or_trainable() {
    for device in devices() {
        let training = device.clone().autodiff();
        let build = |device: &Device| MlpConfig::new(3, vec![5]).init(device, &mut Noise::new(1));
        let (plain, trainable) = (build(&device), build(&training));
        let x: Tensor<2> = Noise::new(2).normal([4, 3], &device);
        let (energies, gradient) = energy_and_gradient(&plain, x.clone());
        let expected = (values(energies), values(gradient));
        assert_eq!(expected.0, values(plain.energy(x.clone())));
        for model in [&trainable, &trainable.valid()] {
            for x in [x.clone(), x.clone().autodiff()] {
                let (energies, gradient) = energy_and_gradient(model, x);
                for autodiff in [energies.is_autodiff(), gradient.is_autodiff()] {
                    assert!(!autodiff, "an output is left on the autodiff backend");
                }
                assert_eq!((values(energies), values(gradient)), expected);
            }
        }
    }
}

/// Batches that threads share are cut into blocks, the last of which is shorter.
#[test]
fn a_large_batch_is_its_rows_in_their_order() {
    for device in devices() {
        let training = device.clone().autodiff();
        let model = MlpConfig::new(3, vec![5]).init(&training, &mut Noise::new(1));
        let x: Tensor<2> = Noise::new(2).normal([101, 3], &device);
        for model in [&model, &model.valid()] {
            let (energies, gradient) = energy_and_gradient(model, x.clone());
            assert_eq!((energies.dims(), gradient.dims()), ([101], [101, 3]));
            for row in [0, 31, 32, 63, 64, 100] {
                let (energy, slope) = energy_and_gradient(model, x.clone().narrow(0, row, 1));
                let row = |of: Tensor<2>| values(of.narrow(0, row, 1));
                close(&values(energy), &row(energies.clone().unsqueeze_dim(1)));
                close(&values(slope), &row(gradient.clone()));
            }
        }
    }
}

/// An energy that has a datum of each chain gets the whole batch.
#[test]
fn chains_keep_their_own_data() {
    for device in devices() {
        let own: Tensor<2> = Noise::new(2).normal([101, 3], &device);
        let energy = |x: Tensor<2>| (x - own.clone()).square().sum_dim(1).squeeze_dim::<1>(1);
        let x: Tensor<2> = Noise::new(3).normal([101, 3], &device);
        let (_, gradient) = energy_and_gradient(&energy, x.clone());
        close(
            &values(gradient),
            &values((x - own.clone()).mul_scalar(2.0)),
        );
    }
}

/// Up to the rounding of sums of few terms.
fn close(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// As for chains that start where a differentiable generator put them.
#[test]
fn the_graph_that_made_x_is_left_alone() {
    let device = Device::flex();
    let energy = Quadratic::new(4.0, &device);
    let leaf: Tensor<2> = tensor(&X, [2, 3], &device).autodiff().require_grad();
    let x = leaf.clone().mul_scalar(2.0);
    let (_, gradient) = energy_and_gradient(&energy, x.clone());
    assert_eq!(values(gradient), X.map(|x| 8.0 * x));
    let gradients = x.sum().backward();
    assert_eq!(values(leaf.grad(&gradients).unwrap()), [2.0; 6]);
}

#[derive(Clone, Debug)]
struct Constant {}

impl Energy<2> for Constant {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        Tensor::zeros([x.dims()[0]], &x.device())
    }
}

#[test]
#[should_panic(expected = "the energy must depend on x through differentiable operations")]
fn an_energy_that_ignores_its_input_is_refused() {
    let _ = energy_and_gradient(&Constant {}, tensor(&X, [2, 3], &Device::flex()));
}

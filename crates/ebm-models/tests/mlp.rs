//! The perceptron and its input gradient equal the formula, evaluated on the host.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    ACTIVATIONS, Parameter, activate, assert_close, bits, devices, input_gradient, linear,
    numeric_gradient, parameters, tensor, values,
};
use ebm_models::{Activation, Energy, Mlp, MlpConfig};
use ebm_ops::Noise;

const INPUT: usize = 6;
const BATCH: usize = 5;
const HIDDEN: [&[usize]; 3] = [&[], &[5], &[4, 3]];

/// The sums have at most 7 terms of order 1 in at most 3 layers, so that f32 is off by at most
/// about `3 * (7 + 3) * 6e-8 = 2e-6`.
const ROUNDING: f64 = 2e-6;

/// `f(x)` for one configuration.
fn reference(parameters: &[Parameter], activation: Activation, x: &[f64]) -> f64 {
    let mut rest = parameters;
    let mut x = linear(&mut rest, x);
    while !rest.is_empty() {
        x.iter_mut().for_each(|x| *x = activate(activation, *x));
        x = linear(&mut rest, &x);
    }
    assert_eq!(x.len(), 1);
    x[0]
}

fn for_each_model(check: impl Fn(&Device, Activation, &Mlp, Tensor<2>, &str)) {
    for device in devices() {
        for activation in ACTIVATIONS {
            for hidden in HIDDEN {
                let mut noise = Noise::new(11);
                let model = MlpConfig::new(INPUT, hidden.to_vec())
                    .with_activation(activation)
                    .init(&device, &mut noise);
                assert_eq!(parameters(&model).len(), 2 * (hidden.len() + 1));
                let x = noise.normal([BATCH, INPUT], &device);
                let what = format!("{activation}, hidden {hidden:?} on {device:?}");
                check(&device, activation, &model, x, &what);
            }
        }
    }
}

#[test]
fn forward_is_the_formula_and_the_energy_its_opposite() {
    for_each_model(|_, activation, model, x, what| {
        let weights = parameters(model);
        let expected: Vec<f64> = values(x.clone())
            .chunks(INPUT)
            .map(|x| reference(&weights, activation, x))
            .collect();
        let forward = model.forward(x.clone());
        assert_eq!(forward.dims(), [BATCH]);
        assert_close(&values(forward.clone()), &expected, ROUNDING, what);
        assert_eq!(bits(model.energy(x)), bits(forward.neg()), "{what}");
    });
}

#[test]
fn the_input_gradient_equals_finite_differences_of_the_formula() {
    for_each_model(|_, activation, model, x, what| {
        let weights = parameters(model);
        let expected: Vec<f64> = values(x.clone())
            .chunks(INPUT)
            .flat_map(|x| numeric_gradient(|x| -reference(&weights, activation, x), x))
            .collect();
        assert_close(&input_gradient(model, x), &expected, ROUNDING, what);
    });
}

#[test]
fn images_and_vectors_of_the_same_values_have_the_same_energy() {
    for_each_model(|_, _, model, x, what| {
        let image: Tensor<4> = x.clone().reshape([BATCH, 1, 2, 3]);
        let sequence: Tensor<3> = x.clone().reshape([BATCH, 3, 2]);
        let energy = bits(model.energy(x));
        assert_eq!(bits(model.energy(image)), energy, "{what}");
        assert_eq!(bits(model.energy(sequence)), energy, "{what}");
    });
}

#[test]
fn an_energy_does_not_depend_on_the_rest_of_the_batch() {
    for_each_model(|_, _, model, x, what| {
        let whole = values(model.energy(x.clone()));
        for (row, expected) in whole.into_iter().enumerate() {
            let alone = values(model.energy(x.clone().narrow(0, row, 1)));
            // Another batch size may take another matrix product.
            assert_close(&alone, &[expected], ROUNDING, what);
        }
    });
}

#[test]
fn log_ratio_is_positive_where_the_first_is_preferred() {
    for_each_model(|_, _, model, x, what| {
        let other = x.clone().flip([0]);
        let (here, there) = (
            values(model.energy(x.clone())),
            values(model.energy(other.clone())),
        );
        let expected: Vec<f64> = here
            .iter()
            .zip(&there)
            .map(|(e, other)| other - e)
            .collect();
        // One rounding of a value of order 1.
        assert_close(&values(model.log_ratio(x, other)), &expected, 1e-7, what);
    });
}

#[test]
#[should_panic(
    expected = "this Mlp takes 6 values a configuration, but x of shape [2, 1, 7] has 7"
)]
fn a_wrong_shape_is_refused_with_both_shapes() {
    let device = Device::flex();
    let model = MlpConfig::new(6, vec![3]).init(&device, &mut Noise::new(0));
    let _ = model.energy(tensor(&[0.0; 14], [2, 1, 7], &device));
}

#[test]
#[should_panic(expected = "at least one input and one output, got 6 -> 0")]
fn a_layer_without_units_is_refused() {
    let _ = MlpConfig::new(6, vec![0, 3]).init(&Device::flex(), &mut Noise::new(0));
}

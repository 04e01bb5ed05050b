//! Activations equal their formulas, values and derivatives, and are written and read by name.
#![allow(clippy::unwrap_used)]

mod common;

use burn::config::Config;
use burn::tensor::Tensor;
use common::{ACTIVATIONS, activate, assert_close, devices, numeric_gradient, tensor, values};
use ebm_models::{Activation, MlpConfig};

/// From where `exp` overflows in f32 to where it underflows; no kink lies within 1e-5 of a point.
const POINTS: [f64; 16] = [
    -1000.0, -200.0, -90.0, -30.0, -8.0, -3.0, -1.25, -0.1, 0.1, 0.9, 2.5, 6.0, 25.0, 90.0, 200.0,
    1000.0,
];

/// f32 rounds to 6e-8 of the value, and a derivative is at most 1.2 here, so that the error of a
/// few operations is below 1e-6.
const ROUNDING: f64 = 1e-6;

#[test]
fn values_equal_the_formulas() {
    for device in devices() {
        for activation in ACTIVATIONS {
            let found = values(activation.forward(tensor(&POINTS, [16], &device)));
            let expected = POINTS.map(|x| activate(activation, x));
            assert_close(
                &found,
                &expected,
                ROUNDING,
                &format!("{activation} on {device:?}"),
            );
        }
    }
}

#[test]
fn derivatives_equal_the_formulas_far_out_too() {
    for device in devices() {
        for activation in ACTIVATIONS {
            let x: Tensor<1> = tensor(&POINTS, [16], &device).autodiff().require_grad();
            let gradients = activation.forward(x.clone()).sum().backward();
            let found = values(x.grad(&gradients).unwrap());
            let expected =
                POINTS.map(|x| numeric_gradient(|x| activate(activation, x[0]), &[x])[0]);
            assert_close(
                &found,
                &expected,
                ROUNDING,
                &format!("{activation} on {device:?}"),
            );
        }
    }
}

#[test]
fn smooth_functions_have_their_derivative_at_zero() {
    for device in devices() {
        for (activation, expected) in [
            (Activation::Swish, 0.5),
            (Activation::Elu, 1.0),
            (Activation::Gelu, 0.5),
            (Activation::Softplus, 0.5),
            (Activation::Tanh, 1.0),
            (Activation::Sigmoid, 0.25),
        ] {
            let x: Tensor<1> = tensor(&[0.0], [1], &device).autodiff().require_grad();
            let gradients = activation.forward(x.clone()).backward();
            let found = values(x.grad(&gradients).unwrap());
            assert_close(&found, &[expected], ROUNDING, &activation.to_string());
        }
    }
}

#[test]
fn a_name_reads_back_as_what_wrote_it() {
    for activation in ACTIVATIONS {
        assert_eq!(
            activation.to_string().parse::<Activation>().unwrap(),
            activation
        );
    }
    let names = ACTIVATIONS.map(|activation| activation.to_string());
    assert_eq!(
        names,
        [
            "swish",
            "relu",
            "leaky_relu(0.01)",
            "leaky_relu(0.2)",
            "elu",
            "gelu",
            "softplus",
            "tanh",
            "sigmoid"
        ]
    );
    for (name, activation) in [
        ("silu", Activation::Swish),
        ("leaky_relu", Activation::LeakyRelu(0.01)),
        ("leaky_relu(0.05)", Activation::LeakyRelu(0.05)),
        ("leaky_relu( 5e-2 )", Activation::LeakyRelu(0.05)),
        ("leaky_relu(0)", Activation::LeakyRelu(0.0)),
    ] {
        assert_eq!(name.parse::<Activation>().unwrap(), activation, "{name}");
    }
    assert_eq!(Activation::default(), Activation::Swish);
}

#[test]
fn a_configuration_holds_the_name() {
    for activation in ACTIVATIONS {
        let config = MlpConfig::new(2, vec![3]).with_activation(activation);
        let json = config.to_string();
        assert!(json.contains(&format!("\"{activation}\"")), "{json}");
        let read = MlpConfig::load_binary(json.as_bytes()).unwrap();
        assert_eq!(read.activation, activation);
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    for name in [
        "",
        "Swish",
        " relu",
        "mish",
        "leaky_relu()",
        "leaky_relu(0.05",
        "leaky_relu0.05",
        "leaky_relu(x)",
        "leaky_relu(-0.1)",
        "leaky_relu(1)",
        "leaky_relu(inf)",
        "leaky_relu(NaN)",
    ] {
        let message = name.parse::<Activation>().unwrap_err().to_string();
        assert!(message.contains(&format!("`{name}`")), "{message}");
        for activation in ACTIVATIONS {
            let known = activation.to_string();
            let known = known.split('(').next().unwrap();
            assert!(message.contains(known), "{known} is missing in: {message}");
        }
        // The slope is what is wrong in half of these.
        assert!(message.contains("0 <= SLOPE < 1"), "{message}");
        assert!(
            MlpConfig::load_binary(
                format!(r#"{{"input": 2, "hidden": [], "activation": "{name}"}}"#).as_bytes()
            )
            .is_err()
        );
    }
}

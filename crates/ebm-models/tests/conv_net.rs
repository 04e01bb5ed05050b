//! The convolutional network equals a naive convolution, and refuses shapes that don't fit.
#![allow(clippy::unwrap_used)]

mod common;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::maps::{Maps, convolve, positions};
use common::{
    ACTIVATIONS, Parameter, activate, assert_close, assert_naive, bits, devices, linear,
    parameters, tensor, values,
};
use ebm_models::{Activation, ConvLayerConfig, ConvNetConfig, ConvNetError, Energy};
use ebm_ops::Noise;

/// Sums of at most 33 terms of order 1 in four layers, `4 * (33 + 3) * 6e-8`. Terms of either sign
/// make it far less.
const ROUNDING: f64 = 9e-6;

/// `f(x)` for one image.
fn reference(config: &ConvNetConfig, mut parameters: &[Parameter], x: &[f64]) -> f64 {
    let activated = |values: Vec<f64>| -> Vec<f64> {
        values
            .into_iter()
            .map(|x| activate(config.activation, x))
            .collect()
    };
    let mut maps = Maps {
        shape: config.image.into(),
        values: x.to_vec(),
    };
    for layer in &config.layers {
        maps = convolve(&mut parameters, layer, &maps);
        maps.values = activated(maps.values);
    }
    assert_eq!(config.feature_shape(), Ok(maps.shape.into()));
    let hidden = activated(linear(&mut parameters, &maps.values));
    let output = linear(&mut parameters, &hidden);
    assert!(parameters.is_empty() && output.len() == 1);
    output[0]
}

/// Two layers, of different kernels, strides and paddings, on a non-square image of two channels.
fn small(activation: Activation) -> ConvNetConfig {
    ConvNetConfig::new([2, 5, 7].into())
        .with_layers(vec![
            ConvLayerConfig::new(3, 4, 1, 2),
            ConvLayerConfig::new(2, 3, 2, 1),
        ])
        .with_hidden(4)
        .with_activation(activation)
}

#[test]
fn forward_and_input_gradient_equal_the_naive_convolution() {
    for device in devices() {
        for activation in ACTIVATIONS {
            let config = small(activation);
            let mut noise = Noise::new(21);
            let model = config.init(&device, &mut noise).unwrap();
            let weights = parameters(&model);
            let x: Tensor<4> = noise.normal([3, 2, 5, 7], &device);
            let what = format!("{activation} on {device:?}");
            let forward = model.forward(x.clone());
            let naive = |x: &[f64]| reference(&config, &weights, x);
            assert_naive(&model, forward, x, naive, ROUNDING, &what);
        }
    }
}

#[test]
fn the_default_network_is_that_of_the_tutorial() {
    let config = ConvNetConfig::new([1, 28, 28].into());
    assert_eq!(config.feature_shape(), Ok([64, 2, 2].into()));
    assert_eq!(config.activation, Activation::Swish);
    let model = config.init(&Device::flex(), &mut Noise::new(0)).unwrap();
    let shapes: Vec<Vec<usize>> = parameters(&model).into_iter().map(|p| p.shape).collect();
    let expected: [&[usize]; 12] = [
        &[16, 1, 5, 5],
        &[16],
        &[32, 16, 3, 3],
        &[32],
        &[64, 32, 3, 3],
        &[64],
        &[64, 64, 3, 3],
        &[64],
        &[256, 64],
        &[64],
        &[64, 1],
        &[1],
    ];
    assert_eq!(shapes, expected);
    // (1*25 + 1) 16 + (16*9 + 1) 32 + (32*9 + 1) 64 + (64*9 + 1) 64 + (256 + 1) 64 + 65
    assert_eq!(model.num_params(), 76_993);
}

#[test]
fn the_default_layers_fit_images_of_many_sizes() {
    let device = Device::flex();
    for (image, features) in [
        ([1, 28, 28], [64, 2, 2]),
        ([1, 8, 8], [64, 1, 1]),
        ([3, 32, 32], [64, 3, 3]),
        ([1, 28, 8], [64, 2, 1]),
        ([2, 20, 45], [64, 2, 4]),
        ([1, 1, 1], [64, 1, 1]),
    ] {
        let config = ConvNetConfig::new(image.into());
        assert_eq!(config.feature_shape(), Ok(features.into()), "{image:?}");
        let mut noise = Noise::new(3);
        let model = config.init(&device, &mut noise).unwrap();
        let [channels, height, width] = image;
        let x: Tensor<4> = noise.normal([2, channels, height, width], &device);
        let weights = parameters(&model);
        let expected: Vec<f64> = values(x.clone())
            .chunks(channels * height * width)
            .map(|x| reference(&config, &weights, x))
            .collect();
        // Up to 577 terms, whose rounding errors have random signs: sqrt(577) * 6 layers * 6e-8.
        assert_close(
            &values(model.forward(x)),
            &expected,
            9e-6,
            &format!("{image:?}"),
        );
    }
}

#[test]
fn a_feature_map_has_as_many_pixels_as_the_kernel_has_positions() {
    let device = Device::flex();
    for side in 1..7 {
        for kernel in 1..6 {
            for stride in 1..4 {
                for padding in 0..4 {
                    let layer = ConvLayerConfig::new(2, kernel, stride, padding);
                    let config = ConvNetConfig::new([1, side, 4].into())
                        .with_layers(vec![layer])
                        .with_hidden(1);
                    let (height, width) = (positions(side, &layer), positions(4, &layer));
                    if height == 0 || width == 0 {
                        let error = ConvNetError::KernelTooLarge {
                            layer: 0,
                            kernel,
                            padding,
                            height: side,
                            width: 4,
                        };
                        assert_eq!(config.feature_shape(), Err(error.clone()));
                        let built = config.init(&device, &mut Noise::new(0));
                        assert_eq!(built.err(), Some(error));
                    } else {
                        assert_eq!(
                            config.feature_shape(),
                            Ok([2, height, width].into()),
                            "{layer:?}"
                        );
                        // A network whose shapes don't fit would panic.
                        let model = config.init(&device, &mut Noise::new(0)).unwrap();
                        let _ =
                            model.energy(tensor(&vec![0.0; side * 4], [1, 1, side, 4], &device));
                    }
                }
            }
        }
    }
}

#[test]
fn without_convolutions_it_is_a_perceptron_on_the_pixels() {
    let device = Device::flex();
    let config = ConvNetConfig::new([2, 3, 4].into()).with_layers(vec![]);
    assert_eq!(config.feature_shape(), Ok([2, 3, 4].into()));
    let model = config.init(&device, &mut Noise::new(5)).unwrap();
    let perceptron = ebm_models::MlpConfig::new(24, vec![64]).init(&device, &mut Noise::new(5));
    let x: Tensor<4> = Noise::new(6).normal([3, 2, 3, 4], &device);
    assert_eq!(bits(model.energy(x.clone())), bits(perceptron.energy(x)));
}

#[test]
fn an_error_names_the_layer_that_does_not_fit() {
    let config = ConvNetConfig::new([1, 9, 3].into()).with_layers(vec![
        ConvLayerConfig::new(4, 3, 1, 0),
        ConvLayerConfig::new(4, 4, 1, 1),
    ]);
    let error = config.feature_shape().unwrap_err();
    assert_eq!(
        error.to_string(),
        "convolution 1 has a kernel of 4 pixels (padding 1) but its input is only 7x1: use fewer or smaller layers"
    );
    for layer in [
        ConvLayerConfig::new(0, 3, 1, 1),
        ConvLayerConfig::new(4, 0, 1, 1),
        ConvLayerConfig::new(4, 3, 0, 1),
    ] {
        let config = ConvNetConfig::new([1, 9, 9].into())
            .with_layers(vec![ConvLayerConfig::new(4, 3, 1, 1), layer]);
        let error = config.feature_shape().unwrap_err();
        assert_eq!(error, ConvNetError::ZeroSize { layer: 1 });
        assert!(error.to_string().starts_with("convolution 1: "), "{error}");
    }
    for padding in [usize::MAX, usize::MAX / 2 + 1] {
        let huge = ConvLayerConfig::new(4, 3, 1, padding);
        let huge = ConvNetConfig::new([1, 9, 9].into()).with_layers(vec![huge]);
        assert!(huge.feature_shape().is_err());
    }
}

#[test]
fn an_empty_image_or_hidden_layer_is_an_error_too() {
    let device = Device::flex();
    for config in [
        ConvNetConfig::new([0, 9, 9].into()),
        ConvNetConfig::new([1, 0, 9].into()).with_layers(vec![]),
        ConvNetConfig::new([1, 9, 0].into()),
        ConvNetConfig::new([1, 9, 9].into()).with_hidden(0),
    ] {
        assert!(
            config.init(&device, &mut Noise::new(0)).is_err(),
            "{config}"
        );
    }
}

#[test]
fn a_configuration_reads_back() {
    let config = small(Activation::LeakyRelu(0.05));
    let read = ConvNetConfig::load_binary(config.to_string().as_bytes()).unwrap();
    assert_eq!(read.to_string(), config.to_string());
    assert_eq!(read.layers, config.layers);
    assert_eq!((read.image, read.hidden), ([2, 5, 7].into(), 4));
}

#[test]
#[should_panic(
    expected = "this ConvNet takes images of shape [1, 8, 8], but x is of shape [2, 1, 8, 9]"
)]
fn a_wrong_shape_is_refused_with_both_shapes() {
    let device = Device::flex();
    let model = ConvNetConfig::new([1, 8, 8].into())
        .init(&device, &mut Noise::new(0))
        .unwrap();
    let _ = model.energy(tensor(&[0.0; 144], [2, 1, 8, 9], &device));
}

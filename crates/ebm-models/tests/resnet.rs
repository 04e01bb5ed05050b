//! The residual network equals a naive one, and refuses images that can't be halved so often.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::maps::{Maps, convolve};
use common::{ACTIVATIONS, Parameter, activate, assert_naive, bits, devices, linear, parameters};
use ebm_models::{Activation, ConvLayerConfig, Energy, Pooling, ResNetConfig, ResNetError};
use ebm_ops::Noise;

/// Sums of at most 33 terms of order 1 in nine layers, `9 * (33 + 3) * 6e-8`. Terms of either sign
/// make it far less.
const ROUNDING: f64 = 2e-5;

/// `f(x)` for one image. Parameters come as the network has them: the first convolution, those
/// between stages, those of the blocks, the output.
fn reference(config: &ResNetConfig, parameters: &[Parameter], x: &[f64]) -> f64 {
    let layer = |maps, kernel, stride| ConvLayerConfig::new(maps, kernel, stride, 1);
    let activated = |maps: &Maps| Maps {
        shape: maps.shape,
        values: maps
            .values
            .iter()
            .map(|&x| activate(config.activation, x))
            .collect(),
    };
    let stages = config.widths.len();
    let (mut stem, rest) = parameters.split_at(2);
    let (mut transitions, rest) = rest.split_at(2 * (stages - 1));
    let (mut blocks, mut output) = rest.split_at(4 * config.blocks * stages);
    let mut maps = Maps {
        shape: config.image.into(),
        values: x.to_vec(),
    };
    maps = convolve(&mut stem, &layer(config.widths[0], 3, 1), &maps);
    for (stage, &width) in config.widths.iter().enumerate() {
        if stage > 0 {
            maps = convolve(&mut transitions, &layer(width, 4, 2), &activated(&maps));
        }
        assert_eq!(maps.shape[1..], config.sides().unwrap()[stage]);
        for _ in 0..config.blocks {
            let inner = convolve(&mut blocks, &layer(width, 3, 1), &activated(&maps));
            let outer = convolve(&mut blocks, &layer(width, 3, 1), &activated(&inner));
            let sums = maps.values.iter().zip(outer.values);
            maps.values = sums.map(|(a, b)| a + b).collect();
        }
    }
    let pixels = maps.shape[1] * maps.shape[2];
    let last = activated(&maps);
    let pooled: Vec<f64> = last
        .values
        .chunks(pixels)
        .map(|map| match config.pooling {
            Pooling::Average => map.iter().sum::<f64>() / pixels as f64,
            _ => map.iter().sum(),
        })
        .collect();
    let found = linear(&mut output, &pooled);
    assert!(output.is_empty() && found.len() == 1);
    found[0]
}

/// Two stages on a non-square image of two channels.
fn small(activation: Activation, pooling: Pooling) -> ResNetConfig {
    ResNetConfig::new([2, 5, 4].into())
        .with_widths(vec![3, 2])
        .with_activation(activation)
        .with_pooling(pooling)
}

#[test]
fn forward_and_input_gradient_equal_the_naive_network() {
    for device in devices() {
        for (number, activation) in ACTIVATIONS.into_iter().enumerate() {
            let pooling = [Pooling::Sum, Pooling::Average][number % 2];
            let config = small(activation, pooling).with_blocks(number % 3);
            let mut noise = Noise::new(21);
            let model = config.init(&device, &mut noise).unwrap();
            let weights = parameters(&model);
            let x: Tensor<4> = noise.normal([3, 2, 5, 4], &device);
            let what = format!("{activation} on {device:?}");
            let forward = model.forward(x.clone());
            let naive = |x: &[f64]| reference(&config, &weights, x);
            assert_naive(&model, forward, x, naive, ROUNDING, &what);
        }
    }
}

#[test]
fn the_default_has_three_stages() {
    let config = ResNetConfig::new([1, 28, 28].into());
    assert_eq!(config.sides(), Ok(vec![[28, 28], [14, 14], [7, 7]]));
    assert_eq!(config.activation, Activation::Swish);
    let model = config.init(&Device::flex(), &mut Noise::new(0)).unwrap();
    let shapes: Vec<Vec<usize>> = parameters(&model).into_iter().map(|p| p.shape).collect();
    assert_eq!(shapes[..2], [vec![32, 1, 3, 3], vec![32]]);
    assert_eq!(shapes[2..4], [vec![64, 32, 4, 4], vec![64]]);
    assert_eq!(shapes[shapes.len() - 2..], [vec![128, 1], vec![1]]);
    assert_eq!(shapes.len(), 2 + 2 * 2 + 3 * 4 + 2);
}

#[test]
fn what_cannot_be_built_is_refused() {
    let device = Device::flex();
    let build = |config: ResNetConfig| config.init(&device, &mut Noise::new(0)).err();
    let image = [1, 3, 9].into();
    let stages = ResNetConfig::new(image).with_widths(vec![4; 3]);
    assert_eq!(
        build(stages.clone()).unwrap().to_string(),
        "images of 3x9 pixels have none left after stage 2, since each stage but the first halves them: use fewer stages"
    );
    assert_eq!(build(stages.with_widths(vec![4; 2])), None);
    let none = ResNetError::NoMaps { widths: vec![] };
    assert_eq!(
        build(ResNetConfig::new(image).with_widths(vec![])),
        Some(none)
    );
    let empty = ResNetConfig::new([0, 3, 3].into());
    assert!(matches!(build(empty), Some(ResNetError::EmptyImage { .. })));
}

/// Blocks of a batch are worked on side by side only where they don't see each other.
#[test]
fn an_image_does_not_depend_on_its_batch() {
    let device = Device::flex();
    let config = ResNetConfig::new([3, 12, 12].into()).with_widths(vec![16, 24]);
    let mut noise = Noise::new(4);
    let model = config.init(&device, &mut noise).unwrap();
    let x: Tensor<4> = noise.normal([40, 3, 12, 12], &device);
    let all = model.energy(x.clone());
    let one = model.energy(x.narrow(0, 33, 1));
    assert_eq!(bits(one), bits(all.narrow(0, 33, 1)));
}

//! The device that the benchmarks run on: `flex`, or what `EBM_BACKEND` names and `EBM_DEVICE`
//! numbers.

use burn::tensor::Device;
use ebm::models::{
    Activation, ConvLayerConfig, ConvNet, ConvNetConfig, ImageShape, ResNet, ResNetConfig,
};
use ebm::ops::Noise;

/// Opens the device.
pub(crate) fn device() -> Device {
    let name = std::env::var("EBM_BACKEND").unwrap_or_else(|_| "flex".into());
    let number = std::env::var("EBM_DEVICE").map_or(Ok(0), |text| text.parse());
    let number = number.unwrap_or_else(|error| panic!("EBM_DEVICE: {error}"));
    match ebm::backend::select(&name, number) {
        Ok(choice) => choice.device,
        Err(error) => panic!("EBM_BACKEND: {error}"),
    }
}

/// The network of the `cifar10` preset, written out as in `compare/pytorch.py`.
#[allow(dead_code)] // most benchmarks have smaller ones
pub(crate) fn cifar_net(device: &Device) -> ConvNet {
    let layer = |maps, kernel, stride| ConvLayerConfig::new(maps, kernel, stride, 1);
    let config = ConvNetConfig {
        layers: vec![
            layer(64, 3, 1),
            layer(128, 4, 2),
            layer(256, 4, 2),
            layer(256, 4, 2),
        ],
        hidden: 128,
        activation: Activation::LeakyRelu(0.05),
        ..ConvNetConfig::new(ImageShape::new(3, 32, 32))
    };
    config.init(device, &mut Noise::new(1)).unwrap()
}

/// The residual network by default, on images in colour.
#[allow(dead_code)] // as above
pub(crate) fn resnet(device: &Device) -> ResNet {
    ResNetConfig::new(ImageShape::new(3, 32, 32))
        .with_activation(Activation::LeakyRelu(0.05))
        .init(device, &mut Noise::new(1))
        .unwrap()
}

/// Waits for the device, so that what is timed has happened.
#[allow(dead_code)] // what only counts gradients times nothing
pub(crate) fn finish(device: &Device) {
    device.sync().unwrap();
}

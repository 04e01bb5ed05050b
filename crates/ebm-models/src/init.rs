//! Layers whose initial parameters come from `Noise`, so that a seed fixes them on every backend.
//!
//! Burn's own initialisers draw from a global generator when a parameter is first used, which makes the
//! weights depend on the order of use and on the backend.

use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::Device;
use ebm_ops::Noise;

/// A fully connected layer, weight `[inputs, outputs]` and bias drawn from `U(-k, k)`, `k = 1 / sqrt(inputs)`.
pub(crate) fn linear(inputs: usize, outputs: usize, device: &Device, noise: &mut Noise) -> Linear {
    assert!(
        inputs > 0 && outputs > 0,
        "a layer needs at least one input and one output, got {inputs} -> {outputs}"
    );
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut layer = LinearConfig::new(inputs, outputs).init(device);
    layer.weight = Param::from_tensor(noise.uniform_in([inputs, outputs], [-bound, bound], device));
    layer.bias = Some(Param::from_tensor(noise.uniform_in(
        [outputs],
        [-bound, bound],
        device,
    )));
    layer
}

/// A square 2-D convolution, weight and bias drawn from `U(-k, k)`, `k = 1 / sqrt(channels_in * kernel^2)`.
pub(crate) fn conv2d(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    device: &Device,
    noise: &mut Noise,
) -> Conv2d {
    let [channels_in, channels_out] = channels;
    let bound = 1.0 / ((channels_in * kernel * kernel) as f64).sqrt();
    let mut layer = Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .init(device);
    let shape = [channels_out, channels_in, kernel, kernel];
    layer.weight = Param::from_tensor(noise.uniform_in(shape, [-bound, bound], device));
    layer.bias = Some(Param::from_tensor(noise.uniform_in(
        [channels_out],
        [-bound, bound],
        device,
    )));
    layer
}

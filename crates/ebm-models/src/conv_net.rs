//! A convolutional energy for images, by default the network of the UvA deep-learning tutorial 8.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use ebm_ops::{Noise, Stride2d, conv2d};

use crate::activation::Activation;
use crate::energy::Energy;
use crate::image_shape::ImageShape;
use crate::init;
use crate::precision::linear;

/// One square convolution of a [`ConvNet`].
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct ConvLayerConfig {
    /// Number of feature maps it makes.
    pub channels: usize,
    /// Side of the kernel in pixels.
    pub kernel: usize,
    /// Step between applications in pixels.
    pub stride: usize,
    /// Zeros added on each side in pixels.
    pub padding: usize,
}

impl ConvLayerConfig {
    /// Side of the output for an input side, `(side + 2 padding - kernel) / stride + 1`.
    fn output_side(&self, side: usize) -> Option<usize> {
        let padded = self.padding.checked_mul(2)?.checked_add(side)?;
        Some(padded.checked_sub(self.kernel)? / self.stride + 1)
    }
}

/// Layers of a [`ConvNet`].
///
/// The default layers are those of the UvA tutorial 8 ("Deep Energy-Based Models", Lippe 2020):
/// convolutions 1 -> 16 (kernel 5, stride 2, padding 4), 16 -> 32, 32 -> 64, 64 -> 64 (kernel 3,
/// stride 2, padding 1), Swish, then 64 hidden units.
#[derive(Config, Debug)]
pub struct ConvNetConfig {
    /// The shape of an image.
    pub image: ImageShape,
    /// The convolutions, first to last.
    #[config(default = "ConvNetConfig::tutorial_layers()")]
    pub layers: Vec<ConvLayerConfig>,
    /// Width of the fully connected layer before the output.
    #[config(default = 64)]
    pub hidden: usize,
    /// Non-linearity after each layer but the last.
    #[config(default = "Activation::Swish")]
    pub activation: Activation,
}

/// `f(x)` = convolutions, flatten, hidden layer, one output; `E = -f`.
#[derive(Module, Debug)]
pub struct ConvNet {
    convolutions: Vec<Conv2d>,
    hidden: Linear,
    output: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    image: ImageShape,
}

/// A [`ConvNetConfig`] that describes no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvNetError {
    /// A kernel is larger than what it is applied to.
    #[error(
        "convolution {layer} has a kernel of {kernel} pixels (padding {padding}) but its input is only {height}x{width}: use fewer or smaller layers"
    )]
    KernelTooLarge {
        /// Index of the convolution, from 0.
        layer: usize,
        /// Its kernel side.
        kernel: usize,
        /// Its padding.
        padding: usize,
        /// Height of its input.
        height: usize,
        /// Width of its input.
        width: usize,
    },
    /// The image has no pixels or no channels.
    #[error(
        "an image of shape {image} has no values: channels, height and width must be at least 1"
    )]
    EmptyImage {
        /// Its shape.
        image: ImageShape,
    },
    /// The fully connected layer has no units.
    #[error("the hidden layer must have at least 1 unit")]
    NoHiddenUnits,
    /// A size of a convolution that has to be positive is zero.
    #[error("convolution {layer}: channels, kernel and stride must be at least 1")]
    ZeroSize {
        /// Index of the convolution, from 0.
        layer: usize,
    },
}

impl ConvNetConfig {
    /// The convolutions of the UvA tutorial 8.
    pub fn tutorial_layers() -> Vec<ConvLayerConfig> {
        vec![
            ConvLayerConfig::new(16, 5, 2, 4),
            ConvLayerConfig::new(32, 3, 2, 1),
            ConvLayerConfig::new(64, 3, 2, 1),
            ConvLayerConfig::new(64, 3, 2, 1),
        ]
    }

    /// Channels, height and width after the last convolution.
    ///
    /// # Errors
    ///
    /// If a kernel doesn't fit its input, or a size of the image or of a convolution is zero.
    pub fn feature_shape(&self) -> Result<ImageShape, ConvNetError> {
        if self.image.values() == 0 {
            return Err(ConvNetError::EmptyImage { image: self.image });
        }
        let [mut channels, mut height, mut width] = self.image.into();
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.channels == 0 || layer.kernel == 0 || layer.stride == 0 {
                return Err(ConvNetError::ZeroSize { layer: index });
            }
            let (Some(h), Some(w)) = (layer.output_side(height), layer.output_side(width)) else {
                return Err(ConvNetError::KernelTooLarge {
                    layer: index,
                    kernel: layer.kernel,
                    padding: layer.padding,
                    height,
                    width,
                });
            };
            (channels, height, width) = (layer.channels, h, w);
        }
        Ok(ImageShape::new(channels, height, width))
    }

    /// Builds the network with weights and biases from `U(-k, k)`,
    /// `k = 1 / sqrt(inputs of one unit)`.
    ///
    /// # Errors
    ///
    /// If a kernel doesn't fit its input or a size is zero.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<ConvNet, ConvNetError> {
        let features = self.feature_shape()?.values();
        if self.hidden == 0 {
            return Err(ConvNetError::NoHiddenUnits);
        }
        let mut channels = self.image.channels;
        let convolutions = self
            .layers
            .iter()
            .map(|layer| {
                let pair = [channels, layer.channels];
                channels = layer.channels;
                init::conv2d(
                    pair,
                    layer.kernel,
                    layer.stride,
                    layer.padding,
                    device,
                    noise,
                )
            })
            .collect();
        Ok(ConvNet {
            convolutions,
            hidden: init::linear(features, self.hidden, device, noise),
            output: init::linear(self.hidden, 1, device, noise),
            activation: self.activation,
            image: self.image,
        })
    }
}

impl ConvNet {
    /// The unnormalised log-density `f(x) = -E(x)`.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, channels, height, width]`
    /// - output: `[batch]`
    ///
    /// # Panics
    ///
    /// If the images aren't of the shape that the network was built for.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<1> {
        let (shape, expected) = (x.dims(), <[usize; 3]>::from(self.image));
        assert_eq!(
            shape[1..],
            expected,
            "this ConvNet takes images of shape {expected:?}, but x is of shape {shape:?}"
        );
        let features = self
            .convolutions
            .iter()
            .fold(x, |x, layer| self.activation.forward(convolve(layer, x)));
        let features: Tensor<2> = features.flatten(1, 3);
        let hidden = self.activation.forward(linear(&self.hidden, features));
        linear(&self.output, hidden).squeeze_dim(1)
    }
}

/// The convolution of a layer, which has a bias and pads all sides alike, in the type of its
/// weight.
pub(crate) fn convolve(layer: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let PaddingConfig2d::Explicit(top, left, ..) = layer.padding else {
        return layer.forward(x);
    };
    let Some(bias) = &layer.bias else {
        return layer.forward(x);
    };
    let steps = Stride2d {
        stride: layer.stride,
        padding: [top, left],
    };
    let (outside, weight) = (x.dtype(), layer.weight.val());
    let inside = weight.dtype();
    if outside == inside {
        return conv2d(x, weight, bias.val(), steps);
    }
    conv2d(x.cast(inside), weight, bias.val().cast(inside), steps).cast(outside)
}

impl Energy<4> for ConvNet {
    fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        self.forward(x).neg()
    }

    fn takes_parts(&self) -> bool {
        true
    }
}

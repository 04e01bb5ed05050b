//! The small convolutional network of a classifier, and how images reach networks.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, module};
use ebm_ops::activation::swish;
use ebm_ops::{Interval, Noise, Stride2d, conv2d, linear};

use crate::rows;

/// The longest side of an image that a network looks at; what is larger is averaged.
const MOST_PIXELS: usize = 32;

/// The side of feature maps that isn't halved any more.
const FEWEST_PIXELS: usize = 4;

/// Feature maps and kernel of each convolution, first to last.
const LAYERS: [(usize, usize); 3] = [(16, 5), (32, 3), (64, 3)];

/// Units of the last hidden layer, whose values are the features.
pub(super) const HIDDEN: usize = 64;

/// Images with values of a range, brought to `[-1, 1]` and to sides of up to 32 pixels:
/// `[count, channels, height, width]`.
pub(super) fn prepare(images: Tensor<4>, range: Interval) -> Tensor<4> {
    let images = images
        .sub_scalar(range.middle())
        .mul_scalar(2.0 / range.width());
    let [_, _, height, width] = images.dims();
    let sides = [height, width].map(|side| side.min(MOST_PIXELS));
    if sides == [height, width] {
        return images;
    }
    module::adaptive_avg_pool2d(images, sides)
}

/// A square convolution that keeps the sides of its input, or halves them.
#[derive(Module, Debug)]
pub(super) struct Convolution {
    /// `[maps, channels, kernel, kernel]`
    weight: Param<Tensor<4>>,
    /// `[maps]`
    bias: Param<Tensor<1>>,
}

impl Convolution {
    fn new(
        channels: usize,
        maps: usize,
        kernel: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let weight = noise.uniform_in(
            [maps, channels, kernel, kernel],
            bounds(channels * kernel * kernel),
            device,
        );
        Self {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(Tensor::zeros([maps], device)),
        }
    }

    /// `[batch, channels, height, width]` to `[batch, maps, ceil(height / s), ceil(width / s)]`
    /// with a step `s` of 2 along sides above 4.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let kernel = self.weight.dims()[2];
        let steps = Stride2d {
            stride: [height, width].map(|side| if side > FEWEST_PIXELS { 2 } else { 1 }),
            padding: [kernel / 2; 2],
        };
        conv2d(x, self.weight.val(), self.bias.val(), steps)
    }
}

/// A fully connected layer.
#[derive(Module, Debug)]
pub(super) struct Dense {
    /// `[inputs, outputs]`
    weight: Param<Tensor<2>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
}

impl Dense {
    fn new(inputs: usize, outputs: usize, device: &Device, noise: &mut Noise) -> Self {
        Self {
            weight: Param::from_tensor(noise.uniform_in([inputs, outputs], bounds(inputs), device)),
            bias: Param::from_tensor(Tensor::zeros([outputs], device)),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.weight.val(), self.bias.val())
    }
}

/// Uniforms of these bounds keep the size of values through a layer of half-linear units (He et
/// al. 2015).
fn bounds(inputs: usize) -> [f64; 2] {
    let bound = (6.0 / inputs as f64).sqrt();
    [-bound, bound]
}

/// Three convolutions, a hidden layer of 64 units and one output a class, with Swish between.
#[derive(Module, Debug)]
pub(super) struct Network {
    convolutions: Vec<Convolution>,
    hidden: Dense,
    output: Dense,
}

impl Network {
    /// Draws a network for images of `shape` (channels, height, width).
    pub(super) fn new(
        shape: [usize; 3],
        classes: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let [mut channels, height, width] = shape;
        let mut convolutions = Vec::new();
        let mut sides = [height, width].map(|side| side.min(MOST_PIXELS));
        for (maps, kernel) in LAYERS {
            convolutions.push(Convolution::new(channels, maps, kernel, device, noise));
            channels = maps;
            sides = sides.map(|side| {
                if side > FEWEST_PIXELS {
                    side.div_ceil(2)
                } else {
                    side
                }
            });
        }
        let flat = channels * sides[0] * sides[1];
        Self {
            convolutions,
            hidden: Dense::new(flat, HIDDEN, device, noise),
            output: Dense::new(HIDDEN, classes, device, noise),
        }
    }

    /// The values of the hidden layer, `[batch, 64]`, and the unnormalised log-probabilities of the
    /// classes, `[batch, classes]`, of images from [`prepare`].
    pub(super) fn forward(&self, images: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let maps = self
            .convolutions
            .iter()
            .fold(images, |x, layer| swish(layer.forward(x)));
        let hidden = swish(self.hidden.forward(rows(maps)));
        let outputs = self.output.forward(hidden.clone());
        (hidden, outputs)
    }
}

//! A residual network for images: stages of residual blocks, each at half the sides of the one
//! before.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::conv_net::convolve;
use crate::energy::Energy;
use crate::image_shape::ImageShape;
use crate::init;
use crate::precision::linear;

/// How the pixels of the last feature maps become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pooling {
    /// Their mean: the energy of an image doesn't grow with its size.
    Average,
    /// Their sum: each part of an image has its own energy, and those add up (Du & Mordatch 2019).
    #[default]
    Sum,
}

/// Sizes of a [`ResNet`].
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// The shape of an image.
    pub image: ImageShape,
    /// Feature maps of each stage, first to last.
    #[config(default = "ResNetConfig::default_widths()")]
    pub widths: Vec<usize>,
    /// Residual blocks of a stage.
    #[config(default = 1)]
    pub blocks: usize,
    /// Non-linearity before each convolution but the first, and before the output.
    #[config(default = "Activation::Swish")]
    pub activation: Activation,
    /// How pixels become one vector.
    #[config(default = "Pooling::Sum")]
    pub pooling: Pooling,
}

/// A [`ResNetConfig`] that describes no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResNetError {
    /// The image has no pixels or no channels.
    #[error(
        "an image of shape {image} has no values: channels, height and width must be at least 1"
    )]
    EmptyImage {
        /// Its shape.
        image: ImageShape,
    },
    /// There are more stages than an image can be halved.
    #[error(
        "images of {height}x{width} pixels have none left after stage {stage}, since each stage but the first halves them: use fewer stages"
    )]
    TooManyStages {
        /// The height of an image.
        height: usize,
        /// The width of an image.
        width: usize,
        /// The last stage that has pixels, from 1.
        stage: usize,
    },
    /// There is no stage, or one without feature maps.
    #[error("a residual network needs a stage, and each of them a feature map; found {widths:?}")]
    NoMaps {
        /// The feature maps of each stage.
        widths: Vec<usize>,
    },
}

/// `h + conv(a(conv(a(h))))`, with 3x3 kernels and as many feature maps as there were (He et al.
/// 2016, "Identity mappings in deep residual networks"), without normalisation: an energy of one
/// image must not depend on others.
#[derive(Module, Debug)]
struct ResidualBlock {
    first: Conv2d,
    second: Conv2d,
}

/// `f(x)` = a 3x3 convolution, then stages of residual blocks, then pooling and one output;
/// `E = -f`. Between stages a convolution of 4x4 kernels halves the sides.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Conv2d,
    transitions: Vec<Conv2d>,
    /// Those of the first stage, then those of the second, and so on.
    blocks: Vec<ResidualBlock>,
    output: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    pooling: Pooling,
    #[module(skip)]
    image: ImageShape,
}

impl ResNetConfig {
    /// Three stages, for 28x28 and 32x32 pixels.
    pub fn default_widths() -> Vec<usize> {
        vec![32, 64, 128]
    }

    /// Height and width of the feature maps of each stage.
    ///
    /// # Errors
    ///
    /// If there is no stage, one without feature maps, or more than the image can be halved.
    pub fn sides(&self) -> Result<Vec<[usize; 2]>, ResNetError> {
        if self.image.values() == 0 {
            return Err(ResNetError::EmptyImage { image: self.image });
        }
        if self.widths.is_empty() || self.widths.contains(&0) {
            return Err(ResNetError::NoMaps {
                widths: self.widths.clone(),
            });
        }
        let ImageShape { height, width, .. } = self.image;
        let mut sides = vec![[height, width]];
        for stage in 1..self.widths.len() {
            let next = sides[stage - 1].map(|side| side / 2);
            if next.contains(&0) {
                return Err(ResNetError::TooManyStages {
                    height,
                    width,
                    stage,
                });
            }
            sides.push(next);
        }
        Ok(sides)
    }

    /// Builds the network with weights and biases from `U(-k, k)`,
    /// `k = 1 / sqrt(inputs of one unit)`.
    ///
    /// # Errors
    ///
    /// Those of [`sides`](Self::sides).
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<ResNet, ResNetError> {
        self.sides()?;
        let mut small = |from, to| init::conv2d([from, to], 3, 1, 1, device, noise);
        let stem = small(self.image.channels, self.widths[0]);
        let widths = self.widths.iter();
        let blocks = widths
            .flat_map(|&width| std::iter::repeat_n(width, self.blocks))
            .map(|width| ResidualBlock {
                first: small(width, width),
                second: small(width, width),
            })
            .collect();
        let transitions = self
            .widths
            .windows(2)
            .map(|pair| init::conv2d([pair[0], pair[1]], 4, 2, 1, device, noise))
            .collect();
        let last = self.widths[self.widths.len() - 1];
        Ok(ResNet {
            stem,
            transitions,
            blocks,
            output: init::linear(last, 1, device, noise),
            activation: self.activation,
            pooling: self.pooling,
            image: self.image,
        })
    }
}

impl ResNet {
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
            "this ResNet takes images of shape {expected:?}, but x is of shape {shape:?}"
        );
        let stages = self.transitions.len() + 1;
        let mut blocks = self.blocks.chunks((self.blocks.len() / stages).max(1));
        let mut features = convolve(&self.stem, x);
        for stage in 0..stages {
            if stage > 0 {
                let before = self.activation.forward(features);
                features = convolve(&self.transitions[stage - 1], before);
            }
            for block in blocks.next().unwrap_or_default() {
                features = block.forward(features, self.activation);
            }
        }
        let pooled = self.pool(self.activation.forward(features));
        linear(&self.output, pooled).squeeze_dim(1)
    }

    /// `[batch, maps, height, width]` to `[batch, maps]`.
    fn pool(&self, features: Tensor<4>) -> Tensor<2> {
        let [batch, maps, height, width] = features.dims();
        let pixels: Tensor<3> =
            features
                .permute([0, 2, 3, 1])
                .reshape([batch, height * width, maps]);
        match self.pooling {
            Pooling::Average => pixels.mean_dim(1),
            Pooling::Sum => pixels.sum_dim(1),
        }
        .squeeze_dim(1)
    }
}

impl ResidualBlock {
    fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let inner = convolve(&self.first, activation.forward(x.clone()));
        x + convolve(&self.second, activation.forward(inner))
    }
}

impl Energy<4> for ResNet {
    fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        self.forward(x).neg()
    }

    fn takes_parts(&self) -> bool {
        true
    }
}

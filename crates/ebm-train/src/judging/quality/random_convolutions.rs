//! A fixed convolutional network of random weights: features of images without labels.

use burn::tensor::{Device, Tensor};
use ebm_ops::{Interval, Noise, Stride2d, activation, conv2d};

use super::network::prepare;

/// The seed of the weights, which are the same for all data.
const SEED: u64 = 0x6665_6174_7572_6573;

/// Feature maps of each layer; the first keeps the sides of the image, the others halve them.
const MAPS: [usize; 3] = [16, 24, 24];

/// Side of the kernels.
const KERNEL: usize = 3;

/// The slope of units below 0.
const SLOPE: f64 = 0.2;

/// Means and standard deviations of the feature maps of three convolutions with random weights,
/// which nobody trains: 128 features of images of any size and number of channels.
///
/// Networks of random weights tell textures and shapes nearly as well as trained ones where nothing
/// is known of the images (Naeem et al., "Reliable fidelity and diversity metrics for generative
/// models", ICML 2020, take one for that).
#[derive(Clone, Debug)]
pub struct RandomConvolutions {
    /// `[maps, channels, kernel, kernel]` and `[maps]`, first to last.
    layers: Vec<(Tensor<4>, Tensor<1>)>,
    range: Interval,
}

impl RandomConvolutions {
    /// The network for images of so many channels with values of a range.
    pub fn new(channels: usize, range: Interval, device: &Device) -> Self {
        let mut noise = Noise::new(SEED);
        let mut inputs = channels;
        let layers = MAPS.map(|maps| {
            let shape = [maps, inputs, KERNEL, KERNEL];
            let weight: Tensor<4> = noise.normal(shape, device);
            // Keeps the size of values through a layer of half-linear units (He et al. 2015).
            let scale = (2.0 / (inputs * KERNEL * KERNEL) as f64).sqrt();
            inputs = maps;
            let bias: Tensor<1> = noise.normal([maps], device);
            (weight.mul_scalar(scale), bias.mul_scalar(0.1))
        });
        Self {
            layers: layers.to_vec(),
            range,
        }
    }

    /// The features of images.
    ///
    /// # Shapes
    ///
    /// - `images`: `[count, channels, height, width]`
    /// - output: `[count, 128]`
    ///
    /// # Panics
    ///
    /// If the images have another number of channels.
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = prepare(images, self.range);
        let mut features = Vec::new();
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            let steps = Stride2d {
                stride: [if index == 0 { 1 } else { 2 }; 2],
                padding: [KERNEL / 2; 2],
            };
            x = conv2d(x, weight.clone(), bias.clone(), steps);
            x = activation::leaky_relu(x, SLOPE);
            let [count, maps, height, width] = x.dims();
            let places: Tensor<3> = x.clone().reshape([count, maps, height * width]);
            let mean: Tensor<3> = places.clone().mean_dim(2);
            let spread: Tensor<3> = (places - mean.clone()).square().mean_dim(2).sqrt();
            features.extend([mean, spread].map(|part| part.squeeze_dim::<2>(2)));
        }
        Tensor::cat(features, 1)
    }
}

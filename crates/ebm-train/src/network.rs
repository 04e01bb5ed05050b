//! The energy of a run, chosen at run time among the models that the command knows.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{ConvNet, ConvNetConfig, Energy, Mlp, MlpConfig};
use ebm_ops::Noise;

use crate::config::ModelConfig;
use crate::error::TrainError;
use crate::memory;

/// Any model that `[model]` can name. Examples are `[batch, channels, height, width]`; a point of the plane
/// is an image of two channels and one pixel.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a trainer has two or three")]
pub enum Network {
    /// A multilayer perceptron.
    Mlp(Mlp),
    /// A convolutional network.
    ConvNet(ConvNet),
}

impl Network {
    /// Builds the network of a configuration for examples of `shape` = channels, height, width.
    ///
    /// # Errors
    ///
    /// If the layers don't fit the shape, or the network doesn't fit into memory.
    pub fn new(
        config: &ModelConfig,
        shape: [usize; 3],
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, TrainError> {
        let failed = |message: String| TrainError::Model {
            channels: shape[0],
            height: shape[1],
            width: shape[2],
            message,
        };
        let check = |parameters: u128| {
            // The weights and their gradient, two moments and a moving average.
            let values = parameters.saturating_mul(5);
            if memory::fits(values) {
                return Ok(());
            }
            Err(failed(format!(
                "its {parameters} parameters take {} to train, more than this machine has: make it smaller",
                memory::amount(values)
            )))
        };
        match config {
            ModelConfig::Mlp(keys) => {
                let widths = std::iter::once(shape.iter().product())
                    .chain(keys.hidden.iter().copied())
                    .chain(std::iter::once(1))
                    .collect::<Vec<usize>>();
                check(
                    widths
                        .windows(2)
                        .map(|pair| memory::product(pair) + pair[1] as u128)
                        .sum(),
                )?;
                let config = MlpConfig::new(shape.iter().product(), keys.hidden.clone())
                    .with_activation(keys.activation);
                Ok(Self::Mlp(config.init(device, noise)))
            }
            ModelConfig::ConvNet(keys) => {
                let config = ConvNetConfig::new(shape)
                    .with_layers(keys.layers())
                    .with_hidden(keys.hidden)
                    .with_activation(keys.activation);
                let features = config
                    .feature_shape()
                    .map_err(|error| failed(error.to_string()))?;
                let mut inputs = shape[0];
                let mut parameters = memory::product(&features) * keys.hidden as u128;
                for layer in &config.layers {
                    parameters +=
                        memory::product(&[inputs, layer.channels, layer.kernel, layer.kernel]);
                    inputs = layer.channels;
                }
                check(parameters)?;
                config
                    .init(device, noise)
                    .map(Self::ConvNet)
                    .map_err(|error| failed(error.to_string()))
            }
        }
    }
}

impl Energy<4> for Network {
    fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        match self {
            Self::Mlp(model) => model.energy(x),
            Self::ConvNet(model) => model.energy(x),
        }
    }
}

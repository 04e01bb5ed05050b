//! The energy of a run, chosen at run time among the models that the command knows.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{ConvNet, ConvNetConfig, Energy, Mlp, MlpConfig};
use ebm_ops::Noise;

use crate::config::ModelConfig;
use crate::error::TrainError;

/// Any model that `[model]` can name. Examples are `[batch, channels, height, width]`; a point of the plane
/// is an image of two channels and one pixel.
#[derive(Module, Debug)]
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
    /// If the layers don't fit the shape.
    pub fn new(
        config: &ModelConfig,
        shape: [usize; 3],
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, TrainError> {
        match config {
            ModelConfig::Mlp(keys) => {
                let config = MlpConfig::new(shape.iter().product(), keys.hidden.clone())
                    .with_activation(keys.activation);
                Ok(Self::Mlp(config.init(device, noise)))
            }
            ModelConfig::ConvNet(keys) => {
                let config = ConvNetConfig::new(shape)
                    .with_layers(keys.layers())
                    .with_hidden(keys.hidden)
                    .with_activation(keys.activation);
                config
                    .init(device, noise)
                    .map(Self::ConvNet)
                    .map_err(|error| TrainError::Model {
                        channels: shape[0],
                        height: shape[1],
                        width: shape[2],
                        message: error.to_string(),
                    })
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

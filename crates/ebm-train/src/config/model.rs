//! The `[model]` section: which energy to train.

use ebm_models::{Activation, ConvLayerConfig};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_at_least_one};
use super::section::section;

section! {
    /// The energy network. Its input size comes from the data.
    pub enum ModelConfig {
        /// A multilayer perceptron on the flattened example.
        "mlp" => Mlp(MlpConfig),
        /// A convolutional network.
        "conv_net" => ConvNet(ConvNetConfig),
    }
}

/// Keys of a multilayer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
}

/// Keys of a convolutional network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNetConfig {
    /// The convolutions, each `[channels, kernel, stride, padding]`.
    #[serde(default = "ConvNetConfig::default_layers")]
    pub layers: Vec<[usize; 4]>,
    /// Width of the fully connected layer before the output.
    #[serde(default = "ConvNetConfig::default_hidden")]
    pub hidden: usize,
    /// Activation by name, as for the perceptron.
    #[serde(default)]
    pub activation: Activation,
}

impl ConvNetConfig {
    fn default_layers() -> Vec<[usize; 4]> {
        ebm_models::ConvNetConfig::tutorial_layers()
            .iter()
            .map(|layer| [layer.channels, layer.kernel, layer.stride, layer.padding])
            .collect()
    }

    fn default_hidden() -> usize {
        64
    }

    /// The convolutions as the model takes them.
    pub(crate) fn layers(&self) -> Vec<ConvLayerConfig> {
        self.layers
            .iter()
            .map(|&[channels, kernel, stride, padding]| {
                ConvLayerConfig::new(channels, kernel, stride, padding)
            })
            .collect()
    }
}

impl ModelConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Mlp(keys) => check(
                keys.hidden.iter().all(|&width| width > 0),
                "model.hidden",
                format!("{:?}", keys.hidden),
                "widths of at least 1",
            ),
            Self::ConvNet(keys) => check_at_least_one("model.hidden", keys.hidden as u64),
        }
    }
}

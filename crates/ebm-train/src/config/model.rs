//! The `[model]` section: which energy to train.

use std::ops::RangeInclusive;

use ebm_models::{Activation, ConvLayerConfig};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_count};
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

/// What a width may be; a product of two, and one with an image, can still be computed.
const WIDTHS: RangeInclusive<usize> = 1..=1 << 20;

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
                keys.hidden.iter().all(|width| WIDTHS.contains(width)),
                "model.hidden",
                format!("{:?}", keys.hidden),
                format!("widths from 1 to {}", WIDTHS.end()),
            ),
            Self::ConvNet(keys) => {
                check_count("model.hidden", keys.hidden, *WIDTHS.end())?;
                keys.layers.iter().try_for_each(|&[channels, kernel, stride, padding]| {
                    let fits = (1..=65_536).contains(&channels)
                        && (1..=1024).contains(&kernel)
                        && (1..=1024).contains(&stride)
                        && padding < kernel;
                    check(
                        fits,
                        "model.layers",
                        format!("[{channels}, {kernel}, {stride}, {padding}]"),
                        "[channels, kernel, stride, padding] with channels from 1 to 65536, kernel and stride from 1 to 1024, and padding below kernel",
                    )
                })
            }
        }
    }
}

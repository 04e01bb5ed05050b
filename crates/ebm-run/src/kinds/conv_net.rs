//! The kind `conv_net`: convolutions, then two fully connected layers.

use burn::tensor::Device;
use ebm_models::{Activation, ConvLayerConfig, ConvNetConfig, ImageShape};
use ebm_ops::Noise;
use ebm_train::files::memory;
use ebm_train::keys::{InvalidValue, check, check_count, check_layers};
use serde::{Deserialize, Serialize};

use super::size::WIDTHS;
use super::weights::ACTIVATION;
use super::{
    AnyModel, ModelConfig, ModelKind, NetworkArrays, OptionValue, Weights, WeightsLayout,
    WeightsOption, unfitting,
};
use crate::error::RunError;
use crate::weight_files::WrongArrays;

ebm_train::keys! {
/// Keys of a convolutional network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNetKeys {
    /// The convolutions, 1000 at most, each `[channels, kernel, stride, padding]`: channels 1 to
    /// 65,536, kernel and stride 1 to 1024, padding below kernel.
    #[serde(default = "ConvNetKeys::default_layers")]
    pub layers: Vec<[usize; 4]>,
    /// Width of the fully connected layer before the output, 1 to 1,048,576.
    #[serde(default = "ConvNetKeys::default_hidden")]
    pub hidden: usize,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
}
}

const STRIDES: WeightsOption = WeightsOption {
    key: "strides",
    value: OptionValue::Counts,
    help: "the strides of the convolutions, e.g. 2,2,2",
    example: "2,2,2,2",
};

const PADDINGS: WeightsOption = WeightsOption {
    key: "paddings",
    value: OptionValue::Counts,
    help: "the zeros that the convolutions add on each side, e.g. 4,1,1",
    example: "4,1,1,1",
};

impl ConvNetKeys {
    fn default_layers() -> Vec<[usize; 4]> {
        ConvNetConfig::tutorial_layers()
            .iter()
            .map(|layer| [layer.channels, layer.kernel, layer.stride, layer.padding])
            .collect()
    }

    fn default_hidden() -> usize {
        64
    }

    /// Channels (0), kernels (1), strides (2) or paddings (3) of the convolutions.
    fn column(&self, index: usize) -> Vec<usize> {
        self.layers.iter().map(|layer| layer[index]).collect()
    }

    /// The network with its first `count` convolutions.
    fn network(&self, shape: ImageShape, count: usize) -> ConvNetConfig {
        let layers = self.layers[..count]
            .iter()
            .map(|&[channels, kernel, stride, padding]| {
                ConvLayerConfig::new(channels, kernel, stride, padding)
            })
            .collect();
        ConvNetConfig::new(shape)
            .with_layers(layers)
            .with_hidden(self.hidden)
            .with_activation(self.activation)
    }
}

impl ModelKind for ConvNetKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_layers("model.layers", self.layers.len())?;
        check_count("model.hidden", self.hidden, *WIDTHS.end())?;
        self.layers
            .iter()
            .try_for_each(|&[channels, kernel, stride, padding]| {
                let fits = (1..=65_536).contains(&channels)
                    && (1..=1024).contains(&kernel)
                    && (1..=1024).contains(&stride)
                    && padding < kernel;
                check(
                    fits,
                    "model.layers",
                    format!("[{channels}, {kernel}, {stride}, {padding}]"),
                    "[channels, kernel, stride, padding] with channels from 1 to 65536, kernel \
                     and stride from 1 to 1024, and padding below kernel",
                )
            })
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        let config = self.network(shape, self.layers.len());
        let features = config
            .feature_shape()
            .map_err(|error| unfitting(shape, error.to_string()))?;
        let [channels, height, width] = features.into();
        let mut parameters = memory::product(&[channels, height, width, self.hidden]);
        let mut inputs = shape.channels;
        for layer in &config.layers {
            let sizes = [inputs, layer.channels, layer.kernel, layer.kernel];
            parameters = parameters.saturating_add(memory::product(&sizes));
            inputs = layer.channels;
        }
        Ok(parameters)
    }

    fn hidden_values(&self, shape: ImageShape) -> u128 {
        (1..=self.layers.len())
            .filter_map(|count| self.network(shape, count).feature_shape().ok())
            .map(|features| memory::product(&<[usize; 3]>::from(features)))
            .sum::<u128>()
            + self.hidden as u128
    }

    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        self.network(shape, self.layers.len())
            .init(device, noise)
            .map(AnyModel::from)
            .map_err(|error| unfitting(shape, error.to_string()))
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        vec![
            (ACTIVATION.key, self.activation.to_string()),
            (STRIDES.key, format!("{:?}", self.column(2))),
            (PADDINGS.key, format!("{:?}", self.column(3))),
        ]
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Smooth {
                layers: |convolutions, _| {
                    (0..convolutions)
                        .map(|layer| format!("convolutions.{layer}"))
                        .chain(["hidden".to_string(), "output".to_string()])
                        .collect()
                },
                keys,
            },
            arrays: "convolutions.0.weight [outputs, inputs, side, side], convolutions.0.bias, ..,\n\
                     hidden.weight [hidden, features], hidden.bias, output.weight [1, hidden],\n\
                     output.bias;\n\
                     Conv2d, activation, .., flatten, Linear, activation, Linear",
            energy: "E = -(the output), or the output with `--output energy`",
            options: &[&ACTIVATION, &STRIDES, &PADDINGS],
        }
    }
}

/// The keys that the shapes of the kernels and what is said of them add up to.
fn keys(arrays: &NetworkArrays<'_>) -> Result<(ModelConfig, ImageShape), WrongArrays> {
    let configured = match arrays.configured() {
        Ok(ModelConfig::ConvNet(keys)) => Some(keys),
        _ => None,
    };
    let activation = arrays.activation()?;
    let [hidden, _] = arrays.matrix("hidden.weight")?;
    let convolutions = arrays.count("convolutions");
    let sizes = |option: &WeightsOption, index: usize| -> Result<Vec<usize>, WrongArrays> {
        let said: Option<Vec<usize>> = arrays.said.option(option)?;
        let sizes = said.or_else(|| Some(configured.as_ref()?.column(index)));
        let sizes = match sizes {
            None if convolutions == 0 => Vec::new(),
            sizes => sizes.ok_or_else(|| option.untold())?,
        };
        if sizes.len() == convolutions {
            return Ok(sizes);
        }
        Err(WrongArrays(format!(
            "it has {convolutions} convolutions, but {} {}: {sizes:?}",
            sizes.len(),
            option.key
        )))
    };
    let (strides, paddings) = (sizes(&STRIDES, 2)?, sizes(&PADDINGS, 3)?);
    let mut layers = Vec::new();
    for (layer, (stride, padding)) in strides.into_iter().zip(paddings).enumerate() {
        let [channels, kernel] = arrays.kernel(&format!("convolutions.{layer}.weight"))?;
        layers.push([channels, kernel, stride, padding]);
    }
    let keys = ConvNetKeys {
        layers,
        hidden,
        activation: activation
            .or(configured.map(|keys| keys.activation))
            .ok_or_else(|| ACTIVATION.untold())?,
    };
    Ok((keys.into(), arrays.shape()?))
}

//! The kind `resnet`: stages of residual blocks, then one output.

use burn::tensor::Device;
use ebm_models::{Activation, ImageShape, Pooling, ResNetConfig};
use ebm_ops::Noise;
use ebm_train::files::memory;
use ebm_train::keys::{InvalidValue, check, check_count, check_layers};
use serde::{Deserialize, Serialize};

use super::{AnyModel, ModelKind, unfitting};
use crate::error::RunError;

ebm_train::keys! {
/// Keys of a residual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetKeys {
    /// Feature maps of each stage, 1 to 65,536; each stage but the first halves the image.
    #[serde(default = "ResNetConfig::default_widths")]
    pub widths: Vec<usize>,
    /// Residual blocks of a stage, each of two convolutions, 1 to 1000.
    #[serde(default = "ResNetKeys::default_blocks")]
    pub blocks: usize,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
    /// How the pixels of the last feature maps become one vector: sum, or average.
    #[serde(default)]
    pub pooling: Pooling,
}
}

impl ResNetKeys {
    fn default_blocks() -> usize {
        1
    }

    fn network(&self, image: ImageShape) -> ResNetConfig {
        ResNetConfig {
            widths: self.widths.clone(),
            blocks: self.blocks,
            activation: self.activation,
            pooling: self.pooling,
            image,
        }
    }
}

impl ModelKind for ResNetKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        let widths = &self.widths;
        check(
            !widths.is_empty(),
            "model.widths",
            "no stage".to_string(),
            "the feature maps of each stage, one at least",
        )?;
        check_layers("model.widths", widths.len())?;
        widths
            .iter()
            .try_for_each(|&width| check_count("model.widths", width, 65_536))?;
        check_count("model.blocks", self.blocks, 1000)
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        self.network(shape)
            .sides()
            .map_err(|error| unfitting(shape, error.to_string()))?;
        let (first, last) = (self.widths[0], self.widths[self.widths.len() - 1]);
        let stem = memory::product(&[shape.channels, first, 9]);
        let blocks = self
            .widths
            .iter()
            .map(|&width| memory::product(&[width, width, 9, 2, self.blocks]));
        let transitions = self
            .widths
            .windows(2)
            .map(|pair| memory::product(&[pair[0], pair[1], 16]));
        let all = blocks.chain(transitions);
        Ok(all.fold(stem + last as u128, u128::saturating_add))
    }

    fn hidden_values(&self, shape: ImageShape) -> u128 {
        let sides = self.network(shape).sides().unwrap_or_default();
        // A block has two activations and their convolutions.
        let each = 4 * self.blocks + 2;
        let values = self.widths.iter().zip(sides);
        values
            .map(|(&width, [rows, columns])| memory::product(&[width, rows, columns, each]))
            .fold(0, u128::saturating_add)
    }

    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        self.network(shape)
            .init(device, noise)
            .map(AnyModel::from)
            .map_err(|error| unfitting(shape, error.to_string()))
    }
}

//! The kind `mlp`: a multilayer perceptron on the flattened example.

use burn::tensor::Device;
use ebm_models::{Activation, ImageShape, MlpConfig};
use ebm_ops::Noise;
use ebm_train::keys::{InvalidValue, check, check_layers};
use serde::{Deserialize, Serialize};

use super::size::{self, WIDTHS};
use super::weights::ACTIVATION;
use super::{AnyModel, ModelConfig, ModelKind, NetworkArrays, Weights, WeightsLayout};
use crate::error::RunError;
use crate::weight_files::{WrongArrays, square};

ebm_train::keys! {
/// Keys of a multilayer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpKeys {
    /// Widths of the hidden layers, 1000 layers at most, 1 to 1,048,576 each.
    pub hidden: Vec<usize>,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
}
}

impl ModelKind for MlpKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_layers("model.hidden", self.hidden.len())?;
        check(
            self.hidden.iter().all(|width| WIDTHS.contains(width)),
            "model.hidden",
            format!("{:?}", self.hidden),
            format!("widths from 1 to {}", WIDTHS.end()),
        )
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        let widths = [&[shape.values()], &self.hidden[..], &[1]].concat();
        Ok(size::layers(&widths))
    }

    fn hidden_values(&self, _shape: ImageShape) -> u128 {
        size::units(&self.hidden)
    }

    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        let config =
            MlpConfig::new(shape.values(), self.hidden.clone()).with_activation(self.activation);
        Ok(config.init(device, noise).into())
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        vec![(ACTIVATION.key, self.activation.to_string())]
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Smooth {
                layers: |_, layers| (0..layers).map(|layer| format!("layers.{layer}")).collect(),
                keys,
            },
            arrays: "layers.0.weight [outputs, inputs], layers.0.bias [outputs], \
                     layers.1.weight, ..;\nLinear, activation, Linear, .., Linear with one output",
            energy: "E = -(the output), or the output with `--output energy`",
            options: &[&ACTIVATION],
        }
    }
}

/// The keys that the shapes of the matrices add up to.
fn keys(arrays: &NetworkArrays<'_>) -> Result<(ModelConfig, ImageShape), WrongArrays> {
    let configured = match arrays.configured() {
        Ok(ModelConfig::Mlp(keys)) => Some(keys.activation),
        _ => None,
    };
    let activation = arrays.activation()?;
    let [_, inputs] = arrays.matrix("layers.0.weight")?;
    let mut hidden = Vec::new();
    for layer in 0..arrays.count("layers") {
        hidden.push(arrays.matrix(&format!("layers.{layer}.weight"))?[0]);
    }
    // The last is the output.
    hidden.pop();
    let shape = arrays.shape.unwrap_or_else(|| square(inputs));
    let sides = <[usize; 3]>::from(shape);
    let values = ebm_train::files::memory::product(&sides);
    if values != inputs as u128 {
        return Err(WrongArrays(format!(
            "it takes {inputs} values, but the shape {sides:?} (channels, height, width) has \
             {values}"
        )));
    }
    let keys = MlpKeys {
        hidden,
        activation: activation
            .or(configured)
            .ok_or_else(|| ACTIVATION.untold())?,
    };
    Ok((keys.into(), shape))
}

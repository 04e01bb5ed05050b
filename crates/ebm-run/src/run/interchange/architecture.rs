//! The layers of a network in a file: what the shapes of its arrays, the file's text and what was asked for add up to.

use std::collections::BTreeMap;

use burn::tensor::TensorData;
use ebm_models::Activation;

use super::networks::{ImportedNetwork, NetworkKind};
use super::weights_file::WeightsFile;
use super::{SHAPE, square};
use crate::config::{ConvNetConfig, MlpConfig, ModelConfig};
use ebm_train::memory;

/// Metadata keys of what the arrays don't say.
pub(super) const ACTIVATION: &str = "activation";
pub(super) const STRIDES: &str = "strides";
pub(super) const PADDINGS: &str = "paddings";

/// The model section that the shapes of the arrays, the file's text and what was asked for add up to, and the shape of an example.
pub(super) fn architecture(
    file: &WeightsFile,
    asked: &ImportedNetwork,
    shape: Option<[usize; 3]>,
) -> Result<(ModelConfig, [usize; 3]), String> {
    let shape = file.agreed(SHAPE, shape)?;
    // As text, like the name in a file.
    let activation = asked.activation.map(|activation| activation.to_string());
    let activation: Option<Activation> = file
        .agreed(ACTIVATION, activation)?
        .map(|name| name.parse())
        .transpose()
        .map_err(|error: ebm_models::UnknownActivation| error.to_string())?;
    let configured = asked.config.as_ref().map(|config| &config.model);
    match asked.kind {
        NetworkKind::Mlp => {
            let configured = configured.and_then(|model| match model {
                ModelConfig::Mlp(keys) => Some(keys.activation),
                _ => None,
            });
            let mut widths = Vec::new();
            while let Some(data) = file.arrays.get(&format!("layers.{}.weight", widths.len())) {
                let name = format!("layers.{}.weight", widths.len());
                widths.push(matrix(&name, data)?);
            }
            let &[_, inputs] = widths
                .first()
                .ok_or_else(|| file.lacks("layers.0.weight"))?;
            let shape = shape.unwrap_or_else(|| square(inputs));
            let values = memory::product(&shape);
            if values != inputs as u128 {
                return Err(format!(
                    "it takes {inputs} values, but the shape {shape:?} (channels, height, width) has {values}"
                ));
            }
            widths.pop();
            let keys = MlpConfig {
                hidden: widths.iter().map(|&[outputs, _]| outputs).collect(),
                activation: activation
                    .or(configured)
                    .ok_or_else(|| untold(ACTIVATION))?,
            };
            Ok((ModelConfig::Mlp(keys), shape))
        }
        NetworkKind::ConvNet => {
            let configured = configured.and_then(|model| match model {
                ModelConfig::ConvNet(keys) => Some(keys),
                _ => None,
            });
            let column = |index: usize| -> Option<Vec<usize>> {
                Some(
                    configured?
                        .layers
                        .iter()
                        .map(|layer| layer[index])
                        .collect(),
                )
            };
            let hidden = file
                .arrays
                .get("hidden.weight")
                .ok_or_else(|| file.lacks("hidden.weight"))?;
            let [hidden, _] = matrix("hidden.weight", hidden)?;
            let convolutions = count(&file.arrays, "convolutions");
            let sizes = |key: &str, index: usize, asked: &Option<Vec<usize>>| {
                let sizes = file.agreed(key, asked.clone())?.or_else(|| column(index));
                let sizes = match sizes {
                    None if convolutions == 0 => Vec::new(),
                    sizes => sizes.ok_or_else(|| untold(key))?,
                };
                if sizes.len() == convolutions {
                    return Ok(sizes);
                }
                Err(format!(
                    "it has {convolutions} convolutions, but {} {key}: {sizes:?}",
                    sizes.len()
                ))
            };
            let strides = sizes(STRIDES, 2, &asked.strides)?;
            let paddings = sizes(PADDINGS, 3, &asked.paddings)?;
            let mut layers = Vec::new();
            for (layer, (stride, padding)) in strides.into_iter().zip(paddings).enumerate() {
                let name = format!("convolutions.{layer}.weight");
                let kernel = file.arrays.get(&name).ok_or_else(|| file.lacks(&name))?;
                let [channels, kernel] = square_kernel(&name, kernel)?;
                layers.push([channels, kernel, stride, padding]);
            }
            let keys = ConvNetConfig {
                layers,
                hidden,
                activation: activation
                    .or(configured.map(|keys| keys.activation))
                    .ok_or_else(|| untold(ACTIVATION))?,
            };
            Ok((
                ModelConfig::ConvNet(keys),
                shape.ok_or_else(|| untold(SHAPE))?,
            ))
        }
    }
}

/// What to say of something that neither the file nor a flag tells.
fn untold(key: &str) -> String {
    let example = match key {
        ACTIVATION => "--activation NAME`, such as `--activation leaky_relu(0.05)",
        STRIDES => "--strides LIST`, one a convolution, such as `--strides 2,2,2,2",
        PADDINGS => "--paddings LIST`, one a convolution, such as `--paddings 4,1,1,1",
        _ => "--shape CxHxW`, such as `--shape 1x28x28",
    };
    format!("arrays don't tell {key}: pass `{example}`")
}

/// The number of layers `stack.0`, `stack.1`, ..
pub(super) fn count(arrays: &BTreeMap<String, TensorData>, stack: &str) -> usize {
    (0..)
        .take_while(|layer| arrays.contains_key(&format!("{stack}.{layer}.weight")))
        .count()
}

/// Outputs and inputs of a fully connected layer.
fn matrix(name: &str, data: &TensorData) -> Result<[usize; 2], String> {
    let shape = data.shape().as_slice();
    <[usize; 2]>::try_from(shape)
        .ok()
        .filter(|shape| !shape.contains(&0))
        .ok_or_else(|| {
            format!("array `{name}` has shape {shape:?}, expected [outputs, inputs] of a fully connected layer")
        })
}

/// Outputs and side of the kernel of a convolution.
fn square_kernel(name: &str, data: &TensorData) -> Result<[usize; 2], String> {
    match *data.shape().as_slice() {
        [outputs, inputs, height, width] if height == width && outputs * inputs * height > 0 => {
            Ok([outputs, height])
        }
        ref shape => Err(format!(
            "array `{name}` has shape {shape:?}, expected [outputs, inputs, side, side] of a square convolution"
        )),
    }
}

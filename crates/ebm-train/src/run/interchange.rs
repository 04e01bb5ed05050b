//! Weights of Boltzmann machines in and out: safetensors files with documented names, run folders made of them.
//!
//! | model | arrays |
//! | --- | --- |
//! | RBM | `weight` `[visible, hidden]`, `visible_bias` `[visible]`, `hidden_bias` `[hidden]` |
//! | DBM | `weights.0` `[visible, hidden 1]`, `weights.1` `[hidden 1, hidden 2]`, ..; `visible_bias`; `hidden_biases.0`, .. |
//! | Boltzmann machine, Hopfield network | `weight` `[units, units]` (its symmetric part counts), `bias` `[units]` |
//!
//! Visible units come first. The energies are those of the models' documentation: `E = - b.v - c.h - v W h`, and
//! `-1/2 y W y - b.y` for pairwise machines.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use ebm_models::{BoltzmannMachine, Coding, Dbm, Hopfield, Rbm, VisibleUnits};

use super::folder::RunFolder;
use super::generate::ModelFile;
use crate::config::{ConfigTable, RunConfig};
use crate::error::{CheckpointError, TrainError};
use crate::memory;
use crate::network::Network;
use crate::tensor_file::TensorFile;
use crate::weights::weights;

/// What the arrays of a file are the parameters of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportedModel {
    /// A restricted Boltzmann machine.
    Rbm {
        /// What its visible units are.
        visible_units: VisibleUnits,
    },
    /// A deep Boltzmann machine.
    Dbm,
    /// A Boltzmann machine in which any unit may be coupled to any other.
    BoltzmannMachine {
        /// The values of a unit.
        coding: Coding,
        /// The number of visible units; `None`: all.
        visible: Option<usize>,
    },
    /// A Hopfield network.
    Hopfield {
        /// The number of visible units; `None`: all.
        visible: Option<usize>,
    },
}

/// Makes a run folder of a file of weights, f64, f32, f16 or bf16.
///
/// `shape` is that of an example, channels, height and width; without it, a square number of visible units is taken for a
/// square grey image, any other for one row.
///
/// # Errors
///
/// If the file can't be read, an array is missing, left over, of another shape or not finite, or the folder isn't empty.
pub fn import(
    kind: ImportedModel,
    path: &Path,
    shape: Option<[usize; 3]>,
    out: &Path,
    device: &Device,
) -> Result<ModelFile, TrainError> {
    let fail = |message: String| {
        TrainError::from(CheckpointError::Import {
            path: path.to_path_buf(),
            message,
        })
    };
    let arrays = TensorFile::load_unchecked(path)?.tensors;
    let names: Vec<&str> = arrays.keys().map(String::as_str).collect();
    let mut arrays = Arrays {
        names: names.join(", "),
        arrays,
        device,
    };
    let (model, visible, config) = arrays.model(kind).map_err(fail)?;
    arrays.nothing_left().map_err(fail)?;
    let shape = shape.unwrap_or_else(|| square(visible));
    let values = memory::product(&shape);
    if values != visible as u128 {
        return Err(fail(format!(
            "it has {visible} visible units, but the shape {shape:?} (channels, height, width) has {values}"
        )));
    }
    let model = ModelFile {
        model,
        config,
        shape,
    };
    let folder = RunFolder::create(out, &model.config)?;
    model.save(&folder.model())?;
    Ok(model)
}

/// Writes the weights of a model under the documented names; offsets of a centred machine are folded into its biases.
/// Networks are written under burn's names and layouts.
///
/// # Errors
///
/// If the disk refuses.
pub fn export(model: &ModelFile, path: &Path) -> Result<(), TrainError> {
    let tensors = match &model.model {
        Network::Rbm(model) => weights(&model.uncentered()),
        Network::Dbm(model) => weights(&model.uncentered()),
        other => weights(other),
    };
    let file = TensorFile {
        tensors,
        metadata: [("model".to_string(), model.model.name().to_string())].into(),
    };
    Ok(file.save(path)?)
}

/// The arrays of a file, taken out one by one.
struct Arrays<'a> {
    arrays: BTreeMap<String, TensorData>,
    /// The names of all that were there.
    names: String,
    device: &'a Device,
}

impl Arrays<'_> {
    /// The model, its number of visible units, and a configuration that samples from it.
    fn model(&mut self, kind: ImportedModel) -> Result<(Network, usize, RunConfig), String> {
        match kind {
            ImportedModel::Rbm { visible_units } => {
                let visible = self.vector("visible_bias")?;
                let hidden = self.vector("hidden_bias")?;
                let sizes = [visible.dims()[0], hidden.dims()[0]];
                let weight = self.matrix("weight", sizes)?;
                let model = Rbm::from_parameters(weight, visible, hidden, visible_units);
                let units = match visible_units {
                    VisibleUnits::Bernoulli => "bernoulli",
                    VisibleUnits::Gaussian => "gaussian",
                };
                let mut changes = vec![format!(
                    "model={{kind=\"rbm\", hidden={}, visible_units=\"{units}\"}}",
                    sizes[1]
                )];
                if visible_units == VisibleUnits::Gaussian {
                    // Grey pixels stay grey, and chains start where standardised data lie.
                    changes.push("data.binarize=none".into());
                    changes.push("chains.start=\"normal\"".into());
                }
                let config = config(&changes)?;
                Ok((Network::Rbm(model), sizes[0], config))
            }
            ImportedModel::Dbm => {
                let mut biases = vec![self.vector("visible_bias")?];
                while self.arrays.contains_key(&hidden_bias(biases.len())) {
                    biases.push(self.vector(&hidden_bias(biases.len()))?);
                }
                if biases.len() < 3 {
                    return Err(format!(
                        "found {} of the arrays hidden_biases.0, hidden_biases.1, ..., expected two or more, one a hidden layer",
                        biases.len() - 1
                    ));
                }
                let sizes: Vec<usize> = biases.iter().map(|bias| bias.dims()[0]).collect();
                let weights = sizes
                    .windows(2)
                    .enumerate()
                    .map(|(l, pair)| self.matrix(&format!("weights.{l}"), [pair[0], pair[1]]))
                    .collect::<Result<_, _>>()?;
                let config =
                    config(&[format!("model={{kind=\"dbm\", hidden={:?}}}", &sizes[1..])])?;
                let model = Dbm::from_parameters(weights, biases);
                Ok((Network::Dbm(model), sizes[0], config))
            }
            ImportedModel::BoltzmannMachine { coding, visible } => {
                let (weight, bias, visible) = self.pairwise(visible)?;
                let hidden = bias.dims()[0] - visible;
                let (name, low) = match coding {
                    Coding::Spin => ("spin", "-1.0"),
                    Coding::Binary => ("binary", "0.0"),
                };
                let config = config(&[
                    format!(
                        "model={{kind=\"boltzmann_machine\", hidden={hidden}, coding=\"{name}\"}}"
                    ),
                    format!("data.range=[{low}, 1.0]"),
                ])?;
                let model = BoltzmannMachine::from_parameters(weight, bias, visible, coding);
                Ok((Network::BoltzmannMachine(model), visible, config))
            }
            ImportedModel::Hopfield { visible } => {
                let (weight, bias, visible) = self.pairwise(visible)?;
                let hidden = bias.dims()[0] - visible;
                let config = config(&[
                    format!("model={{kind=\"hopfield\", hidden={hidden}}}"),
                    "data.range=[-1.0, 1.0]".into(),
                    "sampler.temperature=0.0".into(),
                ])?;
                let model = Hopfield::from_parameters(weight, bias, visible);
                Ok((Network::Hopfield(model), visible, config))
            }
        }
    }

    fn pairwise(
        &mut self,
        visible: Option<usize>,
    ) -> Result<(Tensor<2>, Tensor<1>, usize), String> {
        let bias = self.vector("bias")?;
        let units = bias.dims()[0];
        let weight = self.matrix("weight", [units, units])?;
        let visible = visible.unwrap_or(units);
        if !(1..=units).contains(&visible) {
            return Err(format!(
                "it has {units} units, so that {visible} of them can't be visible: expected 1 to {units}"
            ));
        }
        Ok((weight, bias, visible))
    }

    fn vector(&mut self, name: &str) -> Result<Tensor<1>, String> {
        self.take(name, None)
    }

    fn matrix(&mut self, name: &str, expected: [usize; 2]) -> Result<Tensor<2>, String> {
        self.take(name, Some(expected))
    }

    fn take<const D: usize>(
        &mut self,
        name: &str,
        expected: Option<[usize; D]>,
    ) -> Result<Tensor<D>, String> {
        let data = self.arrays.remove(name).ok_or_else(|| {
            format!(
                "there is no array `{name}`, found {}",
                if self.names.is_empty() {
                    "none"
                } else {
                    &self.names
                }
            )
        })?;
        let shape = data.shape().as_slice().to_vec();
        let fits = expected.map_or(shape.len() == D, |expected| shape == expected);
        if !fits {
            let expected = expected.map_or_else(
                || format!("{D} dimension"),
                |expected| format!("{expected:?}, as the biases say"),
            );
            return Err(format!(
                "array `{name}` has shape {shape:?}, expected {expected}"
            ));
        }
        if shape.contains(&0) {
            return Err(format!("array `{name}` of shape {shape:?} is empty"));
        }
        if !matches!(
            data.dtype(),
            DType::F64 | DType::F32 | DType::F16 | DType::BF16
        ) {
            return Err(format!(
                "array `{name}` holds {:?} values, expected floating-point numbers",
                data.dtype()
            ));
        }
        let data = data.convert::<f32>();
        if let Some(index) = data.iter::<f32>().position(|value| !value.is_finite()) {
            return Err(format!(
                "value {index} of array `{name}` is not a finite 32-bit number"
            ));
        }
        Ok(Tensor::from_data(data, self.device))
    }

    fn nothing_left(&self) -> Result<(), String> {
        if self.arrays.is_empty() {
            return Ok(());
        }
        let left: Vec<&str> = self.arrays.keys().map(String::as_str).collect();
        Err(format!(
            "it has arrays that this model doesn't: {}; is it of another kind (`--model`)?",
            left.join(", ")
        ))
    }
}

fn hidden_bias(layer: usize) -> String {
    format!("hidden_biases.{}", layer - 1)
}

/// The configuration of an imported model: Gibbs sampling, and data wherever `--data` says.
fn config(changes: &[String]) -> Result<RunConfig, String> {
    let read = || {
        let mut table = ConfigTable::from_preset("rbm-mnist")?;
        for change in changes {
            table.set(change)?;
        }
        table.read()
    };
    read().map_err(|error: crate::config::ConfigError| error.to_string())
}

/// One grey image, square if that can be.
fn square(values: usize) -> [usize; 3] {
    let side = values.isqrt();
    if side * side == values {
        [1, side, side]
    } else {
        [1, 1, values]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_numbers_are_square_images() {
        assert_eq!(square(784), [1, 28, 28]);
        assert_eq!(square(785), [1, 1, 785]);
        assert_eq!(square(1), [1, 1, 1]);
    }
}

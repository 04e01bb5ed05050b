//! Weights in and out: safetensors files and PyTorch state dicts with documented names, run folders made of them.

mod architecture;
mod chains;
mod machines;
mod networks;
mod pytorch;
mod weights_file;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, TensorData};
use ebm_models::{Coding, LayeredMachine, PairwiseMachine, VisibleUnits};

pub use chains::stored_chains;
pub use networks::{ImportedNetwork, NetworkKind, NetworkOutput};
pub use weights_file::{Renaming, WeightsFile};

use super::folder::RunFolder;
use super::model_file::ModelFile;
use crate::error::RunError;
use crate::network::Network;
use ebm_train::TensorFile;
use ebm_train::memory;
use ebm_train::weights;

/// What the arrays of a file are the parameters of.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "an import has one")]
pub enum ImportedModel {
    /// A Boltzmann machine or Hopfield network.
    Machine(ImportedMachine),
    /// A network whose output is an energy, or minus one.
    Network(ImportedNetwork),
}

/// A kind of Boltzmann machine, with what its arrays don't say; `None`: what the file says, else the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportedMachine {
    /// A restricted Boltzmann machine.
    Rbm {
        /// What its visible units are [default: Bernoulli].
        visible_units: Option<VisibleUnits>,
    },
    /// A deep Boltzmann machine.
    Dbm,
    /// A Boltzmann machine in which any unit may be coupled to any other.
    BoltzmannMachine {
        /// The values of a unit [default: spin].
        coding: Option<Coding>,
        /// The number of visible units [default: all].
        visible: Option<usize>,
    },
    /// A Hopfield network.
    Hopfield {
        /// The number of visible units [default: all].
        visible: Option<usize>,
    },
}

/// Makes a run folder of a file of weights, f64, f32, f16 or bf16, with the names and layouts of [`WeightsFile`].
///
/// `shape` is that of an example, channels, height and width; without it, what the file says, else a square number of values is
/// taken for a square grey image, any other for one row.
///
/// # Errors
///
/// If an array is missing, left over, of another shape or not finite, what is asked for isn't what the file says, or the folder
/// isn't empty.
pub fn import(
    mut file: WeightsFile,
    kind: &ImportedModel,
    shape: Option<[usize; 3]>,
    out: &Path,
    device: &Device,
) -> Result<ModelFile, RunError> {
    RunFolder::check_free(out)?;
    file.check_others()?;
    let mut model = match kind {
        ImportedModel::Machine(kind) => machine(&mut file, *kind, shape, device)
            .map_err(|message| RunError::from(file.fail(message)))?,
        ImportedModel::Network(kind) => networks::import(&mut file, kind, shape, device)?,
    };
    model.config = model.config.with_absolute_paths();
    RunFolder::create_with_model(out, &model)?;
    Ok(model)
}

fn machine(
    file: &mut WeightsFile,
    kind: ImportedMachine,
    shape: Option<[usize; 3]>,
    device: &Device,
) -> Result<ModelFile, String> {
    let (model, visible, config) = machines::Machine { file, device }.model(kind)?;
    nothing_left(file)?;
    let shape = file
        .agreed(SHAPE, shape)?
        .unwrap_or_else(|| square(visible));
    let values = memory::product(&shape);
    if values != visible as u128 {
        return Err(format!(
            "it has {visible} visible units, but the shape {shape:?} (channels, height, width) has {values}"
        ));
    }
    Ok(ModelFile {
        model,
        config,
        shape,
    })
}

fn nothing_left(file: &WeightsFile) -> Result<(), String> {
    if file.arrays.is_empty() {
        return Ok(());
    }
    let left = crate::listing::listed(file.arrays.keys().map(String::as_str));
    Err(format!(
        "it has arrays that this model doesn't: {left}; is it of another kind (`--model`), or do they belong to another part (`--prefix`)?"
    ))
}

/// Metadata key of channels, height and width of an example.
const SHAPE: &str = "shape";

/// Writes the weights of a model under the names and in the layouts of [`WeightsFile`], and as text what they don't say; offsets of a centred machine are
/// folded into its biases.
///
/// # Errors
///
/// If the disk refuses.
pub fn export(model: &ModelFile, path: &Path) -> Result<(), RunError> {
    let mut metadata: BTreeMap<String, String> = [
        (weights_file::MODEL, model.model.name().to_string()),
        (SHAPE, format!("{:?}", model.shape)),
    ]
    .map(|(key, text)| (key.to_string(), text))
    .into();
    let mut say = |key: &str, text: &str| metadata.insert(key.to_string(), text.to_string());
    let coded = |coding| match coding {
        Coding::Spin => "spin",
        Coding::Binary => "binary",
    };
    let tensors = match &model.model {
        Network::Rbm(model) => {
            let units = match LayeredMachine::visible_units(model) {
                VisibleUnits::Bernoulli => "bernoulli",
                VisibleUnits::Gaussian => "gaussian",
            };
            say(machines::VISIBLE_UNITS, units);
            weights(&model.uncentered())
        }
        Network::Dbm(model) => weights(&model.uncentered()),
        Network::BoltzmannMachine(model) => {
            say(machines::CODING, coded(model.coding()));
            say(machines::VISIBLE, &model.visible_units().to_string());
            pairwise_arrays(model)
        }
        Network::Hopfield(model) => {
            say(machines::VISIBLE, &model.visible_units().to_string());
            pairwise_arrays(model)
        }
        network @ (Network::Mlp(_) | Network::ConvNet(_)) => {
            for (key, text) in networks::described(&model.config)? {
                say(key, &text);
            }
            networks::pytorch_arrays(network)
        }
    };
    Ok(TensorFile { tensors, metadata }.save(path)?)
}

/// What counts of the parameters of a pairwise machine: its raw matrix may have a diagonal, and
/// couplings of units that aren't connected, which are no part of its energy but would be of that
/// of the file.
fn pairwise_arrays(model: &impl PairwiseMachine) -> BTreeMap<String, TensorData> {
    [
        ("weight", model.couplings().into_data()),
        ("bias", model.bias().into_data()),
    ]
    .map(|(name, data)| (name.to_string(), data))
    .into()
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

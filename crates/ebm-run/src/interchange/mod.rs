//! Weights in and out: safetensors files and PyTorch state dicts with documented names, run folders
//! made of them.

mod chains;
mod machines;
mod networks;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, TensorData};
use ebm_models::{Energy, ImageShape, LayeredStructure, PairwiseMachine, Structure};

pub use chains::stored_chains;
pub use networks::NetworkOutput;

use crate::config::RunConfig;
use crate::error::RunError;
use crate::kinds::{Kind, LayerNames, Said, VISIBLE, WeightsLayout};
use crate::run::{ModelFile, RunFolder};
use crate::weight_files::{MODEL, WeightsFile, WrongArrays};
use ebm_train::TensorFile;

/// What the arrays of a file are the parameters of, with what they don't say.
#[derive(Clone, Debug)]
pub struct Import {
    kind: &'static Kind,
    asked: BTreeMap<&'static str, String>,
    /// The shape of an example; `None`: what the file says, else a square number of values is taken
    /// for a square grey image, any other for one row.
    pub shape: Option<ImageShape>,
    /// What the output of a network is.
    pub output: NetworkOutput,
    /// Where sampler, chains and data of a network's run come from; `None`: what the file says,
    /// else a preset.
    pub config: Option<RunConfig>,
}

impl Import {
    /// A model of a kind, of which the file says the rest.
    pub fn of(kind: &'static Kind) -> Self {
        Self {
            kind,
            asked: BTreeMap::new(),
            shape: None,
            output: NetworkOutput::default(),
            config: None,
        }
    }

    /// Says what the arrays don't: the value of an [option](crate::kinds::Weights::options) of the
    /// kind, as a file has it.
    ///
    /// # Errors
    ///
    /// If the kind has no option of this key.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Result<Self, WrongArrays> {
        let options = self.kind.weights().options;
        let option = options.iter().find(|option| option.key == key);
        let name = self.kind.name;
        let option = option.ok_or_else(|| {
            let keys = options.iter().map(|option| option.key);
            let keys = crate::text::listing::listed(keys);
            WrongArrays(format!(
                "found `{key}` for a {name}, expected one of: {keys}"
            ))
        })?;
        self.asked.insert(option.key, value.into());
        Ok(self)
    }

    /// The kind of the model.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn said<'a>(&'a self, file: &'a WeightsFile) -> Said<'a> {
        Said {
            file,
            asked: &self.asked,
        }
    }
}

/// Makes a run folder of a file of weights, f64, f32, f16 or bf16, with the names and layouts that
/// its kind describes ([`Kind::weights`]).
///
/// # Errors
///
/// If an array is missing, left over, of another shape or not finite, what is asked for isn't what
/// the file says, or the folder isn't empty.
pub fn import(
    mut file: WeightsFile,
    asked: &Import,
    out: &Path,
    device: &Device,
) -> Result<ModelFile, RunError> {
    RunFolder::check_free(out)?;
    file.check_others()?;
    let mut model = match asked.kind.weights().layout {
        WeightsLayout::Smooth { layers, keys } => {
            networks::import(&mut file, asked, layers, keys, device)?
        }
        WeightsLayout::Layered { names, machine } => {
            machines::layered(&mut file, asked, names, machine, device)
                .map_err(|message| file.fail(message))?
        }
        WeightsLayout::Pairwise { coding, machine } => {
            machines::pairwise(&mut file, asked, coding, machine, device)
                .map_err(|message| file.fail(message))?
        }
    };
    model.config = model.config.with_absolute_paths();
    RunFolder::create_with_model(out, &model)?;
    Ok(model)
}

/// Metadata key of channels, height and width of an example.
const SHAPE: &str = "shape";

/// Writes the weights of a model under the names and in the layouts that its kind describes
/// ([`Kind::weights`]), and as text what they don't say; offsets of a centred machine are folded
/// into its biases.
///
/// # Errors
///
/// If the disk refuses.
pub fn export(model: &ModelFile, path: &Path) -> Result<(), RunError> {
    let mut metadata: BTreeMap<String, String> = [
        (MODEL, model.model.name().to_string()),
        (SHAPE, format!("{:?}", model.shape)),
    ]
    .into_iter()
    .chain(model.config.model.kind().described())
    .map(|(key, text)| (key.to_string(), text))
    .collect();
    let tensors = match (model.config.model.weights().layout, model.model.structure()) {
        (WeightsLayout::Layered { names, .. }, Structure::Layered(machine)) => {
            layered_arrays(names, &machine)
        }
        (WeightsLayout::Pairwise { .. }, Structure::Pairwise(machine)) => {
            let visible = machine.visible_units().to_string();
            metadata.insert(VISIBLE.key.to_string(), visible);
            pairwise_arrays(&machine)
        }
        // All parameters of whatever it is.
        _ => {
            metadata.extend(networks::described(&model.config)?);
            networks::pytorch_arrays(&model.model)
        }
    };
    Ok(TensorFile { tensors, metadata }.save(path)?)
}

/// The arrays of layers, into whose biases offsets are folded.
fn layered_arrays(names: LayerNames, machine: &LayeredStructure) -> BTreeMap<String, TensorData> {
    let layers = machine.layers();
    let weights = (0..layers.count() - 1).map(|l| (names.weight(l), layers.weight(l).into_data()));
    let biases = (0..layers.count()).map(|l| (names.bias(l), layers.bias(l).into_data()));
    weights.chain(biases).collect()
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

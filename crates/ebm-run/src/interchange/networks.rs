//! Networks in and out, under the names and in the layouts of a PyTorch state dict.

use std::collections::BTreeMap;

use burn::tensor::{Device, TensorData};
use ebm_models::ImageShape;
use ebm_ops::Noise;

use super::{Import, SHAPE};
use crate::config::{ConfigError, ConfigTable, ModelConfig, RunConfig};
use crate::error::RunError;
use crate::kinds::{AnyModel, NetworkArrays};
use crate::run::ModelFile;
use crate::weight_files::{WeightsFile, WrongArrays};
use ebm_train::CheckpointError;
use ebm_train::{load_weights, weights};

/// Metadata key of the configuration that the network was trained with.
const CONFIG: &str = "config";
/// What a message lists of the arrays that don't fit.
const MOST_PROBLEMS: usize = 4;

/// The names of the layers of a network with so many convolutions and so many layers in all.
type LayersOf = fn(convolutions: usize, layers: usize) -> Vec<String>;

/// The keys and the shape of an example that the arrays add up to.
type KeysOf = fn(&NetworkArrays<'_>) -> Result<(ModelConfig, ImageShape), WrongArrays>;

/// What the one output of a network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkOutput {
    /// The unnormalised log-density `f(x) = -E(x)`, as in this workspace.
    #[default]
    LogDensity,
    /// The energy `E(x)`; the last layer is negated on import.
    Energy,
}

/// The parameters of a network as a PyTorch state dict has them: fully connected weights are
/// `[outputs, inputs]`.
pub(super) fn pytorch_arrays(network: &AnyModel) -> BTreeMap<String, TensorData> {
    weights(network)
        .into_iter()
        .map(|(name, data)| (name, transposed(data)))
        .collect()
}

/// What is said beside the arrays of any network, by metadata key.
pub(super) fn described(config: &RunConfig) -> Result<[(String, String); 2], ConfigError> {
    Ok([
        // What Hugging Face's tools expect of files for PyTorch.
        ("format".into(), "pt".into()),
        (CONFIG.into(), config.to_toml()?),
    ])
}

/// A model from the arrays of a file.
pub(super) fn import(
    file: &mut WeightsFile,
    asked: &Import,
    layers: LayersOf,
    keys: KeysOf,
    device: &Device,
) -> Result<ModelFile, RunError> {
    number_layers(file, layers);
    let configured = configured(file, asked)?;
    let shape = file.agreed(SHAPE, asked.shape);
    let shape = shape.map_err(|message| file.fail(message))?;
    let arrays = NetworkArrays {
        kind: asked.kind.name,
        said: asked.said(file),
        shape,
        model: configured.as_ref().map(|config| &config.model),
    };
    let (model, shape) = keys(&arrays).map_err(|WrongArrays(message)| file.fail(message))?;
    let mut config = match configured {
        Some(config) => config,
        None => preset(shape)?,
    };
    config.model = model;
    config.validate()?;
    let network = AnyModel::new(&config.model, shape, device, &mut Noise::new(0))?;
    config
        .sampler
        .kernel(&network, config.data.range().into())?;
    check_arrays(file, &network)?;
    let last = match asked.output {
        NetworkOutput::LogDensity => None,
        NetworkOutput::Energy => Some(last_layer(file, layers)?),
    };
    let names: Vec<String> = file.arrays.keys().cloned().collect();
    let mut arrays = BTreeMap::new();
    for name in names {
        let mut data = file.take(&name).map_err(|message| file.fail(message))?;
        let layer = name.rsplit_once('.').map(|(layer, _)| layer);
        if layer.is_some() && layer == last.as_deref() {
            let negated: Vec<f32> = data.iter::<f32>().map(|value| -value).collect();
            data = TensorData::new(negated, data.shape().clone());
        }
        arrays.insert(name, transposed(data));
    }
    let model =
        load_weights(network, arrays).map_err(|mismatch| file.fail(mismatch.to_string()))?;
    Ok(ModelFile::new(model, config, shape.into()))
}

/// The number of convolutions, and that of all layers.
fn count_layers(arrays: &BTreeMap<String, TensorData>) -> (usize, usize) {
    let is_convolution = |data: &&TensorData| data.shape().len() == 4;
    let weights = arrays.keys().filter(|name| name.ends_with(".weight"));
    (
        arrays.values().filter(is_convolution).count(),
        weights.count(),
    )
}

/// The layer whose output is that of the network.
fn last_layer(file: &WeightsFile, layers: LayersOf) -> Result<String, CheckpointError> {
    let (convolutions, all) = count_layers(&file.arrays);
    layers(convolutions, all).pop().ok_or_else(|| {
        file.fail("this kind of model has no last layer whose sign could be changed".into())
    })
}

/// Calls the layers of a `torch.nn.Sequential`, which are numbered with gaps, as they are called
/// here.
fn number_layers(file: &mut WeightsFile, layers: LayersOf) {
    let place = |name: &str| -> Option<(String, u64)> {
        let (layer, parameter) = name.rsplit_once('.')?;
        let (prefix, number) = layer.rsplit_once('.').unwrap_or(("", layer));
        ["weight", "bias"]
            .contains(&parameter)
            .then(|| Some((prefix.to_string(), number.parse().ok()?)))?
    };
    let places: Option<Vec<(String, u64)>> = file.arrays.keys().map(|name| place(name)).collect();
    let Some(mut places) = places else {
        return;
    };
    places.sort_unstable_by_key(|(_, number)| *number);
    places.dedup();
    let one_stack = places.windows(2).all(|pair| pair[0].0 == pair[1].0);
    if !one_stack {
        return;
    }
    let arrays = std::mem::take(&mut file.arrays);
    let names = layers(count_layers(&arrays).0, places.len());
    file.arrays = arrays
        .into_iter()
        .map(|(name, data)| {
            let layer = place(&name)
                .and_then(|place| places.binary_search_by_key(&place.1, |known| known.1).ok());
            let parameter = name.rsplit('.').next().unwrap_or_default();
            match layer.and_then(|layer| names.get(layer)) {
                Some(layer) => (format!("{layer}.{parameter}"), data),
                None => (name, data),
            }
        })
        .collect();
}

/// The configuration that was asked for, else the one that the file has.
fn configured(file: &WeightsFile, asked: &Import) -> Result<Option<RunConfig>, RunError> {
    if asked.config.is_some() {
        return Ok(asked.config.clone());
    }
    let Some(text) = file.metadata.get(CONFIG) else {
        return Ok(None);
    };
    let origin = "the configuration in the file of weights".to_string();
    Ok(Some(ConfigTable::parse(text, origin)?.read()?))
}

/// Sampler, chains and data for examples of a shape.
fn preset(shape: ImageShape) -> Result<RunConfig, ConfigError> {
    let preset = match <[usize; 3]>::from(shape) {
        [2, 1, 1] => "two-moons",
        [1, 8, 8] => "digits",
        _ => "mnist",
    };
    ConfigTable::from_preset(preset)?.read()
}

/// Fails unless the arrays of the file are those of the network, in PyTorch's layouts.
fn check_arrays(file: &WeightsFile, network: &AnyModel) -> Result<(), CheckpointError> {
    let expected = pytorch_arrays(network);
    let mut problems = Vec::new();
    for (name, data) in &expected {
        let expected = data.shape().as_slice();
        match file.arrays.get(name).map(|data| data.shape().as_slice()) {
            None => problems.push(format!("it lacks `{name}` of shape {expected:?}")),
            Some(found) if found != expected => problems.push(format!(
                "`{name}` has shape {found:?}, expected {expected:?}"
            )),
            Some(_) => {}
        }
    }
    for (name, data) in &file.arrays {
        if !expected.contains_key(name) {
            problems.push(format!(
                "it has an unknown array `{name}` of shape {:?}",
                data.shape().as_slice()
            ));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more"));
    }
    Err(file.fail(format!(
        "{}; `--prefix` and `--map OLD=NEW` give arrays other names",
        problems.join(", ")
    )))
}

/// A matrix transposed, as PyTorch and burn have each other's; anything else as it is.
fn transposed(data: TensorData) -> TensorData {
    let [rows, columns] = match *data.shape().as_slice() {
        [rows, columns] => [rows, columns],
        _ => return data,
    };
    let values: Vec<f32> = data.iter::<f32>().collect();
    let values: Vec<f32> = (0..columns)
        .flat_map(|column| values.iter().skip(column).step_by(columns).copied())
        .collect();
    TensorData::new(values, [columns, rows])
}

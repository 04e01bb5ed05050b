//! Networks in and out, under the names and in the layouts of a PyTorch state dict.

use std::collections::BTreeMap;

use burn::tensor::{Device, TensorData};
use ebm_models::Activation;
use ebm_ops::Noise;

use super::architecture::{ACTIVATION, PADDINGS, STRIDES, architecture, count};
use super::weights_file::WeightsFile;
use crate::config::{ConfigError, ConfigTable, ModelConfig, RunConfig};
use crate::error::RunError;
use crate::network::Network;
use crate::run::model_file::ModelFile;
use ebm_train::CheckpointError;
use ebm_train::{load_weights, weights};

/// Metadata key of the configuration that the network was trained with.
const CONFIG: &str = "config";
/// What a message lists of the arrays that don't fit.
const MOST_PROBLEMS: usize = 4;

/// A network, with what its arrays don't say; `None`: what the file says, else the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedNetwork {
    /// Its layers.
    pub kind: NetworkKind,
    /// The activation after each layer but the last.
    pub activation: Option<Activation>,
    /// The strides of the convolutions, in pixels.
    pub strides: Option<Vec<usize>>,
    /// The zeros that convolutions add on each side, in pixels.
    pub paddings: Option<Vec<usize>>,
    /// What the network computes.
    pub output: NetworkOutput,
    /// Where sampler, chains and data of the run come from; `None`: what the file says, else a preset.
    pub config: Option<RunConfig>,
}

/// The layers of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// A multilayer perceptron.
    Mlp,
    /// Convolutions, then two fully connected layers.
    ConvNet,
}

/// What the one output of a network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkOutput {
    /// The unnormalised log-density `f(x) = -E(x)`, as in this workspace.
    #[default]
    LogDensity,
    /// The energy `E(x)`; the last layer is negated on import.
    Energy,
}

impl NetworkKind {
    /// The names of a number of layers, in the order in which they are applied.
    fn layers(self, convolutions: usize, layers: usize) -> Vec<String> {
        match self {
            Self::Mlp => (0..layers).map(|layer| format!("layers.{layer}")).collect(),
            Self::ConvNet => (0..convolutions)
                .map(|layer| format!("convolutions.{layer}"))
                .chain(["hidden".to_string(), "output".to_string()])
                .collect(),
        }
    }

    /// The last layer of a network.
    fn last(self, arrays: &BTreeMap<String, TensorData>) -> String {
        match self {
            Self::Mlp => format!("layers.{}", count(arrays, "layers").saturating_sub(1)),
            Self::ConvNet => "output".into(),
        }
    }
}

/// The parameters of a network as a PyTorch state dict has them: fully connected weights are `[outputs, inputs]`.
pub(super) fn pytorch_arrays(network: &Network) -> BTreeMap<String, TensorData> {
    weights(network)
        .into_iter()
        .map(|(name, data)| (name, transposed(data)))
        .collect()
}

/// What the arrays of a network don't say, by metadata key.
pub(super) fn described(config: &RunConfig) -> Result<Vec<(&'static str, String)>, ConfigError> {
    // What Hugging Face's tools expect of files for PyTorch.
    let mut said = vec![("format", "pt".to_string()), (CONFIG, config.to_toml()?)];
    match &config.model {
        ModelConfig::Mlp(keys) => said.push((ACTIVATION, keys.activation.to_string())),
        ModelConfig::ConvNet(keys) => {
            let column = |index: usize| -> Vec<usize> {
                keys.layers.iter().map(|layer| layer[index]).collect()
            };
            said.push((ACTIVATION, keys.activation.to_string()));
            said.push((STRIDES, format!("{:?}", column(2))));
            said.push((PADDINGS, format!("{:?}", column(3))));
        }
        _ => {}
    }
    Ok(said)
}

/// A model from the arrays of a file.
pub(super) fn import(
    file: &mut WeightsFile,
    asked: &ImportedNetwork,
    shape: Option<[usize; 3]>,
    device: &Device,
) -> Result<ModelFile, RunError> {
    number_layers(file, asked.kind);
    let (model, shape) = architecture(file, asked, shape).map_err(|message| file.fail(message))?;
    let mut config = configuration(file, asked, shape)?;
    config.model = model;
    config.validate()?;
    let network = Network::new(&config.model, shape, device, &mut Noise::new(0))?;
    config
        .sampler
        .kernel(&network, config.data.range().into())?;
    check_arrays(file, &network)?;
    let last = asked.kind.last(&file.arrays);
    let names: Vec<String> = file.arrays.keys().cloned().collect();
    let mut arrays = BTreeMap::new();
    for name in names {
        let mut data = file.take(&name).map_err(|message| file.fail(message))?;
        let of_last = name
            .rsplit_once('.')
            .is_some_and(|(layer, _)| layer == last);
        if of_last && asked.output == NetworkOutput::Energy {
            let negated: Vec<f32> = data.iter::<f32>().map(|value| -value).collect();
            data = TensorData::new(negated, data.shape().clone());
        }
        arrays.insert(name, transposed(data));
    }
    let model = load_weights(network, arrays).map_err(|message| file.fail(message))?;
    Ok(ModelFile {
        model,
        config,
        shape,
    })
}

/// Calls the layers of a `torch.nn.Sequential`, which are numbered with gaps, as they are called here.
fn number_layers(file: &mut WeightsFile, kind: NetworkKind) {
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
    let convolutions = arrays.values().filter(|data| data.shape().len() == 4);
    let names = kind.layers(convolutions.count(), places.len());
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

/// Sampler, chains and data of the run: what was asked for, else what the file says, else a preset for examples of this shape.
fn configuration(
    file: &WeightsFile,
    asked: &ImportedNetwork,
    shape: [usize; 3],
) -> Result<RunConfig, RunError> {
    if let Some(config) = &asked.config {
        return Ok(config.clone());
    }
    if let Some(text) = file.metadata.get(CONFIG) {
        let origin = "the configuration in the file of weights".to_string();
        return Ok(ConfigTable::parse(text, origin)?.read()?);
    }
    let preset = match shape {
        [2, 1, 1] => "two-moons",
        [1, 8, 8] => "digits",
        _ => "mnist",
    };
    Ok(ConfigTable::from_preset(preset)?.read()?)
}

/// Fails unless the arrays of the file are those of the network, in PyTorch's layouts.
fn check_arrays(file: &WeightsFile, network: &Network) -> Result<(), CheckpointError> {
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

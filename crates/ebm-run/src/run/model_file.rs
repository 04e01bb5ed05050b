//! The file of a trained model: weights, configuration and the shape of an example.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Energy, Structure};
use ebm_ops::{FittedGaussian, Interval, Noise, StartingPoints};

use super::folder::RunFolder;
use crate::config::{ConfigTable, RunConfig, StartConfig};
use crate::error::RunError;
use crate::kinds::{AnyModel, ModelKind};
use ebm_train::CheckpointError;
use ebm_train::Examples;
use ebm_train::TensorFile;
use ebm_train::files::memory;
use ebm_train::{load_weights, weights};

/// Metadata keys of a model file.
const CONFIG: &str = "config";
const SHAPE: &str = "shape";

/// Arrays beside the weights: the Gaussian that chains start at, where it was fitted.
const START_MEAN: &str = "chains.start.mean";
const START_DIRECTIONS: &str = "chains.start.directions";

/// A trained model with what is needed to use it.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// The energy, off the autodiff graph.
    pub model: AnyModel,
    /// The configuration that it was trained with.
    pub config: RunConfig,
    /// Channels, height and width of an example.
    pub shape: [usize; 3],
    /// Where fresh chains start.
    pub starts: StartingPoints,
}

impl ModelFile {
    /// What the model's kind says of it.
    pub fn kind(&self) -> &dyn ModelKind {
        self.config.model.kind()
    }

    /// Whether it stands for a distribution whose partition function can be found: of a smooth
    /// energy nothing more is known than its values, and a memory isn't meant to be one.
    pub fn has_partition(&self) -> bool {
        let is_smooth = matches!(self.model.structure(), Structure::Smooth);
        !is_smooth && !self.kind().is_memory()
    }

    /// Writes weights, configuration and shape whole or not at all.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), RunError> {
        let shape = self.shape.map(|side| side.to_string()).join("x");
        let mut tensors = weights(&self.model);
        if let StartingPoints::Fitted(gaussian) = &self.starts {
            tensors.extend([
                (START_MEAN.to_string(), gaussian.mean().into_data()),
                (
                    START_DIRECTIONS.to_string(),
                    gaussian.directions().into_data(),
                ),
            ]);
        }
        let file = TensorFile {
            tensors,
            metadata: [
                (CONFIG.to_string(), self.config.to_toml()?),
                (SHAPE.to_string(), shape),
            ]
            .into(),
        };
        Ok(file.save(path)?)
    }

    /// Finds out whether examples have the shape that the model takes.
    ///
    /// # Errors
    ///
    /// If they haven't.
    pub fn check_examples(&self, examples: &Examples<4>) -> Result<(), RunError> {
        let [_, channels, height, width] = examples.shape();
        let found = [channels, height, width];
        if found == self.shape {
            return Ok(());
        }
        Err(RunError::WrongExamples {
            path: self.config.data.place(),
            found,
            expected: self.shape,
        })
    }

    /// Reads a model.
    ///
    /// # Errors
    ///
    /// If the file can't be read, was damaged, or is no model.
    pub fn load(path: &Path, device: &Device) -> Result<Self, RunError> {
        let mut file = TensorFile::load(path).map_err(|error| match error {
            CheckpointError::Corrupt { path, message } => RunError::CorruptModel { path, message },
            other => other.into(),
        })?;
        let corrupt = |message: &str| RunError::CorruptModel {
            path: path.to_path_buf(),
            message: message.to_string(),
        };
        let config = file
            .metadata
            .get(CONFIG)
            .ok_or_else(|| corrupt("it is no model: it has no config"))?;
        let config = ConfigTable::parse(config, path.display().to_string())?.read()?;
        let shape: Option<Vec<usize>> = file
            .metadata
            .get(SHAPE)
            .and_then(|shape| shape.split('x').map(|side| side.parse().ok()).collect());
        let shape: [usize; 3] = shape
            .and_then(|shape| shape.try_into().ok())
            .filter(|shape: &[usize; 3]| !shape.contains(&0))
            .ok_or_else(|| {
                corrupt("it doesn't say the shape of an example, three numbers above 0")
            })?;
        let starts = take_starts(&config, shape, &mut file.tensors, device)
            .map_err(|message| corrupt(&message))?;
        let held = file.tensors.values().fold(0, |held, data| {
            memory::product(data.shape().as_slice()).saturating_add(held)
        });
        let parameters = AnyModel::parameters(&config.model, shape.into())
            .map_err(|error| corrupt(&error.to_string()))?;
        // Before memory is taken for them.
        if parameters > held {
            return Err(corrupt(&format!(
                "its configuration has a model of {parameters} parameters for examples of the shape {shape:?}, but it holds {held}"
            )));
        }
        // The weights drawn here are replaced at once.
        let model = AnyModel::new(&config.model, shape.into(), device, &mut Noise::new(0))?;
        let model =
            load_weights(model, file.tensors).map_err(|message| CheckpointError::Mismatch {
                path: path.to_path_buf(),
                message,
            })?;
        tracing::info!(path = %path.display(), kind = model.name(), ?shape, "model read");
        Ok(Self {
            model,
            config,
            shape,
            starts,
        })
    }
}

/// Where fresh chains of a configuration start, without examples: uniformly where its start was to
/// be fitted to them, as it is in models that were never trained here.
pub(crate) fn starts_without_examples(config: &RunConfig) -> StartingPoints {
    let range: Interval = config.data.range().into();
    let start = config.chains.start().unwrap_or_default();
    start
        .points(range)
        .unwrap_or(StartingPoints::Uniform(range))
}

/// The same of a file, whose arrays for that are taken from those of the weights.
fn take_starts(
    config: &RunConfig,
    shape: [usize; 3],
    arrays: &mut BTreeMap<String, TensorData>,
    device: &Device,
) -> Result<StartingPoints, String> {
    let (mean, directions) = (arrays.remove(START_MEAN), arrays.remove(START_DIRECTIONS));
    if config.chains.start() != Some(StartConfig::Fitted) {
        return Ok(starts_without_examples(config));
    }
    let (Some(mean), Some(directions)) = (mean, directions) else {
        // Weights of another program, which were imported.
        return Ok(starts_without_examples(config));
    };
    let values = memory::product(&shape);
    let fits = |data: &TensorData, rank: usize| {
        let shape = data.shape();
        let last = shape.as_slice().last();
        let is_finite = || data.iter::<f32>().all(f32::is_finite);
        shape.len() == rank && last.map(|&last| last as u128) == Some(values) && is_finite()
    };
    if !fits(&mean, 1) || !fits(&directions, 2) {
        return Err(format!(
            "chains start at a Gaussian of the shapes {:?} and {:?}, but an example has {values} values, all of them finite",
            mean.shape(),
            directions.shape()
        ));
    }
    let gaussian = FittedGaussian::new(
        Tensor::from_data(mean.convert::<f32>(), device),
        Tensor::from_data(directions.convert::<f32>(), device),
        config.data.range().into(),
    );
    Ok(StartingPoints::Fitted(Box::new(gaussian)))
}

/// Reads the model of a run: the final one, which every checkpoint of the run updates.
///
/// # Errors
///
/// If the folder is no run, or holds no model that can be used.
pub fn load_model(run: &Path, device: &Device) -> Result<ModelFile, RunError> {
    let folder = RunFolder::open(run)?;
    if !folder.model().exists() {
        return Err(RunError::NoModel {
            path: run.to_path_buf(),
        });
    }
    ModelFile::load(&folder.model(), device)
}

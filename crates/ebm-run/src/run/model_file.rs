//! The file of a trained model: weights, configuration and the shape of an example.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Energy, Structure};
use ebm_ops::{FittedGaussians, Interval, Noise, StartingPoints};

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

/// Arrays beside the weights: the Gaussians that chains start at, where those were fitted.
const START_SHARES: &str = "chains.start.shares";
const START_MEANS: &str = "chains.start.means";
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
    /// A model that was trained elsewhere, or by other means. Its chains start uniformly where they
    /// would have to start at Gaussians of examples.
    pub fn new(model: AnyModel, config: RunConfig, shape: [usize; 3]) -> Self {
        Self {
            starts: starts_without_examples(&config),
            model,
            config,
            shape,
        }
    }

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
        if let StartingPoints::Fitted(gaussians) = &self.starts {
            let shares = gaussians.shares();
            for (name, data) in [
                (
                    START_SHARES,
                    TensorData::new(shares.to_vec(), [shares.len()]),
                ),
                (START_MEANS, gaussians.means().into_data()),
                (START_DIRECTIONS, gaussians.directions().into_data()),
            ] {
                tensors.insert(name.to_string(), data);
            }
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

/// Where fresh chains of a configuration start; uniformly where that were to be fitted to examples.
fn starts_without_examples(config: &RunConfig) -> StartingPoints {
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
    let parts = [START_SHARES, START_MEANS, START_DIRECTIONS].map(|name| arrays.remove(name));
    let is_fitted = config.chains.start() == Some(StartConfig::Fitted);
    // Imported weights of another program have no such arrays.
    let (true, [Some(shares), Some(means), Some(directions)]) = (is_fitted, parts) else {
        return Ok(starts_without_examples(config));
    };
    let values = memory::product(&shape);
    let fits = |data: &TensorData, rank: usize| {
        let shape = data.shape();
        let has_values = rank == 1 || shape.last().map(|&last| last as u128) == Some(values);
        let groups = shape.first() == shares.shape().first();
        let is_finite = || data.iter::<f32>().all(f32::is_finite);
        let is_full = !shape.contains(&0);
        shape.len() == rank && is_full && has_values && groups && is_finite()
    };
    let total: f32 = shares.iter::<f32>().sum();
    let are_shares =
        total > 0.0 && total.is_finite() && shares.iter::<f32>().all(|share| share >= 0.0);
    if !fits(&shares, 1) || !are_shares || !fits(&means, 2) || !fits(&directions, 3) {
        return Err(format!(
            "chains start at Gaussians with shares, means and directions of the shapes {:?}, {:?} and {:?}: expected as many of each and at least one, for examples of {values} values, all finite and the shares not negative",
            shares.shape(),
            means.shape(),
            directions.shape()
        ));
    }
    let gaussians = FittedGaussians::new(
        &shares.iter::<f32>().collect::<Vec<f32>>(),
        Tensor::from_data(means.convert::<f32>(), device),
        Tensor::from_data(directions.convert::<f32>(), device),
        config.data.range().into(),
    );
    Ok(StartingPoints::Fitted(Box::new(gaussians)))
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

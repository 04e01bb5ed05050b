//! The data that a run is evaluated on: those it was trained on, or those of another folder.

use std::path::Path;

use ebm::ops::Noise;
use ebm::training::config::{ConfigTable, RunConfig};
use ebm::training::data::Split;
use ebm::training::run::{self, ModelFile};
use ebm::training::{Examples, TrainError};

use super::failure::Failure;

/// The configuration with its data in another folder.
pub(crate) fn with_data(config: &RunConfig, folder: &Path) -> Result<RunConfig, Failure> {
    let mut table = ConfigTable::parse(&config.to_toml()?, "the run's config".into())?;
    table.set_data_folder(folder)?;
    Ok(table.read()?)
}

/// One part of the data of a run, checked against the shape that the model takes.
pub(crate) fn examples(
    model: &ModelFile,
    split: Split,
    device: &burn::tensor::Device,
) -> Result<Examples<4>, TrainError> {
    // As the runner splits it, so that made-up data are those that the model was trained on.
    let mut noise = Noise::new(model.config.seed);
    let examples = run::examples(&model.config.data, split, &mut noise.split(), device)?;
    model.check_examples(&examples)?;
    Ok(examples)
}

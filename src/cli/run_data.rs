//! Data of another folder for a run to be evaluated on.

use std::path::Path;

use ebm::run::config::{ConfigTable, RunConfig};

use super::failure::Failure;

/// The configuration with its data in another folder.
pub(crate) fn with_data(config: &RunConfig, folder: &Path) -> Result<RunConfig, Failure> {
    let mut table = ConfigTable::parse(&config.to_toml()?, "the run's config".into())?;
    table.set_data_folder(folder)?;
    Ok(table.read()?)
}

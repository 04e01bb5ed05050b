//! One run of a series.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use toml::{Table, Value};

use crate::comparison::ComparedRun;
use crate::config::RunConfig;
use crate::error::RunError;
use crate::logs::{Outcome, Watch};
use crate::report::RunState;
use crate::run::{self, RunFolder};

/// A run of a series: what its folder is called, and how it is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The name of its folder.
    pub name: String,
    /// Its configuration.
    pub config: RunConfig,
}

/// How a run of a series stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It hasn't begun.
    New,
    /// It was stopped, or ended by an error that needn't come again.
    Unfinished,
    /// It has finished.
    Finished,
    /// It ended with a model of no use, as it would again.
    Collapsed,
}

impl Trial {
    /// Its folder in that of the series.
    pub fn folder(&self, series: &Path) -> PathBuf {
        series.join(&self.name)
    }

    /// How it stands in the folder of the series.
    ///
    /// # Errors
    ///
    /// If its folder holds a run of another configuration, something else than a run, or can't be
    /// read.
    pub fn standing(&self, series: &Path) -> Result<Standing, RunError> {
        let path = self.folder(series);
        if RunFolder::open(&path).is_err() {
            RunFolder::check_free(&path)?;
            return Ok(Standing::New);
        }
        let before = RunFolder::open(&path)?.read_config()?.read()?;
        self.check_same(&before, &path)?;
        let run = ComparedRun::read(&path)?;
        let is_collapsed = run.verdict().is_some_and(|verdict| verdict.is_collapse());
        Ok(match run.state {
            RunState::Finished => Standing::Finished,
            RunState::Failed(_) if is_collapsed => Standing::Collapsed,
            _ => Standing::Unfinished,
        })
    }

    /// Trains it, from its beginning or from where it was stopped. The lines that say how its
    /// configuration was chosen, if it was, are kept with it.
    ///
    /// # Errors
    ///
    /// As for [`train`](crate::train) and [`resume`](crate::resume).
    pub fn run(
        &self,
        series: &Path,
        reasons: &[String],
        device: &Device,
        watch: &mut dyn Watch,
    ) -> Result<Outcome, RunError> {
        let path = self.folder(series);
        if RunFolder::open(&path).is_err() {
            return run::train_chosen(&self.config, reasons, device, &path, watch);
        }
        let folder = RunFolder::open_locked(&path)?;
        run::resume(&self.config.clone().of_new_run(), device, folder, watch)
    }

    /// Fails if the run in the folder was trained by another configuration.
    fn check_same(&self, before: &RunConfig, path: &Path) -> Result<(), RunError> {
        let now = self.config.clone().of_new_run();
        if *before == now {
            return Ok(());
        }
        let (key, found, expected) = first_difference(&keys(before)?, &keys(&now)?);
        Err(RunError::OtherConfiguration {
            path: path.to_path_buf(),
            key,
            found,
            expected,
        })
    }
}

fn keys(config: &RunConfig) -> Result<Table, RunError> {
    let text = config.to_toml()?;
    Ok(text.parse().unwrap_or_default())
}

/// The first key that isn't the same in two configurations, with its value in each.
pub(super) fn first_difference(found: &Table, expected: &Table) -> (String, String, String) {
    let flat = |table: &Table| {
        let mut keys = Vec::new();
        crate::comparison::flatten("", table, &mut keys);
        keys
    };
    let (found, expected) = (flat(found), flat(expected));
    let value = |keys: &[(String, Value)], key: &str| {
        let found = keys.iter().find(|(other, _)| other == key);
        found.map_or("absent".into(), |(_, value)| value.to_string())
    };
    let keys = found.iter().chain(&expected).map(|(key, _)| key);
    let mut rows = keys.map(|key| (key.clone(), value(&found, key), value(&expected, key)));
    rows.find(|(_, found, expected)| found != expected)
        .unwrap_or_default()
}

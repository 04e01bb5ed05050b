//! What was chosen for a series of runs that has begun: gone on with, it is the same training,
//! however long an update takes now.

use std::fs;
use std::path::{Path, PathBuf};

use ebm::run::RunFolder;
use ebm::run::config::{AutomaticConfig, RunConfig};
use ebm::run::series::{Seeds, Sweep};

use super::failure::Failure;
use super::layers::ConfigArgs;

/// What was chosen.
pub(super) struct Begun {
    pub(super) updates: u64,
    /// Why, where that was kept.
    pub(super) reasons: Vec<String>,
}

impl Begun {
    /// Of the runs of seeds in a folder, on the data of a configuration: those that are asked for,
    /// else others that were chosen too. Whatever else lies there has no part in it.
    pub(super) fn of_seeds(seeds: &Seeds, folder: &Path, config: &RunConfig) -> Option<Self> {
        let asked = seeds.trials(config).into_iter();
        let asked = asked.map(|trial| trial.folder(folder)).collect();
        Self::of_runs(asked, config).or_else(|| {
            let entries = fs::read_dir(folder).ok()?;
            let is_seed = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("seed-")
            };
            let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            let mut others: Vec<PathBuf> = paths.filter(is_seed).collect();
            others.sort();
            Self::of_runs(others, config).filter(|begun| !begun.reasons.is_empty())
        })
    }

    /// Of the sweep in a folder: the length is that of its plan, whatever its trials change.
    pub(super) fn of_sweep(folder: &Path) -> Option<Self> {
        let sweep = Sweep::read(folder).ok()?;
        Some(Self {
            updates: sweep.config().ok()?.training.steps,
            reasons: Self::reasons_of(&sweep, folder),
        })
    }

    /// Why the configuration of a sweep was chosen, as its trials have it.
    pub(super) fn reasons_of(sweep: &Sweep, folder: &Path) -> Vec<String> {
        let trials = sweep.trials().unwrap_or_default();
        let mut kept = trials.iter().map(|trial| reasons(&trial.folder(folder)));
        kept.find(|reasons| !reasons.is_empty()).unwrap_or_default()
    }

    /// Of the first of runs with the data of a configuration that keeps its reasons, or the first.
    fn of_runs(folders: Vec<PathBuf>, config: &RunConfig) -> Option<Self> {
        let data = config.clone().of_new_run().data;
        let run = |path: PathBuf| {
            let before = RunFolder::open(&path).ok()?.read_config().ok()?;
            let before = before.read().ok()?;
            (before.data == data).then(|| Self {
                updates: before.training.steps,
                reasons: reasons(&path),
            })
        };
        let mut runs: Vec<Self> = folders.into_iter().filter_map(run).collect();
        runs.sort_by_key(|run| run.reasons.is_empty());
        runs.into_iter().next()
    }

    /// Fails if other minutes are asked for now; `None` if the length was given by hand then, and
    /// isn't now.
    pub(super) fn of_same_length(
        self,
        args: &ConfigArgs,
        automatic: &AutomaticConfig,
    ) -> Result<Option<Self>, Failure> {
        if self.reasons.is_empty() || args.given_updates(automatic)?.is_some() {
            return Ok(Some(self));
        }
        let Some(found) = AutomaticConfig::minutes_of(&self.reasons) else {
            return Ok(None);
        };
        let expected = automatic.minutes_said();
        if args.minutes.is_some() && found != expected {
            return Err(Failure::Argument {
                argument: "--minutes",
                message: format!(
                    "the runs that are there were begun with {found} minutes, and now it would be {expected}; leave it as it was, or choose another folder with `--out DIR`"
                ),
            });
        }
        Ok(Some(self))
    }
}

/// The lines that a run keeps of why its configuration was chosen.
fn reasons(path: &Path) -> Vec<String> {
    let kept = RunFolder::open(path).map(|run| fs::read_to_string(run.chosen()));
    let Ok(Ok(text)) = kept else {
        return Vec::new();
    };
    text.lines().map(String::from).collect()
}

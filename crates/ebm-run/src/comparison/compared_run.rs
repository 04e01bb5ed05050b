//! What is compared of a run.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::config::RunConfig;
use crate::error::RunError;
use crate::logs::{EventHistory, JsonLines, MetricsHistory};
use crate::quality::{QualityHistory, QualityLine, Score, Verdict};
use crate::report::RunState;
use crate::run::RunFolder;

/// A run as it stands beside others.
#[derive(Clone, Debug)]
pub struct ComparedRun {
    /// Its folder, as it was named.
    pub path: PathBuf,
    /// The keys of its configuration with their sections, such as `sampler.steps`, in the order of
    /// the file; defaults included where this version knows all keys.
    pub keys: Vec<(String, Value)>,
    /// How it stands; [`RunState::Running`] where a process is training in it now.
    pub state: RunState,
    /// Updates made.
    pub step: u64,
    /// Updates in all, where the configuration can be read.
    pub steps: Option<u64>,
    /// Seconds of training so far, where that was logged.
    pub seconds: Option<f64>,
    /// What was measured of its models.
    pub quality: QualityHistory,
    /// Energy of samples above that of data, over updates.
    pub gaps: Vec<(f64, f64)>,
}

impl ComparedRun {
    /// Reads what is in the folder of a run, which may be training.
    ///
    /// # Errors
    ///
    /// If it is no run folder, or a file in it can't be read. A line of a log, or a configuration,
    /// that says what this version can't read is no error.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let folder = RunFolder::open(path)?;
        // Asked first: who begins meanwhile has written nothing yet.
        let running = folder.is_running();
        let config = folder
            .read_config()
            .ok()
            .and_then(|table| table.read().ok());
        let metrics = JsonLines::<MetricsHistory>::open(&folder.metrics())?.into_content();
        let events = JsonLines::<EventHistory>::open(&folder.events())?.into_content();
        let quality = JsonLines::<QualityHistory>::open(&folder.quality())?.into_content();
        let last = metrics.last();
        let logged = last.map_or(0, |line| line.step);
        let saved = folder.checkpoint_steps().unwrap_or_default();
        let step = logged.max(saved.first().copied().unwrap_or(0));
        let steps = config.as_ref().map(|config| config.training.steps);
        let gaps = metrics.iter().map(|line| (line.step as f64, line.gap));
        Ok(Self {
            path: path.to_path_buf(),
            keys: keys(&folder, config.as_ref()),
            state: RunState::of(running, &events, step, steps),
            step,
            steps,
            seconds: last.map(|line| line.seconds).filter(|it| it.is_finite()),
            gaps: gaps.filter(|(_, gap)| gap.is_finite()).collect(),
            quality,
        })
    }

    /// The line of the best model, where quality was measured.
    pub fn best(&self) -> Option<&QualityLine> {
        self.quality.best()
    }

    /// The score of the best model: lower is better.
    pub fn score(&self) -> Option<Score> {
        self.best()?.score()
    }

    /// The score that a perfect model would have, where it is known.
    pub fn floor(&self) -> Option<f64> {
        let best = self.best()?;
        best.divergence.map(|_| 0.0).or(best.floor)
    }

    /// What was measured means; `None` where nothing was.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.quality.is_empty() {
            return None;
        }
        Some(match self.state {
            RunState::Finished => self.quality.final_verdict(),
            _ => self.quality.verdict_of_run(self.steps),
        })
    }

    /// The value of a key of the configuration.
    pub fn key(&self, name: &str) -> Option<&Value> {
        let found = self.keys.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }
}

/// The keys of a configuration; of one that this version can't read, what stands in the file.
fn keys(folder: &RunFolder, config: Option<&RunConfig>) -> Vec<(String, Value)> {
    let text = config
        .and_then(|config| config.to_toml().ok())
        .or_else(|| fs::read_to_string(folder.config()).ok());
    let table = text.and_then(|text| text.parse::<Table>().ok());
    let mut keys = Vec::new();
    flatten("", &table.unwrap_or_default(), &mut keys);
    keys
}

/// The keys of a table with those of its sections.
pub(crate) fn flatten(section: &str, table: &Table, keys: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        let name = match section {
            "" => key.clone(),
            section => format!("{section}.{key}"),
        };
        match value {
            Value::Table(inner) => flatten(&name, inner, keys),
            value => keys.push((name, value.clone())),
        }
    }
}

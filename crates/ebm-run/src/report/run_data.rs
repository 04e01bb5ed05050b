//! What a report tells of a run: all that is in its folder, and why something isn't.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use burn::tensor::Device;

use super::ReportOptions;
use super::chart::Points;
use crate::config::{EnergyUnit, RunConfig};
use crate::error::RunError;
use crate::kinds::{Kind, WeightsLayout};
use crate::logs::{EventHistory, EventKind, JsonLines, MetricsHistory, MetricsLine};
use crate::quality::{LongRun, QualityHistory, QualityLine};
use crate::run::{self, Machines, ModelFile, RunFolder};
use ebm_train::Examples;
use ebm_train::data::Split;

/// The content of a run folder, read once.
pub(super) struct RunData<'a> {
    pub(super) folder: RunFolder,
    pub(super) options: &'a ReportOptions,
    pub(super) device: &'a Device,
    /// The text of `config.toml`.
    pub(super) config_text: String,
    /// What it says, or what is wrong with it.
    pub(super) config: Result<RunConfig, String>,
    pub(super) metrics: MetricsHistory,
    pub(super) events: EventHistory,
    /// What was measured of the model; nothing in runs of older versions.
    pub(super) quality: QualityHistory,
    /// What chains of several lengths come to, if that was measured.
    pub(super) long_run: Option<LongRun>,
    pub(super) machines: Machines,
    /// What couldn't be read of them, and was left out.
    pub(super) unreadable: Vec<String>,
    /// The newest model, or why there is none.
    pub(super) model: Result<ModelFile, String>,
    /// Whether a process was training in the folder when it was read.
    pub(super) running: bool,
    train: OnceCell<Result<Examples<4>, String>>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A process is training.
    Running,
    /// All updates were made.
    Finished,
    /// It was stopped and saved.
    Stopped,
    /// It ended with this error.
    Failed(String),
    /// It ended without a word: it was killed, or is older than `events.jsonl`.
    Ended,
}

impl RunState {
    /// How a run stands to which this happened, and that made `step` of `steps` updates.
    pub fn of(running: bool, events: &EventHistory, step: u64, steps: Option<u64>) -> Self {
        if running {
            return Self::Running;
        }
        match &events.state {
            Some(EventKind::Finished) => Self::Finished,
            Some(EventKind::Stopped { .. }) => Self::Stopped,
            Some(EventKind::Failed { message }) => Self::Failed(message.clone()),
            // It went on after that, and didn't say how it ended.
            _ if steps == Some(step) => Self::Finished,
            _ => Self::Ended,
        }
    }

    /// In a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
            Self::Ended => "not running",
        }
    }
}

impl<'a> RunData<'a> {
    /// Reads the folder.
    pub(super) fn read(
        folder: &Path,
        options: &'a ReportOptions,
        device: &'a Device,
    ) -> Result<Self, RunError> {
        let folder = RunFolder::open(folder)?;
        let path = folder.config();
        let bytes = fs::read(&path).map_err(RunError::io("read", &path))?;
        let config = folder
            .read_config()
            .and_then(|table| Ok(table.read()?))
            .map_err(|error| error.to_string());
        let running = folder.is_running();
        let metrics = JsonLines::<MetricsHistory>::open(&folder.metrics())?;
        let events = JsonLines::<EventHistory>::open(&folder.events())?;
        let quality = JsonLines::<QualityHistory>::open(&folder.quality())?;
        let machines = Machines::read(&folder.machine())?;
        let (long_run, no_long_run) = match LongRun::read(&folder.long_run()) {
            Ok(found) => (found, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let unreadable = [
            metrics.unreadable(running),
            events.unreadable(running),
            quality.unreadable(running),
            machines.unreadable.clone(),
            no_long_run,
        ];
        let unreadable = unreadable.into_iter().flatten().collect();
        Ok(Self {
            options,
            device,
            config_text: String::from_utf8_lossy(&bytes).into_owned(),
            config,
            metrics: metrics.into_content(),
            events: events.into_content(),
            quality: quality.into_content(),
            long_run,
            machines,
            unreadable,
            model: run::load_model(folder.root(), device).map_err(|error| error.to_string()),
            running,
            train: OnceCell::new(),
            folder,
        })
    }

    /// What the run is called: the name of its folder.
    pub(super) fn name(&self) -> String {
        let root = self.folder.root();
        let absolute = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        match absolute.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => absolute.display().to_string(),
        }
    }

    /// The kind of a section, as the configuration calls it.
    pub(super) fn kind(&self, section: &str) -> Option<String> {
        let table = self.config_text.parse::<toml::Table>().ok()?;
        Some(table.get(section)?.get("kind")?.as_str()?.to_string())
    }

    /// What a model of the configuration's kind is made of, even where there is no model yet.
    pub(super) fn model_layout(&self) -> Option<WeightsLayout> {
        let kind = Kind::named(&self.kind("model")?)?;
        Some(kind.weights().layout)
    }

    /// Whether the configuration names a problem of the plane.
    pub(super) fn is_plane(&self) -> bool {
        !matches!(
            self.kind("data").as_deref(),
            None | Some("digits" | "folder")
        )
    }

    /// The last line of metrics.
    pub(super) fn last(&self) -> Option<&MetricsLine> {
        self.metrics.last()
    }

    /// Updates made so far.
    pub(super) fn step(&self) -> u64 {
        let logged = self.last().map_or(0, |line| line.step);
        let saved = self.folder.checkpoint_steps().unwrap_or_default();
        logged.max(saved.first().copied().unwrap_or(0))
    }

    /// Updates in all.
    pub(super) fn steps(&self) -> Option<u64> {
        self.config
            .as_ref()
            .ok()
            .map(|config| config.training.steps)
    }

    pub(super) fn state(&self) -> RunState {
        RunState::of(self.running, &self.events, self.step(), self.steps())
    }

    /// What energies are measured in, as far as the configuration says it.
    pub(super) fn unit(&self) -> Option<EnergyUnit> {
        self.config.as_ref().ok().map(RunConfig::energy_unit)
    }

    /// The name of an energy with its unit in short, such as `gap (nats)`.
    pub(super) fn with_unit(&self, name: &str) -> String {
        match self.unit() {
            Some(unit) => format!("{name} ({})", unit.name()),
            None => name.into(),
        }
    }

    /// A number of each line over its update.
    pub(super) fn curve(&self, value: impl Fn(&MetricsLine) -> f64) -> Points {
        let point = |line: &MetricsLine| (line.step as f64, value(line));
        Points {
            points: self.metrics.iter().map(point).collect(),
            means: self
                .metrics
                .means()
                .map(|means| means.map(|line| point(&line)).collect()),
            count: self.metrics.count() as usize,
        }
    }

    /// As [`curve`](Self::curve), of a number that not every run tells; `None` where no line has
    /// it.
    pub(super) fn told(&self, value: fn(&MetricsLine) -> f64) -> Option<Points> {
        let told = self.metrics.iter().any(|line| !value(line).is_nan());
        told.then(|| self.curve(value))
    }

    /// A measured number over its update; `None` where no line has it.
    pub(super) fn measured(
        &self,
        value: impl Fn(&QualityLine) -> Option<f64>,
    ) -> Option<Vec<(f64, f64)>> {
        let lines = self.quality.lines().iter();
        let points = lines.filter_map(|line| Some((line.step as f64, value(line)?)));
        let points: Vec<(f64, f64)> = points.collect();
        (!points.is_empty()).then_some(points)
    }

    /// The keys beyond those that this version knows, in the order in which they appear.
    pub(super) fn other_keys(&self) -> Vec<&str> {
        self.metrics.other_keys().collect()
    }

    /// The numbers under such a key over their updates.
    pub(super) fn other_curve(&self, key: &str) -> Points {
        self.metrics.other_curve(key).into()
    }

    /// The names of so many classes: those of the data, if they name as many, else numbers.
    pub(super) fn classes(&self, count: usize) -> Vec<String> {
        let examples = self.model.as_ref().ok().map(|model| self.train(model));
        match examples.and_then(|examples| examples.ok()?.class_names()) {
            Some(names) if names.len() == count => names.to_vec(),
            _ => (0..count).map(|class| class.to_string()).collect(),
        }
    }

    /// The training examples of the model, or why they can't be had.
    pub(super) fn train(&self, model: &ModelFile) -> Result<&Examples<4>, &str> {
        self.train
            .get_or_init(|| {
                model
                    .examples(&model.config.data, Split::Train, self.device)
                    .map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Collect, RecordedEvent};

    #[test]
    fn the_state_is_what_was_said_last() {
        let started = EventKind::Started {
            step: 0,
            steps: 9,
            parameters: 1,
            examples: 1,
        };
        let saved = EventKind::Saved { file: "x".into() };
        let stopped = EventKind::Stopped { step: 4 };
        let failed = EventKind::Failed {
            message: "disk".into(),
        };
        for (running, kinds, step, expected) in [
            (true, vec![started.clone()], 0, RunState::Running),
            (false, vec![], 4, RunState::Ended),
            (false, vec![], 9, RunState::Finished),
            (
                false,
                vec![started.clone(), saved.clone()],
                4,
                RunState::Ended,
            ),
            (
                false,
                vec![started.clone(), saved.clone(), stopped.clone()],
                4,
                RunState::Stopped,
            ),
            (
                false,
                vec![started.clone(), stopped.clone(), started.clone()],
                4,
                RunState::Ended,
            ),
            (
                false,
                vec![started.clone(), failed],
                4,
                RunState::Failed("disk".into()),
            ),
            (
                false,
                vec![started.clone(), EventKind::Finished],
                9,
                RunState::Finished,
            ),
        ] {
            let mut events = EventHistory::default();
            for kind in kinds {
                events.add(RecordedEvent { at: 1, kind });
            }
            assert_eq!(RunState::of(running, &events, step, Some(9)), expected);
        }
    }
}

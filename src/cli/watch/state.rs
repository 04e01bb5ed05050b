//! What is known of the watched run, read again as it goes on.

use std::path::{Path, PathBuf};

use ebm::run::config::{EnergyUnit, RunConfig};
use ebm::run::drawing::SmallPicture;
use ebm::run::quality::{QualityHistory, QualityLine, Verdict};
use ebm::run::report::{RunState, thin};
use ebm::run::{EventHistory, JsonLines, MetricsHistory, MetricsLine, RecordedEvent, RunFolder};

use crate::cli::failure::Failure;

/// Columns that curves are thinned to: more than the dots of the widest terminal.
const COLUMNS: usize = 1000;

/// A run folder as it was at the last look.
pub(super) struct State {
    folder: RunFolder,
    config: Option<RunConfig>,
    metrics: JsonLines<MetricsHistory>,
    events: JsonLines<EventHistory>,
    quality: JsonLines<QualityHistory>,
    /// The newest picture of samples: the update, and the picture where it is drawn.
    samples: Option<(u64, Option<SmallPicture>)>,
    draws_pictures: bool,
    running: bool,
}

impl State {
    /// Reads the folder of a run.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let folder = RunFolder::open(folder)?;
        let mut state = Self {
            metrics: JsonLines::open(&folder.metrics())?,
            events: JsonLines::open(&folder.events())?,
            quality: JsonLines::open(&folder.quality())?,
            samples: None,
            draws_pictures: false,
            config: None,
            running: false,
            folder,
        };
        state.look();
        Ok(state)
    }

    /// With pictures, for a terminal that can draw them.
    pub(super) fn with_pictures(mut self) -> Self {
        self.draws_pictures = true;
        self.samples = None;
        self.look();
        self
    }

    /// Reads what was added since.
    pub(super) fn poll(&mut self) -> Result<(), Failure> {
        self.metrics.poll()?;
        self.events.poll()?;
        self.quality.poll()?;
        self.look();
        Ok(())
    }

    /// A resumed run may have another configuration.
    fn look(&mut self) {
        self.running = self.folder.is_running();
        let table = self.folder.read_config().ok();
        self.config = table.and_then(|table| table.read().ok());
        let newest = self.folder.sample_steps().unwrap_or_default().pop();
        if newest != self.samples.as_ref().map(|(step, _)| *step) {
            self.samples = newest.map(|step| {
                let path = self.draws_pictures.then(|| self.folder.sample(step));
                (step, path.and_then(|path| SmallPicture::open(&path)))
            });
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.root().to_path_buf()
    }

    pub(super) fn lines(&self) -> &MetricsHistory {
        self.metrics.content()
    }

    /// What was measured of the model; nothing in runs of older versions.
    pub(super) fn quality(&self) -> &QualityHistory {
        self.quality.content()
    }

    /// What was measured means for a run of this length.
    pub(super) fn verdict(&self) -> Verdict {
        self.quality().verdict_of_run(self.steps())
    }

    /// A measured number over its update.
    pub(super) fn measured(&self, value: impl Fn(&QualityLine) -> Option<f64>) -> Vec<(f64, f64)> {
        let lines = self.quality().lines().iter();
        lines
            .filter_map(|line| Some((line.step as f64, value(line)?)))
            .collect()
    }

    /// The newest picture of samples: its update, and its file.
    pub(super) fn samples(&self) -> Option<(u64, PathBuf)> {
        let (step, _) = self.samples.as_ref()?;
        Some((*step, self.folder.sample(*step)))
    }

    /// The newest picture of samples and its update, where pictures are drawn.
    pub(super) fn picture(&self) -> Option<(u64, &SmallPicture)> {
        let (step, picture) = self.samples.as_ref()?;
        Some((*step, picture.as_ref()?))
    }

    /// What can't be read of the logs, and is left out.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = String> {
        let logs = [
            self.metrics.unreadable(self.running),
            self.events.unreadable(self.running),
            self.quality.unreadable(self.running),
        ];
        logs.into_iter().flatten()
    }

    pub(super) fn last(&self) -> Option<&MetricsLine> {
        self.lines().last()
    }

    /// What happened last, newest first; checkpoints and pictures only while they are new.
    pub(super) fn last_events(&self, count: usize) -> Vec<&RecordedEvent> {
        self.events.content().newest().take(count).collect()
    }

    /// Updates made.
    pub(super) fn step(&self) -> u64 {
        let logged = self.last().map_or(0, |line| line.step);
        let checkpoints = self.folder.checkpoint_steps().unwrap_or_default();
        logged.max(checkpoints.first().copied().unwrap_or(0))
    }

    /// Updates in all.
    pub(super) fn steps(&self) -> Option<u64> {
        self.config.as_ref().map(|config| config.training.steps)
    }

    /// What energies are measured in, as far as the configuration says it.
    pub(super) fn unit(&self) -> Option<EnergyUnit> {
        self.config.as_ref().map(RunConfig::energy_unit)
    }

    pub(super) fn run_state(&self) -> RunState {
        RunState::of(
            self.running,
            self.events.content(),
            self.step(),
            self.steps(),
        )
    }

    /// Seconds that the updates left will take at the speed of late, pictures and checkpoints
    /// included.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let left = self.steps()?.checked_sub(self.step())?;
        let last = self.last()?;
        let late = self.lines().recent(5)?;
        let first = Some(late.first).filter(|first| first.step < last.step);
        let seconds_a_step = match first {
            Some(first) => (last.seconds - first.seconds) / (last.step - first.step) as f64,
            None => last.seconds / last.step as f64,
        };
        let seconds = left as f64 * seconds_a_step;
        (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
    }

    /// A number of each line over its update, as far as it is finite, and no finer than a terminal
    /// shows.
    pub(super) fn curve(&self, value: impl Fn(&MetricsLine) -> f64) -> Vec<(f64, f64)> {
        let lines = self.lines();
        let step = |line: &MetricsLine| line.step as f64;
        let range = lines.first().map_or(0.0, step)..lines.last().map_or(0.0, step);
        let points = lines.iter().map(|line| (step(line), value(line)));
        thin(points, range, COLUMNS)
    }
}

/// A time of the day in UTC.
pub(super) fn time_of_day(at: u64) -> String {
    let second = at % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

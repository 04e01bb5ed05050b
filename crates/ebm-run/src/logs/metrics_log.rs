//! `metrics.jsonl`: one line of averages every so many updates.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::events::Speed;
use super::log_file::{LogFile, Logged};
use super::metrics_line::MetricsLine;
use super::traces::EnergyTraces;
use ebm_train::Metrics;

/// The open file and the averages since its last line.
pub(crate) struct MetricsLog {
    file: LogFile,
    traces: EnergyTraces,
    sums: Vec<Metrics>,
    since: Instant,
    started: Instant,
    seconds_before: f64,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    metrics: &'a Metrics,
    steps_per_second: f64,
    samples_per_second: f64,
    seconds: f64,
}

impl Logged for MetricsLine {
    fn step(&self) -> Option<u64> {
        Some(self.step)
    }
}

impl MetricsLog {
    /// Goes back to where the file was after `step` updates. The text is a warning.
    pub(crate) fn go_back(&mut self, step: u64) -> Option<String> {
        let mut seconds_before = 0.0;
        let mut traces = EnergyTraces::default();
        let warning = self.file.go_back(step, |line: MetricsLine| {
            take(line, &mut seconds_before, &mut traces);
        });
        (self.seconds_before, self.traces) = (seconds_before, traces);
        self.sums.clear();
        (self.since, self.started) = (Instant::now(), Instant::now());
        warning
    }

    /// Tries a last time to write what couldn't be written. The text is a warning.
    pub(crate) fn finish(&mut self) -> Option<String> {
        self.file.flush()
    }

    /// Opens the file after dropping the lines past `step`, which will be written again. The text
    /// is a warning.
    pub(crate) fn open(path: &Path, step: u64) -> (Self, Option<String>) {
        let mut seconds_before = 0.0;
        let mut traces = EnergyTraces::default();
        let (file, warning) = LogFile::open(path, step, |line: MetricsLine| {
            take(line, &mut seconds_before, &mut traces);
        });
        let log = Self {
            file,
            traces,
            sums: Vec::new(),
            since: Instant::now(),
            started: Instant::now(),
            seconds_before,
        };
        (log, warning)
    }

    /// Takes an update in.
    pub(crate) fn add(&mut self, metrics: Metrics) {
        self.sums.push(metrics);
    }

    /// Writes a line, and gives what it says, and a warning if it couldn't be written.
    pub(crate) fn write(&mut self, batch_size: usize) -> Option<(Metrics, Speed, Option<String>)> {
        let metrics = Metrics::combine(&self.sums)?;
        let steps_per_second = self.sums.len() as f64 / self.since.elapsed().as_secs_f64();
        let speed = Speed {
            steps_per_second,
            samples_per_second: steps_per_second * batch_size as f64,
        };
        self.sums.clear();
        self.since = Instant::now();
        let warning = self.file.write(&Line {
            metrics: &metrics,
            steps_per_second: speed.steps_per_second,
            samples_per_second: speed.samples_per_second,
            seconds: self.seconds_before + self.started.elapsed().as_secs_f64(),
        });
        self.traces
            .add(metrics.step, metrics.data_energy(), metrics.sample_energy());
        Some((metrics, speed, warning))
    }

    /// The energies in all lines so far.
    pub(crate) fn traces(&self) -> &EnergyTraces {
        &self.traces
    }

    /// Leaves time out of the speed that was spent on something else.
    pub(crate) fn pause<T>(&mut self, action: impl FnOnce() -> T) -> T {
        let paused = Instant::now();
        let result = action();
        self.leave_out(paused.elapsed());
        result
    }

    /// Leaves time out of the speed.
    pub(crate) fn leave_out(&mut self, time: Duration) {
        self.since += time;
    }
}

/// Takes in a line that was written before.
fn take(line: MetricsLine, seconds: &mut f64, traces: &mut EnergyTraces) {
    if line.seconds.is_finite() {
        *seconds = line.seconds;
    }
    traces.add(line.step, line.data_energy, line.sample_energy);
}

//! `metrics.jsonl`: one line of averages every so many updates.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::events::Speed;
use crate::error::TrainError;
use crate::files::write_whole;
use crate::trainer::Metrics;

/// The open file and the averages since its last line.
pub(super) struct MetricsLog {
    file: File,
    path: std::path::PathBuf,
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

impl MetricsLog {
    /// Opens the file after dropping the lines past `step`, which will be written again.
    pub(super) fn open(path: &Path, step: u64) -> Result<Self, TrainError> {
        let mut seconds_before = 0.0;
        if path.exists() {
            let file = File::open(path).map_err(TrainError::io("read", path))?;
            let mut kept = String::new();
            // A line that a kill cut short is no JSON, and is dropped too.
            for line in BufReader::new(file).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str::<serde_json::Value>(&line) else {
                    continue;
                };
                if value["step"].as_u64().is_some_and(|at| at <= step) {
                    seconds_before = value["seconds"].as_f64().unwrap_or(seconds_before);
                    kept.push_str(&line);
                    kept.push('\n');
                }
            }
            write_whole(path, kept.as_bytes()).map_err(TrainError::io("write", path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(TrainError::io("write", path))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            sums: Vec::new(),
            since: Instant::now(),
            started: Instant::now(),
            seconds_before,
        })
    }

    /// Takes an update in.
    pub(super) fn add(&mut self, metrics: Metrics) {
        self.sums.push(metrics);
    }

    /// Writes a line, and gives what it says.
    pub(super) fn write(
        &mut self,
        batch_size: usize,
    ) -> Result<Option<(Metrics, Speed)>, TrainError> {
        let Some(metrics) = mean(&self.sums) else {
            return Ok(None);
        };
        let steps_per_second = self.sums.len() as f64 / self.since.elapsed().as_secs_f64();
        let speed = Speed {
            steps_per_second,
            samples_per_second: steps_per_second * batch_size as f64,
        };
        self.sums.clear();
        self.since = Instant::now();
        let line = Line {
            metrics: &metrics,
            steps_per_second: speed.steps_per_second,
            samples_per_second: speed.samples_per_second,
            seconds: self.seconds_before + self.started.elapsed().as_secs_f64(),
        };
        let mut text = serde_json::to_string(&line)
            .map_err(|error| TrainError::io("write", &self.path)(error.into()))?;
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .map_err(TrainError::io("write", &self.path))?;
        Ok(Some((metrics, speed)))
    }

    /// Leaves time out of the speed that was spent on something else.
    pub(super) fn pause<T>(&mut self, action: impl FnOnce() -> T) -> T {
        let paused = Instant::now();
        let result = action();
        self.since += paused.elapsed();
        result
    }
}

/// The average of some updates, with the step and learning rate of the last.
fn mean(metrics: &[Metrics]) -> Option<Metrics> {
    let last = *metrics.last()?;
    let count = metrics.len() as f64;
    let average = |value: fn(&Metrics) -> f64| metrics.iter().map(value).sum::<f64>() / count;
    Some(Metrics {
        loss: average(|metrics| metrics.loss),
        data_energy: average(|metrics| metrics.data_energy),
        sample_energy: average(|metrics| metrics.sample_energy),
        gap: average(|metrics| metrics.gap),
        gradient_norm: average(|metrics| metrics.gradient_norm),
        displacement: average(|metrics| metrics.displacement),
        acceptance: last
            .acceptance
            .map(|_| average(|metrics| metrics.acceptance.unwrap_or(0.0))),
        // A count, so a sum.
        resets: last
            .resets
            .map(|_| metrics.iter().filter_map(|metrics| metrics.resets).sum()),
        ..last
    })
}

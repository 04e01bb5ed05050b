//! `quality.jsonl` of a run that goes on: what was measured, and what it means.

use std::path::Path;

use crate::logs::Collect;
use crate::logs::log_file::LogFile;
use crate::quality::{QualityHistory, QualityLine};

/// The open file and all that stands in it.
pub(in crate::run) struct QualityLog {
    file: LogFile,
    history: QualityHistory,
}

impl QualityLog {
    /// Opens the file after dropping the lines past `step`, which will be written again. The text
    /// is a warning.
    pub(in crate::run) fn open(path: &Path, step: u64) -> (Self, Option<String>) {
        let mut history = QualityHistory::default();
        let (file, warning) = LogFile::open(path, step, |line| history.add(line));
        (Self { file, history }, warning)
    }

    /// Goes back to where the file was after `step` updates. The text is a warning.
    pub(in crate::run) fn go_back(&mut self, step: u64) -> Option<String> {
        let mut history = QualityHistory::default();
        let warning = self.file.go_back(step, |line| history.add(line));
        self.history = history;
        warning
    }

    /// Tries a last time to write what couldn't be written. The text is a warning.
    pub(in crate::run) fn finish(&mut self) -> Option<String> {
        self.file.flush()
    }

    /// All that was measured.
    pub(in crate::run) fn history(&self) -> &QualityHistory {
        &self.history
    }

    /// Whether the model after this update was measured.
    pub(in crate::run) fn knows(&self, step: u64) -> bool {
        self.history.lines().iter().any(|line| line.step == step)
    }

    /// Whether the model of a line would be the best.
    pub(in crate::run) fn would_be_best(&self, line: &QualityLine) -> bool {
        let mut history = self.history.clone();
        history.add(line.clone());
        history.best().is_some_and(|best| best.step == line.step)
    }

    /// Adds a line. The text is a warning.
    pub(in crate::run) fn write(&mut self, line: QualityLine) -> Option<String> {
        let warning = self.file.write(&line);
        self.history.add(line);
        warning
    }
}

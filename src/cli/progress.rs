//! Progress of work in stages: a status line on a terminal, a line a stage elsewhere.

use std::time::Instant;

use super::numbers::clock;
use super::status_line::{self, StatusLine};
use super::terminal::{draws_progress, is_quiet, warn};

/// Shows how far the current stage is; on standard error, so that results can be piped.
pub(crate) struct StageBar {
    stage: Option<&'static str>,
    since: Instant,
    terminal: bool,
}

impl StageBar {
    /// Nothing is shown before the first update.
    pub(crate) fn new() -> Self {
        Self {
            stage: None,
            since: Instant::now(),
            terminal: draws_progress(),
        }
    }

    /// `done` of `total` steps of a stage are done.
    pub(crate) fn update(&mut self, stage: &'static str, done: u64, total: u64) {
        if self.stage != Some(stage) {
            self.finish();
            self.stage = Some(stage);
            self.since = Instant::now();
            if !self.terminal && !is_quiet() {
                warn(format_args!("{stage} ..."));
            }
        }
        if self.terminal {
            status_line::draw(|| self.line(stage, done, total));
        }
    }

    fn line(&self, stage: &str, done: u64, total: u64) -> StatusLine {
        let mut parts = vec![stage.to_string(), format!("{done}/{total}")];
        if done > 0 {
            let seconds_a_step = self.since.elapsed().as_secs_f64() / done as f64;
            let left = total.saturating_sub(done) as f64 * seconds_a_step;
            parts.push(format!("{} left", clock(left)));
        }
        StatusLine {
            share: done as f64 / total.max(1) as f64,
            parts,
        }
    }

    /// Takes the line away.
    pub(crate) fn finish(&mut self) {
        status_line::clear();
    }
}

//! Progress of work in stages: a status line on a terminal, a line a stage elsewhere.

use std::time::Instant;

use ebm::ops::Progress;

use super::numbers::clock;
use super::status_line::{self, StatusLine};
use super::terminal::{draws_progress, is_quiet, warn};

/// Shows how far the current stage is; on standard error, so that results can be piped.
pub(crate) struct StageBar {
    /// The part of the work that goes on.
    stage: &'static str,
    /// The one that is shown, and since when.
    shown: Option<&'static str>,
    since: Instant,
    terminal: bool,
}

impl StageBar {
    /// Nothing is shown before the first update.
    pub(crate) fn new() -> Self {
        Self {
            stage: "",
            shown: None,
            since: Instant::now(),
            terminal: draws_progress(),
        }
    }

    fn line(&self, done: usize, total: usize) -> StatusLine {
        let mut parts = vec![self.stage.to_string(), format!("{done}/{total}")];
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

impl Progress for StageBar {
    fn begin(&mut self, part: &'static str) {
        self.stage = part;
    }

    fn advance(&mut self, done: usize, total: usize) {
        let stage = self.stage;
        if self.shown != Some(stage) {
            self.finish();
            self.shown = Some(stage);
            self.since = Instant::now();
            if !self.terminal && !is_quiet() {
                warn(format_args!("{stage} ..."));
            }
        }
        if self.terminal {
            status_line::draw(|| self.line(done, total));
        }
    }
}

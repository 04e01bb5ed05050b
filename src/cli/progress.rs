//! Progress of work in stages: a bar on a terminal, a line a stage elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::{draws_progress, is_quiet, warn};

/// Shows how far the current stage is; on standard error, so that results can be piped.
pub(crate) struct StageBar {
    bar: ProgressBar,
    stage: Option<&'static str>,
    terminal: bool,
}

impl StageBar {
    /// Nothing is shown before the first update.
    pub(crate) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            stage: None,
            terminal: draws_progress(),
        }
    }

    /// `done` of `total` steps of a stage are done.
    pub(crate) fn update(&mut self, stage: &'static str, done: u64, total: u64) {
        if self.stage != Some(stage) {
            self.finish();
            self.stage = Some(stage);
            if self.terminal {
                let style = ProgressStyle::with_template(
                    "{msg:32} {bar:30} {pos}/{len}  {elapsed} < {eta}",
                );
                self.bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
                self.bar
                    .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                self.bar.set_message(stage);
            } else if !is_quiet() {
                warn(format_args!("{stage} ..."));
            }
        }
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

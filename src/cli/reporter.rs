//! What the command says while it trains: a progress bar on a terminal, plain lines elsewhere.

use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ebm::backend::Backend;
use ebm::training::Metrics;
use ebm::training::run::{Event, Outcome, RunFolder, Speed, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::{draws_progress, quoted, remark, warn};

/// Shortest time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Prints events, and asks training to stop on Ctrl-C or when its time is up.
pub(crate) struct Reporter {
    bar: ProgressBar,
    backend: Backend,
    steps: u64,
    last_line: Option<Instant>,
    interrupted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Reporter {
    /// A reporter for one run; `time_limit` counts from now.
    pub(crate) fn new(backend: Backend, time_limit: Option<Duration>) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let handler = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                // The second time: don't wait for the step.
                process::exit(130);
            }
            warn(format_args!(
                "\nstopping after this step and saving; press Ctrl-C again to stop at once"
            ));
        });
        if let Err(error) = handler {
            warn(format_args!("warning: Ctrl-C will not save ({error})"));
        }
        Self {
            bar: ProgressBar::hidden(),
            backend,
            steps: 0,
            last_line: None,
            interrupted,
            deadline: time_limit.map(|limit| Instant::now() + limit),
        }
    }

    fn start(&mut self, step: u64, steps: u64) {
        self.steps = steps;
        if !draws_progress() {
            return;
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {elapsed} < {eta}");
        self.bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_position(step);
        self.bar.reset_eta();
    }

    /// Prints a line without disturbing the bar.
    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            remark(format_args!("{text}"));
        } else {
            self.bar.println(text);
        }
    }

    /// Prints a warning without disturbing the bar, also where nothing else is wanted.
    fn warning(&self, text: &str) {
        if self.bar.is_hidden() {
            warn(format_args!("warning: {text}"));
        } else {
            self.bar.println(format!("warning: {text}"));
        }
    }

    fn pretraining(&mut self, layer: usize, layers: usize, metrics: &Metrics, steps: u64) {
        let text = format!(
            "pretraining layer {layer}/{layers}: step {}/{steps}  |grad| {:.2}",
            metrics.step, metrics.gradient_norm
        );
        if !self.bar.is_hidden() {
            self.bar.set_message(text);
        } else if self.is_due() || metrics.step == steps {
            remark(format_args!("{text}"));
        }
    }

    /// Whether it is time for another plain line.
    fn is_due(&mut self) -> bool {
        let due = self
            .last_line
            .is_none_or(|last| last.elapsed() >= LINE_EVERY);
        if due {
            self.last_line = Some(Instant::now());
        }
        due
    }

    fn logged(&mut self, metrics: &Metrics, speed: Speed) {
        let mut energies = format!(
            "E(data) {:+.3}  E(samples) {:+.3}  |grad| {:.2}  moved {:.3}  {:.1} steps/s",
            metrics.data_energy,
            metrics.sample_energy,
            metrics.gradient_norm,
            metrics.displacement,
            speed.steps_per_second
        );
        if let Some(resets) = metrics.resets.filter(|&resets| resets > 0.0) {
            energies.push_str(&format!("  {resets} chain steps not finite"));
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(energies);
            return;
        }
        if self.is_due() || metrics.step == self.steps {
            let left = (self.steps - metrics.step) as f64 / speed.steps_per_second;
            remark(format_args!(
                "step {}/{}  {energies}  {} left",
                metrics.step,
                self.steps,
                minutes(left)
            ));
        }
    }
}

impl Watch for Reporter {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                folder,
                step,
                steps,
                parameters,
                examples,
            } => {
                self.start(*step, *steps);
                self.line(&format!(
                    "{} examples, {} parameters, backend {}, run folder {}",
                    examples,
                    parameters,
                    self.backend,
                    folder.display()
                ));
                if *step > 0 {
                    self.line(&format!("resuming after step {step}"));
                }
            }
            Event::LockedByFile { folder } => self.warning(&format!(
                "the file system of {} has no locks; the file run.owner in it keeps other runs away",
                folder.display()
            )),
            Event::DataChanged {
                before,
                now,
                asked_for,
            } => {
                let text = format!(
                    "the data are not those that training was stopped with ({} examples then, {} now); it goes on with them",
                    before.count, now.count
                );
                if *asked_for {
                    self.line(&text);
                } else {
                    self.warning(&text);
                }
            }
            Event::Pretraining {
                layer,
                layers,
                metrics,
                steps,
            } => self.pretraining(*layer, *layers, metrics, *steps),
            Event::Step(metrics) => self.bar.set_position(metrics.step),
            Event::Logged { metrics, speed } => self.logged(metrics, *speed),
            Event::Sampled { path } => self.line(&format!("samples: {}", path.display())),
            Event::Saved { .. } => {}
            Event::Refused { metrics, in_a_row } => self.line(&format!(
                "step {} was not applied: loss {}, gradient norm {} ({in_a_row} in a row)",
                metrics.step, metrics.loss, metrics.gradient_norm
            )),
            Event::RolledBack {
                from,
                to,
                learning_rate,
                rollbacks,
            } => {
                self.bar.set_position(*to);
                self.line(&format!(
                    "training diverged at step {from}: back to step {to} with learning rate {learning_rate:.3e} (roll-back {rollbacks})"
                ));
            }
            Event::Warned { message } => {
                let text = format!("warning: {message}");
                if self.bar.is_hidden() {
                    warn(format_args!("{text}"));
                } else {
                    self.bar.println(text);
                }
            }
            Event::Finished { .. } => self.bar.finish(),
        }
    }

    fn should_stop(&mut self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
            || self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Says how the run ended and what to do next.
pub(crate) fn report_outcome(outcome: Outcome, folder: &Path) {
    let model = folder.join("model.safetensors");
    let run = quoted(folder);
    match outcome {
        Outcome::Finished => {
            remark(format_args!(
                "finished: {}; draw samples with `ebm sample --run {run}`",
                model.display()
            ));
        }
        Outcome::Stopped { step: 0 } if !has_checkpoint(folder) => {
            remark(format_args!(
                "stopped in pretraining: finished layers are saved; go on with `ebm resume {run}`"
            ));
        }
        Outcome::Stopped { step } => {
            remark(format_args!(
                "stopped and saved after step {step}; go on with `ebm resume {run}`"
            ));
        }
    }
}

/// Whether a run got to its first checkpoint, which follows pretraining.
fn has_checkpoint(run: &Path) -> bool {
    let steps = RunFolder::open(run).and_then(|folder| folder.checkpoint_steps());
    steps.is_ok_and(|steps| !steps.is_empty())
}

fn minutes(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

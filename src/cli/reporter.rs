//! What the command says while it trains: a status line on a terminal, plain lines elsewhere.

use std::mem;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ebm::backend::Backend;
use ebm::run::config::RunConfig;
use ebm::run::quality::{QualityLine, Verdict};
use ebm::run::{Event, Outcome, RunFolder, Speed, Watch};
use ebm::training::{Metrics, Scalar};

use super::numbers::{clock, rate, signed, significant};
use super::signals;
use super::status_line::{self, StatusLine};
use super::terminal::{draws_progress, quoted, remark, warn};

/// Share of the training time from which on it is said what measuring took.
const COSTLY: f64 = 0.1;

/// Shortest time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Prints events, and asks training to stop on Ctrl-C or when its time is up.
pub(crate) struct Reporter {
    config: RunConfig,
    backend: Backend,
    /// Whether a status line is drawn.
    terminal: bool,
    step: u64,
    /// The learning rate of the last update.
    learning_rate: Option<f64>,
    /// What was logged last.
    logged: Option<(Metrics, Speed)>,
    last_line: Option<Instant>,
    interrupted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Reporter {
    /// A reporter for one run; `time_limit` counts from now.
    pub(crate) fn new(backend: Backend, time_limit: Option<Duration>, config: &RunConfig) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let mut asked = false;
        let heard = signals::on_stop(move |signal| {
            let is_first = !flag.swap(true, Ordering::SeqCst);
            if signal == signals::HANG_UP {
                // A terminal that is closed hangs up twice: its shell does, and then the kernel.
                if !is_first {
                    return;
                }
            } else if mem::replace(&mut asked, true) {
                // The second time: don't wait for the step.
                status_line::clear();
                process::exit(130);
            }
            warn(format_args!(
                "stopping after this step and saving; press Ctrl-C again to stop at once"
            ));
        });
        if let Err(error) = heard {
            warn(format_args!("warning: Ctrl-C will not save ({error})"));
        }
        Self {
            config: config.clone(),
            backend,
            terminal: draws_progress(),
            step: 0,
            learning_rate: None,
            logged: None,
            last_line: None,
            interrupted,
            deadline: time_limit.map(|limit| Instant::now() + limit),
        }
    }

    /// Turns to another run; what was asked for, to stop or by when, still holds.
    pub(crate) fn turn_to(&mut self, config: &RunConfig) {
        self.config = config.clone();
        self.step = 0;
        self.learning_rate = None;
        self.logged = None;
        self.last_line = None;
    }

    /// Prints a line.
    fn line(&self, text: &str) {
        remark(format_args!("{text}"));
    }

    fn pretraining(&mut self, layer: usize, layers: usize, metrics: &Metrics, steps: u64) {
        let line = || StatusLine {
            share: metrics.step as f64 / steps as f64,
            parts: vec![
                format!("pretraining layer {layer}/{layers}"),
                format!("step {}/{steps}", metrics.step),
                format!("|grad| {}", significant(metrics.gradient_norm, 3)),
            ],
        };
        if self.terminal {
            status_line::draw(line);
        } else if self.is_due() || metrics.step == steps {
            self.line(&line().parts.join("  "));
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

    /// How far it is, and what was logged last.
    fn status(&self) -> StatusLine {
        let steps = self.config.training.steps;
        let mut parts = vec![format!("{}/{steps}", self.step)];
        if let Some((metrics, speed)) = &self.logged {
            let left = steps.saturating_sub(self.step) as f64 / speed.steps_per_second;
            parts.push(format!("{} left", clock(left)));
            parts.extend(numbers(metrics, *speed));
        }
        StatusLine {
            share: self.step as f64 / steps as f64,
            parts,
        }
    }

    fn logged(&mut self, metrics: &Metrics, speed: Speed) {
        self.step = metrics.step;
        self.logged = Some((metrics.clone(), speed));
        if self.terminal {
            status_line::draw(|| self.status());
        } else if self.is_due() || metrics.step == self.config.training.steps {
            self.line(&format!("step {}", self.status().parts.join("  ")));
        }
    }

    /// Says how the run ended and what to do next.
    pub(crate) fn report(&self, outcome: Outcome, folder: &Path) {
        let model = folder.join("model.safetensors");
        let run = quoted(folder);
        if self.terminal && self.logged.is_some() {
            status_line::keep(&self.status());
        }
        match outcome {
            Outcome::Finished => self.line(&format!(
                "finished: {}; draw samples with `ebm sample --run {run}`",
                model.display()
            )),
            Outcome::Stopped { step: 0 } if !has_checkpoint(folder) => self.line(&format!(
                "stopped in pretraining: finished layers are saved; go on with `ebm resume {run}`"
            )),
            Outcome::Stopped { step } => {
                self.line(&format!(
                    "stopped and saved after step {step}; go on with `ebm resume {run}`"
                ));
                let rate = self.learning_rate;
                if let Some(unfinished) =
                    rate.and_then(|rate| unfinished_schedule(&self.config, step, rate))
                {
                    self.line(&unfinished);
                }
            }
        }
    }
}

/// What is known of the last updates, most important first.
fn numbers(metrics: &Metrics, speed: Speed) -> Vec<String> {
    let mut parts = Vec::new();
    let resets = metrics.get(Scalar::RESETS);
    if let Some(resets) = resets.filter(|&resets| resets > 0.0) {
        parts.push(format!("{resets} chain steps not finite"));
    }
    match metrics.get(Scalar::GAP) {
        Some(gap) => parts.push(format!("gap {}", signed(gap, 3))),
        None => parts.push(format!("loss {}", signed(metrics.loss, 3))),
    }
    for (label, scalar) in [
        ("E(data)", Scalar::DATA_ENERGY),
        ("E(samples)", Scalar::SAMPLE_ENERGY),
    ] {
        let energy = metrics.get(scalar);
        parts.extend(energy.map(|energy| format!("{label} {}", signed(energy, 4))));
    }
    parts.extend([
        format!("|grad| {}", significant(metrics.gradient_norm, 3)),
        format!("{} steps/s", rate(speed.steps_per_second)),
    ]);
    let moved = metrics.get(Scalar::DISPLACEMENT);
    parts.extend(moved.map(|moved| format!("moved {}", significant(moved, 3))));
    parts
}

/// What to say of a model that was left in the middle of its schedule, after `step` updates of
/// which the last had this learning rate.
fn unfinished_schedule(config: &RunConfig, step: u64, rate: f64) -> Option<String> {
    let steps = config.training.steps;
    let factor = |step: u64| config.schedule.factor(step, steps);
    let now = factor(step.checked_sub(1)?);
    let end = factor(steps.checked_sub(1)?);
    if step < config.schedule.warmup {
        return Some(format!(
            "the learning rate has come to {} of {} only, by the warm-up of {} steps: not a finished model",
            significant(rate, 3),
            significant(rate / now, 3),
            config.schedule.warmup
        ));
    }
    // A rate that has almost come to its end is there.
    if now <= 1.02 * end + 0.001 {
        return None;
    }
    Some(format!(
        "the learning rate is still at {} of {}, and was to fall to {} by step {steps}: not a finished model",
        significant(rate, 3),
        significant(rate / now, 3),
        significant(rate / now * end, 3),
    ))
}

impl Watch for Reporter {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                folder,
                step,
                steps: _,
                parameters,
                examples,
            } => {
                self.step = *step;
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
            Event::LockedByFile { folder } => warning(&format!(
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
                    warning(&text);
                }
            }
            Event::RateJumped { from, to } => self.line(&format!(
                "the learning rate jumps from {}, that of the last update, to {}: the schedule has changed (config section `schedule`, keys training.steps and optimizer.learning_rate)",
                significant(*from, 3),
                significant(*to, 3)
            )),
            Event::Pretraining {
                layer,
                layers,
                metrics,
                steps,
            } => self.pretraining(*layer, *layers, metrics, *steps),
            Event::Step(metrics) => {
                self.step = metrics.step;
                self.learning_rate = Some(metrics.learning_rate);
                if self.terminal {
                    status_line::draw(|| self.status());
                }
            }
            Event::Logged { metrics, speed } => self.logged(metrics, *speed),
            Event::Sampled { path } => self.line(&format!("samples: {}", path.display())),
            Event::Saved { .. } => {}
            Event::Refused { metrics, in_a_row } => self.line(&format!(
                "step {} was not applied: loss {}, gradient norm {} ({in_a_row} in a row)",
                metrics.step,
                significant(metrics.loss, 4),
                significant(metrics.gradient_norm, 3)
            )),
            Event::RolledBack {
                from,
                to,
                learning_rate,
                rollbacks,
            } => {
                self.step = *to;
                self.line(&format!(
                    "training diverged at step {from}: back to step {to} with learning rate {} (roll-back {rollbacks})",
                    significant(*learning_rate, 3)
                ));
            }
            Event::Measured {
                line,
                verdict,
                is_best,
            } => self.line(&quality(line, verdict, *is_best)),
            Event::Collapsed {
                from,
                to,
                learning_rate,
                transitions,
                collapses,
                ..
            } => {
                self.step = *to;
                warning(&format!(
                    "the model of step {from} has collapsed: back to the best, of step {to}, with learning rate {} and chains of {transitions} transitions (collapse {collapses})",
                    significant(*learning_rate, 3)
                ));
            }
            Event::StoppedEarly { step, best } => self.line(&format!(
                "stopped early after step {step}: no better model since that of step {best}"
            )),
            Event::Judged { verdict, cost } => {
                self.line(&format!("verdict: {verdict}"));
                if *cost > COSTLY {
                    self.line(&format!(
                        "measuring quality took {} % of the training time (config key output.quality_samples)",
                        significant(100.0 * cost, 2)
                    ));
                }
            }
            Event::Warned { message } => warning(message),
            Event::Finished { .. } => {}
        }
    }

    fn should_stop(&mut self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
            || self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// What was measured of a model, in a line.
fn quality(line: &QualityLine, verdict: &Verdict, is_best: bool) -> String {
    let mut parts = Vec::new();
    if let Some(divergence) = line.divergence {
        parts.push(format!(
            "{} nats from the true density",
            significant(divergence, 3)
        ));
    }
    if let Some(distance) = line.distance {
        let floor = line
            .floor
            .map(|floor| format!(" (real data {})", significant(floor, 3)));
        let distance = significant(distance, 3);
        parts.push(format!("distance {distance}{}", floor.unwrap_or_default()));
    }
    for (name, value) in [("precision", line.precision), ("recall", line.recall)] {
        parts.extend(value.map(|value| format!("{name} {value:.2}")));
    }
    if let Some(likelihood) = line.log_likelihood {
        parts.push(format!("log-likelihood {} nats", signed(likelihood, 4)));
    }
    parts.push(verdict.to_string());
    let best = if is_best { ", the best so far" } else { "" };
    format!(
        "quality after step {}: {}{best}",
        line.step,
        parts.join(", ")
    )
}

/// Prints a warning, also where nothing else is wanted.
fn warning(text: &str) {
    warn(format_args!("warning: {text}"));
}

/// Whether a run got to its first checkpoint, which follows pretraining.
fn has_checkpoint(run: &Path) -> bool {
    let steps = RunFolder::open(run).and_then(|folder| folder.checkpoint_steps());
    steps.is_ok_and(|steps| !steps.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ebm::run::config::ConfigTable;

    fn config(changes: &[&str]) -> RunConfig {
        let mut table = ConfigTable::from_preset("digits").unwrap();
        for change in ["training.steps=100", "schedule={}"].iter().chain(changes) {
            table.set(change).unwrap();
        }
        table.read().unwrap()
    }

    #[test]
    fn who_stops_early_is_told_how_far_the_learning_rate_is() {
        let linear = config(&["schedule={decay={kind=\"linear\", final_factor=0.1}}"]);
        let said = unfinished_schedule(&linear, 51, 0.05 * 0.55).unwrap();
        assert_eq!(
            said,
            "the learning rate is still at 0.0275 of 0.0500, and was to fall to 0.00545 by step 100: not a finished model"
        );
        // At the end, or as good as there, there is nothing to say; nor of a rate that stays.
        assert_eq!(unfinished_schedule(&linear, 100, 0.005), None);
        assert_eq!(unfinished_schedule(&config(&[]), 50, 0.05), None);
        let warmup = config(&["schedule.warmup=80"]);
        let said = unfinished_schedule(&warmup, 20, 0.05 * 0.25).unwrap();
        assert!(said.contains("come to 0.0125 of 0.0500"), "{said}");
        assert_eq!(unfinished_schedule(&warmup, 80, 0.05), None);
    }
}

//! `events.jsonl`: what happened in a run and when, one line an event, on its way to whoever
//! watches.

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::events::{Event, Outcome, Watch};
use super::log_file::{LogFile, Logged};
use crate::error::RunError;
use crate::text::number::number;

/// An event as it was written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// When, in seconds since 1970 (UTC).
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Numbers that weren't finite are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// Training started or went on.
    Started {
        /// Updates made before.
        step: u64,
        /// Updates in all.
        steps: u64,
        /// Parameters of the model.
        parameters: usize,
        /// Examples.
        examples: usize,
    },
    /// Training went on with other examples than before.
    DataChanged {
        /// The number of examples before.
        before: usize,
        /// The number of examples now.
        now: usize,
        /// Whether the configuration names other data than before, so that this is meant.
        #[serde(default)]
        asked_for: bool,
    },
    /// A layer of a deep machine was trained alone.
    Pretrained {
        /// The hidden layer, from 1.
        layer: usize,
        /// The number of hidden layers.
        layers: usize,
    },
    /// A picture was written.
    Sampled {
        /// Its name.
        file: String,
    },
    /// A checkpoint was written.
    Saved {
        /// Its name.
        file: String,
    },
    /// An update was refused. Of many in a row, the 1st, 2nd, 4th, 8th ... are written down.
    Refused {
        /// The update.
        step: u64,
        /// Its objective.
        loss: Option<f64>,
        /// The norm of its gradient.
        gradient_norm: Option<f64>,
        /// The number of refused updates in a row.
        in_a_row: u32,
    },
    /// Training went back to a checkpoint.
    RolledBack {
        /// The update at which it diverged.
        from: u64,
        /// The update to which it went back.
        to: u64,
        /// The learning rate that it went on with.
        learning_rate: f64,
        /// The number of roll-backs so far.
        rollbacks: u32,
    },
    /// The model collapsed, and training went back to the best.
    Collapsed {
        /// The update at which that was seen.
        from: u64,
        /// The update of the best model.
        to: u64,
        /// What was seen, in words.
        verdict: String,
        /// The learning rate that it went on with.
        learning_rate: f64,
        /// The transitions of its chains.
        transitions: usize,
        /// The number of collapses so far.
        collapses: u32,
    },
    /// Training ended before its last update, since its quality didn't rise any more.
    StoppedEarly {
        /// Updates made.
        step: u64,
        /// The update of the best model.
        best: u64,
    },
    /// All that was measured of a run that ended, in words.
    Judged {
        /// What it means.
        verdict: String,
    },
    /// Something went wrong that training went on without: a picture, a line of a log.
    Warned {
        /// What.
        message: String,
    },
    /// All updates were made.
    Finished,
    /// It was stopped and saved.
    Stopped {
        /// Updates made.
        step: u64,
    },
    /// It ended with an error.
    Failed {
        /// What the error said.
        message: String,
    },
    /// Something that a later version wrote.
    #[serde(other)]
    Unknown,
}

/// The event in a line of words.
impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { step: 0, steps, .. } => write!(f, "started, {steps} updates to make"),
            Self::Started { step, steps, .. } => {
                write!(f, "went on after update {step} of {steps}")
            }
            Self::DataChanged { before, now, .. } if before == now => {
                write!(f, "the data were changed, {now} examples as before")
            }
            Self::DataChanged { before, now, .. } => {
                write!(
                    f,
                    "the data were changed, {now} examples in place of {before}"
                )
            }
            Self::Pretrained { layer, layers } => write!(f, "pretrained layer {layer} of {layers}"),
            Self::Sampled { file } => write!(f, "drew samples, {file}"),
            Self::Saved { file } => write!(f, "saved {file}"),
            Self::Refused {
                step,
                loss,
                gradient_norm,
                in_a_row,
            } => {
                let number = |value: &Option<f64>| value.map_or("not finite".into(), number);
                write!(
                    f,
                    "update {step} was not applied ({in_a_row} in a row): loss {}, gradient norm {}",
                    number(loss),
                    number(gradient_norm)
                )
            }
            Self::RolledBack {
                from,
                to,
                learning_rate,
                rollbacks,
            } => write!(
                f,
                "diverged at update {from}: back to update {to} with learning rate {} (roll-back {rollbacks})",
                number(*learning_rate)
            ),
            Self::Collapsed {
                to,
                verdict,
                learning_rate,
                transitions,
                ..
            } => write!(
                f,
                "{verdict}: back to update {to} with learning rate {} and chains of {transitions} transitions",
                number(*learning_rate)
            ),
            Self::StoppedEarly { step, best } => write!(
                f,
                "stopped early after update {step}: the best is that of update {best}"
            ),
            Self::Judged { verdict } => f.write_str(verdict),
            Self::Warned { message } => write!(f, "warning: {message}"),
            Self::Finished => f.write_str("finished"),
            Self::Stopped { step } => write!(f, "stopped and saved after update {step}"),
            Self::Failed { message } => write!(f, "failed: {message}"),
            Self::Unknown => f.write_str("something that a later version recorded"),
        }
    }
}

impl Logged for RecordedEvent {
    fn step(&self) -> Option<u64> {
        // What happened stays, also where training goes back to before it.
        None
    }
}

/// The open file, in front of somebody who watches.
pub(crate) struct EventLog<'a> {
    file: LogFile,
    watch: &'a mut dyn Watch,
}

impl<'a> EventLog<'a> {
    /// Opens the file for adding to it.
    pub(crate) fn open(path: &Path, watch: &'a mut dyn Watch) -> Self {
        let (file, warning) = LogFile::open(path, 0, |_: RecordedEvent| {});
        let mut log = Self { file, watch };
        if let Some(message) = &warning {
            log.event(&Event::Warned { message });
        }
        log
    }

    /// Writes down how the run ended, and passes that on.
    pub(crate) fn close(mut self, outcome: Result<Outcome, RunError>) -> Result<Outcome, RunError> {
        match &outcome {
            Ok(Outcome::Finished) => {}
            Ok(Outcome::Stopped { step }) => self.write(EventKind::Stopped { step: *step }),
            Err(error) => self.write(EventKind::Failed {
                message: error.to_string(),
            }),
        }
        // A run that finished writes nothing here, but what waits may fit on the disk by now.
        if let Some(message) = self.file.flush() {
            self.watch.event(&Event::Warned { message: &message });
        }
        outcome
    }

    fn write(&mut self, kind: EventKind) {
        if let Some(message) = self.file.write(&RecordedEvent { at: now(), kind }) {
            tracing::warn!(message);
            let warning = EventKind::Warned {
                message: message.clone(),
            };
            // It failed just now, and waits with the others; or it works again.
            let line = RecordedEvent {
                at: now(),
                kind: warning,
            };
            let _ = self.file.write(&line);
            self.watch.event(&Event::Warned { message: &message });
        }
    }
}

impl Watch for EventLog<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(kind) = recorded(event) {
            self.write(kind);
        }
        self.watch.event(event);
    }

    fn should_stop(&mut self) -> bool {
        self.watch.should_stop()
    }
}

/// What is written down of an event; updates have a file of their own.
fn recorded(event: &Event<'_>) -> Option<EventKind> {
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    Some(match event {
        Event::Step(_)
        | Event::Logged { .. }
        | Event::LockedByFile { .. }
        | Event::RateJumped { .. } => return None,
        Event::Started {
            step,
            steps,
            parameters,
            examples,
            ..
        } => EventKind::Started {
            step: *step,
            steps: *steps,
            parameters: *parameters,
            examples: *examples,
        },
        Event::DataChanged {
            before,
            now,
            asked_for,
        } => EventKind::DataChanged {
            before: before.count,
            now: now.count,
            asked_for: *asked_for,
        },
        Event::Pretraining {
            layer,
            layers,
            metrics,
            steps,
        } if metrics.step == *steps => EventKind::Pretrained {
            layer: *layer,
            layers: *layers,
        },
        Event::Pretraining { .. } => return None,
        Event::Sampled { path } => EventKind::Sampled { file: name(path) },
        Event::Saved { path } => EventKind::Saved { file: name(path) },
        Event::Refused { metrics, in_a_row } if in_a_row.is_power_of_two() => EventKind::Refused {
            step: metrics.step,
            loss: finite(metrics.loss),
            gradient_norm: finite(metrics.gradient_norm),
            in_a_row: *in_a_row,
        },
        Event::Refused { .. } => return None,
        Event::RolledBack {
            from,
            to,
            learning_rate,
            rollbacks,
        } => EventKind::RolledBack {
            from: *from,
            to: *to,
            learning_rate: *learning_rate,
            rollbacks: *rollbacks,
        },
        Event::Measured { .. } => return None,
        Event::Collapsed {
            from,
            to,
            verdict,
            learning_rate,
            transitions,
            collapses,
        } => EventKind::Collapsed {
            from: *from,
            to: *to,
            verdict: verdict.to_string(),
            learning_rate: *learning_rate,
            transitions: *transitions,
            collapses: *collapses,
        },
        Event::StoppedEarly { step, best } => EventKind::StoppedEarly {
            step: *step,
            best: *best,
        },
        Event::Judged { verdict, .. } => EventKind::Judged {
            verdict: verdict.to_string(),
        },
        Event::Warned { message } => EventKind::Warned {
            message: (*message).to_string(),
        },
        Event::Finished { .. } => EventKind::Finished,
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Seconds since 1970 (UTC); 0 for a clock that is set before.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|time| time.as_secs()).unwrap_or(0)
}

#[cfg(test)]
#[path = "event_log_tests.rs"]
mod tests;

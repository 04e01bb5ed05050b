//! `events.jsonl`: what happened in a run and when, one line an event, on its way to whoever watches.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::events::{Event, Outcome, Watch};
use crate::error::TrainError;

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
            Self::Pretrained { layer, layers } => write!(f, "pretrained layer {layer} of {layers}"),
            Self::Sampled { file } => write!(f, "drew samples, {file}"),
            Self::Saved { file } => write!(f, "saved {file}"),
            Self::Refused {
                step,
                loss,
                gradient_norm,
                in_a_row,
            } => {
                let number = |value: &Option<f64>| {
                    value.map_or_else(|| "not finite".into(), |value| format!("{value:.3e}"))
                };
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
                "diverged at update {from}: back to update {to} with learning rate {learning_rate:.3e} (roll-back {rollbacks})"
            ),
            Self::Finished => f.write_str("finished"),
            Self::Stopped { step } => write!(f, "stopped and saved after update {step}"),
            Self::Failed { message } => write!(f, "failed: {message}"),
            Self::Unknown => f.write_str("something that a later version recorded"),
        }
    }
}

/// The open file, in front of somebody who watches.
pub(super) struct EventLog<'a> {
    file: File,
    path: PathBuf,
    watch: &'a mut dyn Watch,
    /// The first line that couldn't be written.
    failure: Option<std::io::Error>,
}

impl<'a> EventLog<'a> {
    /// Opens the file for adding to it.
    pub(super) fn open(path: &Path, watch: &'a mut dyn Watch) -> Result<Self, TrainError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(TrainError::io("write", path))?;
        // A line that a kill cut short would spoil the next.
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        file.set_len(whole.map_or(0, |end| end as u64 + 1))
            .map_err(TrainError::io("write", path))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            watch,
            failure: None,
        })
    }

    /// Writes down how the run ended, and passes that on.
    pub(super) fn close(
        mut self,
        outcome: Result<Outcome, TrainError>,
    ) -> Result<Outcome, TrainError> {
        match &outcome {
            Ok(Outcome::Finished) => {}
            Ok(Outcome::Stopped { step }) => self.write(EventKind::Stopped { step: *step }),
            Err(error) => self.write(EventKind::Failed {
                message: error.to_string(),
            }),
        }
        match (outcome, self.failure) {
            (Ok(_), Some(error)) => Err(TrainError::io("write", &self.path)(error)),
            (outcome, _) => outcome,
        }
    }

    fn write(&mut self, kind: EventKind) {
        let line = RecordedEvent { at: now(), kind };
        let written = serde_json::to_string(&line)
            .map_err(std::io::Error::from)
            .and_then(|text| self.file.write_all(format!("{text}\n").as_bytes()));
        if let Err(error) = written {
            self.failure.get_or_insert(error);
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
        Event::Step(_) | Event::Logged { .. } | Event::RateJumped { .. } => return None,
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
mod tests {
    use super::*;
    use crate::run::JsonLines;

    /// Somebody who counts.
    struct Count(usize);

    impl Watch for Count {
        fn event(&mut self, _event: &Event<'_>) {
            self.0 += 1;
        }
    }

    #[test]
    fn events_are_written_down_passed_on_and_read_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("events.jsonl");
        // What a kill left.
        fs::write(&path, "{\"at\":1,\"event\":\"finished\"}\n{\"at\":2,\"ev").expect("a file");
        let mut watch = Count(0);
        let mut log = EventLog::open(&path, &mut watch).expect("it opens");
        log.event(&Event::Started {
            folder: folder.path(),
            step: 3,
            steps: 9,
            parameters: 5,
            examples: 7,
        });
        log.event(&Event::Sampled {
            path: Path::new("a/b.png"),
        });
        let outcome = log.close(Ok(Outcome::Stopped { step: 4 }));
        assert_eq!(outcome.expect("no error"), Outcome::Stopped { step: 4 });
        assert_eq!(watch.0, 2);
        let mut text = fs::read_to_string(&path).expect("a file");
        text.push_str("{\"at\":5,\"event\":\"from_the_future\",\"x\":1}\n");
        fs::write(&path, text).expect("a file");
        let lines = JsonLines::<RecordedEvent>::open(&path).expect("all lines are whole");
        let kinds: Vec<&EventKind> = lines.items().iter().map(|line| &line.kind).collect();
        let started = EventKind::Started {
            step: 3,
            steps: 9,
            parameters: 5,
            examples: 7,
        };
        let sampled = EventKind::Sampled {
            file: "b.png".into(),
        };
        let expected = [
            &EventKind::Finished,
            &started,
            &sampled,
            &EventKind::Stopped { step: 4 },
            &EventKind::Unknown,
        ];
        assert_eq!(kinds, expected);
        assert!(lines.items()[1].at > 1_700_000_000);
    }

    #[test]
    fn of_many_refused_updates_few_are_written_down() {
        let metrics = crate::Metrics {
            step: 1,
            loss: f64::NAN,
            data_energy: 0.0,
            sample_energy: 0.0,
            gap: 0.0,
            gradient_norm: 1.0,
            displacement: 0.0,
            acceptance: None,
            resets: None,
            learning_rate: 0.1,
        };
        let written: Vec<u32> = (1..=20)
            .filter(|&in_a_row| {
                let event = Event::Refused {
                    metrics: &metrics,
                    in_a_row,
                };
                recorded(&event).is_some()
            })
            .collect();
        assert_eq!(written, [1, 2, 4, 8, 16]);
    }
}

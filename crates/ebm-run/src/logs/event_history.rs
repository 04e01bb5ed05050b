//! All of `events.jsonl` in little memory: the newest events, and counts of the others.

use std::collections::VecDeque;

use super::event_log::{EventKind, RecordedEvent};
use super::json_lines::Collect;

/// Events that are kept, of all and of those that are no routine.
const MOST: usize = 100;

/// What happened in a run.
#[derive(Clone, Debug, Default)]
pub struct EventHistory {
    count: u64,
    newest: VecDeque<RecordedEvent>,
    notable: VecDeque<RecordedEvent>,
    /// Events that are no routine.
    pub notable_count: u64,
    /// Checkpoints that were written.
    pub saved: u64,
    /// Pictures that were drawn.
    pub sampled: u64,
    /// Times that updates were refused, those in a row counted once.
    pub refused: u64,
    /// Times that training went back to a checkpoint.
    pub rollbacks: u64,
    /// Times that the model collapsed and training went back to the best.
    pub collapses: u64,
    /// Warnings.
    pub warnings: u64,
    /// Parameters and examples, as the newest start said.
    pub sizes: Option<(usize, usize)>,
    /// The newest event that says how the run stands: a start or an end.
    pub state: Option<EventKind>,
}

impl EventHistory {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The newest events, newest first, 100 at most, those left out that a later version wrote.
    pub fn newest(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.newest.iter().rev()
    }

    /// The newest events but for checkpoints and pictures, oldest first, 100 at most.
    pub fn notable(&self) -> impl ExactSizeIterator<Item = &RecordedEvent> {
        self.notable.iter()
    }
}

impl Collect for EventHistory {
    type Line = RecordedEvent;

    fn add(&mut self, event: RecordedEvent) {
        self.count += 1;
        let mut is_notable = true;
        match &event.kind {
            EventKind::Saved { .. } => {
                self.saved += 1;
                is_notable = false;
            }
            EventKind::Sampled { .. } => {
                self.sampled += 1;
                is_notable = false;
            }
            EventKind::Unknown => return,
            EventKind::Refused { in_a_row: 1, .. } => self.refused += 1,
            EventKind::RolledBack { .. } => self.rollbacks += 1,
            EventKind::Collapsed { .. } => self.collapses += 1,
            EventKind::Warned { .. }
            | EventKind::DataChanged {
                asked_for: false, ..
            } => self.warnings += 1,
            EventKind::Started {
                parameters,
                examples,
                ..
            } => {
                self.sizes = Some((*parameters, *examples));
                self.state = Some(event.kind.clone());
            }
            EventKind::Finished | EventKind::Stopped { .. } | EventKind::Failed { .. } => {
                self.state = Some(event.kind.clone());
            }
            EventKind::DataChanged { .. }
            | EventKind::Refused { .. }
            | EventKind::Pretrained { .. }
            | EventKind::StoppedEarly { .. }
            | EventKind::Judged { .. } => {}
        }
        if is_notable {
            self.notable_count += 1;
            keep(&mut self.notable, event.clone());
        }
        keep(&mut self.newest, event);
    }
}

fn keep(events: &mut VecDeque<RecordedEvent>, event: RecordedEvent) {
    if events.len() == MOST {
        events.pop_front();
    }
    events.push_back(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_data_are_a_warning_unless_they_were_asked_for() {
        let mut history = EventHistory::default();
        // What an older version wrote says nothing of it.
        for (asked_for, text) in [
            (",\"asked_for\":true", "in place of 5"),
            (",\"asked_for\":false", "in place of 5"),
            ("", "in place of 5"),
        ] {
            let line = format!(
                "{{\"at\":1,\"event\":\"data_changed\",\"before\":5,\"now\":7{asked_for}}}"
            );
            let event: RecordedEvent = serde_json::from_str(&line).expect("an event");
            assert!(event.kind.to_string().contains(text), "{}", event.kind);
            history.add(event);
        }
        assert_eq!((history.warnings, history.notable_count), (2, 3));
        let same = EventKind::DataChanged {
            before: 5,
            now: 5,
            asked_for: false,
        };
        assert!(!same.to_string().contains("in place of"), "{same}");
    }

    #[test]
    fn the_newest_are_kept_and_the_others_counted() {
        let mut history = EventHistory::default();
        let started = EventKind::Started {
            step: 0,
            steps: 9,
            parameters: 5,
            examples: 7,
        };
        let mut add = |at, kind| history.add(RecordedEvent { at, kind });
        add(0, started.clone());
        add(1, EventKind::Unknown);
        for at in 2..500 {
            let file = String::new();
            add(at, EventKind::Saved { file });
            let message = at.to_string();
            add(at, EventKind::Warned { message });
        }
        assert_eq!((history.saved, history.warnings), (498, 498));
        assert_eq!(
            (history.notable_count, history.notable().len()),
            (499, MOST)
        );
        assert!(history.notable().map(|event| event.at).eq(400..500));
        assert_eq!(history.newest().count(), MOST);
        assert_eq!(history.newest().next().map(|event| event.at), Some(499));
        assert_eq!(history.sizes, Some((5, 7)));
        assert_eq!(history.state, Some(started));
    }
}

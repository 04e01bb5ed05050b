//! Events are written down whatever stands in the log, passed on and read back.

use super::*;
use crate::logs::json_lines::{Collect, JsonLines};
use std::fs;

/// All events.
impl Collect for Vec<RecordedEvent> {
    type Line = RecordedEvent;

    fn add(&mut self, event: RecordedEvent) {
        self.push(event);
    }
}

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
    let mut log = EventLog::open(&path, &mut watch);
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
    assert_eq!(watch.0, 3, "two events, and that a line can't be read");
    let mut text = fs::read_to_string(&path).expect("a file");
    text.push_str("{\"at\":5,\"event\":\"from_the_future\",\"x\":1}\n");
    fs::write(&path, text).expect("a file");
    let lines = JsonLines::<Vec<RecordedEvent>>::open(&path).expect("it is read");
    assert_eq!(lines.unreadable(false), None);
    let mut kinds: Vec<&EventKind> = lines.content().iter().map(|line| &line.kind).collect();
    let warned = kinds.remove(1);
    assert!(
        warned.to_string().contains("1 line can't be read"),
        "{warned}"
    );
    let aside = fs::read(folder.path().join("events.jsonl.unreadable"));
    assert_eq!(aside.expect("it is kept"), b"{\"at\":2,\"ev\n");
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
    assert!(lines.content()[1].at > 1_700_000_000);
}

#[test]
fn a_log_of_one_line_without_an_end_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("events.jsonl");
    fs::write(&path, "{\"at\":1,\"event\":\"finished\"}").expect("a file");
    let mut nobody = ();
    let log = EventLog::open(&path, &mut nobody);
    log.close(Ok(Outcome::Stopped { step: 4 }))
        .expect("no error");
    let lines = JsonLines::<Vec<RecordedEvent>>::open(&path).expect("it is read");
    let kinds: Vec<&EventKind> = lines.content().iter().map(|line| &line.kind).collect();
    assert_eq!(
        kinds,
        [&EventKind::Finished, &EventKind::Stopped { step: 4 }]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_once_and_ends_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("events.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let mut watch = Count(0);
    let mut log = EventLog::open(&path, &mut watch);
    for name in ["a.png", "b.png"] {
        log.event(&Event::Sampled {
            path: Path::new(name),
        });
    }
    let outcome = log.close(Ok(Outcome::Finished));
    assert_eq!(outcome.expect("no error"), Outcome::Finished);
    assert_eq!(watch.0, 3, "two events and one warning");
}

#[test]
fn numbers_of_events_have_few_digits() {
    let refused = EventKind::Refused {
        step: 7,
        loss: Some(-12.345678901234567),
        gradient_norm: None,
        in_a_row: 2,
    };
    assert_eq!(
        refused.to_string(),
        "update 7 was not applied (2 in a row): loss -12.35, gradient norm not finite"
    );
    let back = EventKind::RolledBack {
        from: 9,
        to: 6,
        learning_rate: 0.1 / 3.0 / 1000.0,
        rollbacks: 1,
    };
    assert_eq!(
        back.to_string(),
        "diverged at update 9: back to update 6 with learning rate 3.33e-5 (roll-back 1)"
    );
}

#[test]
fn of_many_refused_updates_few_are_written_down() {
    let metrics = ebm_train::Metrics {
        step: 1,
        loss: f64::NAN,
        gradient_norm: 1.0,
        learning_rate: 0.1,
        scalars: Vec::new(),
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

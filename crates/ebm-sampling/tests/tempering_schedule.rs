//! Schedules rise from 0 to 1, and faults in them are named with their place.
#![allow(clippy::unwrap_used)]

use ebm_sampling::partition::{SchedulePlace, TemperingSchedule, TemperingScheduleError};

#[test]
fn linear_schedules_are_evenly_spaced() {
    let schedule = TemperingSchedule::linear(4);
    assert_eq!(schedule.values(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(schedule.steps(), 4);
    assert_eq!(TemperingSchedule::linear(1).values(), [0.0, 1.0]);
}

#[test]
fn the_classical_schedule_has_14500_steps() {
    let schedule = TemperingSchedule::salakhutdinov2008();
    let values = schedule.values();
    assert_eq!(schedule.steps(), 14_500);
    assert_eq!(values[0], 0.0);
    assert_eq!(values[500], 0.5);
    assert_eq!(values[4_500], 0.9);
    assert_eq!(values[14_500], 1.0);
    for (index, pair) in values.windows(2).enumerate() {
        let step = match index {
            0..500 => 1e-3,
            500..4_500 => 1e-4,
            _ => 1e-5,
        };
        assert!((pair[1] - pair[0] - step).abs() < 1e-12, "{index}");
    }
    let again = TemperingSchedule::from_values(values.to_vec()).unwrap();
    assert_eq!(again, schedule);
}

#[test]
fn texts_are_read() {
    let text = "# a comment\n0, 0.25\t0.5 # half\n\n 0.75\n1\n";
    let schedule = TemperingSchedule::parse(text).unwrap();
    assert_eq!(schedule, TemperingSchedule::linear(4));
}

#[test]
fn faults_are_named_with_their_index() {
    let fault = |values: &[f64]| TemperingSchedule::from_values(values.to_vec()).unwrap_err();
    let at = SchedulePlace::Index;
    assert_eq!(fault(&[]), TemperingScheduleError::Empty);
    let start = TemperingScheduleError::Start {
        place: at(0),
        value: 0.1,
    };
    assert_eq!(fault(&[0.1, 1.0]), start);
    let end = TemperingScheduleError::End {
        place: at(1),
        value: 0.9,
    };
    assert_eq!(fault(&[0.0, 0.9]), end);
    assert_eq!(
        fault(&[0.0]),
        TemperingScheduleError::End {
            place: at(0),
            value: 0.0
        }
    );
    for value in [0.5, 0.4] {
        let place = at(2);
        let previous = 0.5;
        assert_eq!(
            fault(&[0.0, 0.5, value, 1.0]),
            TemperingScheduleError::NotRising {
                place,
                value,
                previous
            }
        );
    }
    let found = fault(&[0.0, f64::INFINITY, 1.0]);
    let value = f64::INFINITY;
    assert_eq!(
        found,
        TemperingScheduleError::NotFinite {
            place: at(1),
            value
        }
    );
    assert!(matches!(
        fault(&[0.0, f64::NAN, 1.0]),
        TemperingScheduleError::NotFinite { place, .. } if place == at(1)
    ));
}

#[test]
fn faults_of_a_text_are_named_with_their_line() {
    for (text, expected) in [
        (
            "0\n0.5\nhalf\n1",
            "`half` in line 3 of the schedule is not a number",
        ),
        (
            "0 0.5\n0.4 1",
            "0.4 in line 2 of the schedule doesn't rise above 0.5",
        ),
        ("# nothing\n0.2 1", "starts with 0.2 in line 2"),
        ("0\n\n0.8", "ends with 0.8 in line 3"),
        ("0\nNaN\n1", "NaN in line 2 of the schedule is not finite"),
        (" \n# only this", "the schedule is empty"),
    ] {
        let message = TemperingSchedule::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{text:?}: {message}");
    }
    let message = TemperingSchedule::from_values(vec![0.0, 2.0]).unwrap_err();
    assert!(
        message.to_string().contains("ends with 2 at index 1"),
        "{message}"
    );
}

#[test]
#[should_panic(expected = "at least one step")]
fn a_linear_schedule_has_a_step() {
    TemperingSchedule::linear(0);
}

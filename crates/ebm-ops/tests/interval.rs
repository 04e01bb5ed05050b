//! Intervals: what belongs to them, and how they are written.
#![allow(clippy::unwrap_used)]

use ebm_ops::Interval;

#[test]
fn an_interval_holds_its_ends_and_what_lies_between() {
    let interval = Interval::new(-0.5, 1.5);
    for inside in [-0.5, 0.0, 1.5] {
        assert!(interval.contains(inside), "{inside}");
    }
    for outside in [(-0.5_f64).next_down(), 1.5_f64.next_up(), f64::NAN] {
        assert!(!interval.contains(outside), "{outside}");
    }
    assert!(!Interval::new(1.0, -1.0).contains(0.0));
    assert_eq!(interval.width(), 2.0);
    assert_eq!(interval.middle(), 0.5);
}

#[test]
fn an_interval_is_written_and_read_as_an_array() {
    let interval = Interval::new(-1.0, 0.25);
    let text = serde_json::to_string(&interval).unwrap();
    assert_eq!(text, "[-1.0,0.25]");
    assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), interval);
    // What ranges were before: pairs, which serde writes the same way.
    assert_eq!(text, serde_json::to_string(&(-1.0, 0.25)).unwrap());
    for wrong in ["[1.0]", "[1.0, 2.0, 3.0]", r#"{"low": 1.0, "high": 2.0}"#] {
        assert!(serde_json::from_str::<Interval>(wrong).is_err(), "{wrong}");
    }
    assert_eq!(format!("{interval:.1}"), "[-1.0, 0.2]");
}

#[test]
fn pairs_and_arrays_are_intervals() {
    let interval = Interval::new(-1.0, 2.0);
    assert_eq!(Interval::from((-1.0, 2.0)), interval);
    assert_eq!(Interval::from([-1.0, 2.0]), interval);
    assert_eq!(<(f64, f64)>::from(interval), (-1.0, 2.0));
    assert_eq!(<[f64; 2]>::from(interval), [-1.0, 2.0]);
}

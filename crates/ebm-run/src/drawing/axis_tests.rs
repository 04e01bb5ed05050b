//! Axes of every range: round ticks, starts and spikes cut off, last values kept.

use super::*;
use crate::drawing::ticks::FEWEST;

const SETTLED: AxisOptions = AxisOptions {
    extent: Extent::Settled,
    logarithmic: false,
    reference: None,
    ticks: 6,
};

fn labels(axis: &Axis) -> Vec<String> {
    axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
}

fn curve(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    (0..).map(f64::from).zip(values).collect()
}

/// A thousand updates around 2 that start at 900.
fn transient() -> Vec<(f64, f64)> {
    curve((0..1000).map(|at| {
        let at = f64::from(at);
        2.0 + (at * 0.7).sin() + 900.0 * (-at / 5.0).exp()
    }))
}

#[test]
fn ticks_are_round_and_at_least_three() {
    for (low, high, expected) in [
        (0.0, 1.0, "0 0.2 0.4 0.6 0.8 1.0"),
        (-0.3, 2.9, "0 0.5 1.0 1.5 2.0 2.5"),
        (-4.875, 0.0, "-4 -3 -2 -1 0"),
        (20.0, 12_000.0, "2,000 4,000 6,000 8,000 10,000 12,000"),
        (0.000_11, 0.000_29, "1.5e-4 2e-4 2.5e-4"),
        (-3e8, 2e8, "-3e8 -2e8 -1e8 0 1e8 2e8"),
        (1e-12, 4e-12, "1e-12 2e-12 3e-12 4e-12"),
        (
            5_000_000.2,
            5_000_000.7,
            "5.0000002e6 5.0000003e6 5.0000004e6 5.0000005e6 5.0000006e6 5.0000007e6",
        ),
    ] {
        let axis = Axis::linear(low, high, 6);
        let found = labels(&axis);
        assert!((FEWEST..=6).contains(&found.len()), "{found:?}");
        assert!(axis.ticks.is_sorted());
        let mut distinct = found.clone();
        distinct.dedup();
        assert_eq!(distinct, found, "labels can't be told apart");
        assert_eq!(found.join(" "), expected);
    }
}

/// Ranges of every size, place and sign: three to as many ticks as asked for, all inside, all
/// labels different.
#[test]
fn every_range_has_ticks_inside_of_it() {
    for power in (-290..=290).step_by(10) {
        for (low, width) in [
            (0.0, 1.0),
            (-1.0, 2.0),
            (3.7, 0.9),
            (-812.3, 17.1),
            (1e4, 0.3),
        ] {
            for most in [3, 4, 6, 10] {
                let scale = 10_f64.powi(power);
                let axis = Axis::linear(low * scale, (low + width) * scale, most);
                let count = axis.ticks.len();
                // Steps grow by 2.5 at most, and so may the number of ticks where three are hard to
                // get.
                assert!(
                    (FEWEST..=most.max(8)).contains(&count),
                    "{low} {width} {power}: {count} of {most}"
                );
                let slack = 1e-5 * width * scale;
                assert!(axis.ticks[0] >= axis.low - slack);
                assert!(axis.ticks[count - 1] <= axis.high + slack);
                let mut found = labels(&axis);
                found.dedup();
                assert_eq!(found.len(), count, "{found:?}");
            }
        }
    }
}

#[test]
fn the_start_and_rare_spikes_do_not_flatten_the_rest() {
    let mut points = transient();
    points[500].1 = -4000.0;
    let axis = Axis::up([&points[..]], &SETTLED).expect("there are points");
    assert!(axis.low > 0.5 && axis.low < 1.0, "{axis:?}");
    assert!(axis.high > 3.0 && axis.high < 4.5, "{axis:?}");
    assert_eq!(axis.place(900.0), (axis.high, Some(Side::Above)));
    assert_eq!(axis.place(-4000.0), (axis.low, Some(Side::Below)));
    assert_eq!(axis.place(2.0), (2.0, None));
    let beyond = axis.beyond(points.iter().map(|(_, y)| *y));
    let beyond = beyond.expect("there is a start");
    assert_eq!(beyond.to_string(), "beyond the axis, from -4,000 to 902");
    assert!(beyond.count > 20 && beyond.count < 100, "{beyond:?}");

    let whole = AxisOptions {
        extent: Extent::Whole,
        ..SETTLED
    };
    let axis = Axis::up([&points[..]], &whole).expect("there are points");
    assert!(axis.low < -4000.0 && axis.high > 900.0);
    assert_eq!(axis.beyond(points.iter().map(|(_, y)| *y)), None);
}

/// A run that diverges in the end is to be seen diverging, and a decay that takes the whole run is
/// shown whole.
#[test]
fn the_last_values_and_slow_changes_are_shown() {
    let mut points = transient();
    points[999].1 = 5000.0;
    let axis = Axis::up([&points[..]], &SETTLED).expect("there are points");
    assert!(axis.high > 5000.0, "{axis:?}");
    // The other curve's last values count too.
    let other = curve((0..1000).map(|_| 40.0));
    let axis = Axis::up([&transient()[..], &other], &SETTLED).expect("there are points");
    assert!(axis.high > 40.0 && axis.high < 50.0, "{axis:?}");
    let line = curve((0..1000).map(|at| -f64::from(at)));
    let axis = Axis::up([&line[..]], &SETTLED).expect("there are points");
    assert!(axis.low < -999.0 && axis.high > 0.0, "{axis:?}");
    // Values that leave zero now and then are all there is to see.
    let counts = curve((0..1000).map(|at| f64::from(u8::from(at == 300))));
    let axis = Axis::up([&counts[..]], &SETTLED).expect("there are points");
    assert!(axis.high > 1.0, "{axis:?}");
}

#[test]
fn short_runs_and_odd_values_have_axes() {
    let up = |values: &[f64]| Axis::up([&curve(values.iter().copied())[..]], &SETTLED);
    assert_eq!(up(&[]), None);
    assert_eq!(up(&[f64::NAN, f64::INFINITY]), None);
    for (values, inside) in [
        (&[7.0][..], 7.0),
        (&[0.0, 0.0, 0.0], 0.0),
        (&[-3e-5, -3e-5], -3e-5),
        (&[1e12, 1e12 + 1e-3], 1e12),
        (&[1e-310, 2e-310], 1e-310),
        (&[-1e308, 1e308], 0.0),
        (&[f64::MAX, f64::MAX], LARGEST),
        (&[-5.0, -4.0, -4.5], -4.2),
    ] {
        let axis = up(values).expect("there are values");
        let width = axis.high - axis.low;
        assert!(width.is_finite() && width > 0.0, "{values:?}: {axis:?}");
        assert!(
            axis.low < inside && inside < axis.high,
            "{values:?}: {axis:?}"
        );
        assert!(axis.ticks.len() >= FEWEST, "{values:?}: {axis:?}");
    }
    // A constant can be read off.
    assert_eq!(
        labels(&up(&[1e-3; 5]).expect("there are values"))[2],
        "1e-3"
    );
}

#[test]
fn powers_of_ten_where_positive_values_stay_far_apart() {
    let options = AxisOptions {
        logarithmic: true,
        ..SETTLED
    };
    let up = |values: &[f64]| {
        Axis::up([&curve(values.iter().copied())[..]], &options).expect("there are values")
    };
    let axis = up(&[1.0, 10.0, 1e4]);
    assert!(axis.logarithmic);
    assert_eq!(labels(&axis), ["1", "10", "100", "1,000", "10,000"]);
    assert!((axis.place(100.0).0 - 2.0).abs() < 1e-12);
    assert_eq!(labels(&up(&[2.5, 100.0])), ["5", "10", "20", "50", "100"]);
    assert!(labels(&up(&[1e-30, 1e200])).len() >= FEWEST);
    assert!(!up(&[-1.0, 1e4]).logarithmic && !up(&[1.0, 3.0]).logarithmic);
    // Only the start is far away.
    let axis = Axis::up([&transient()[..]], &options).expect("there are values");
    assert!(!axis.logarithmic && axis.high < 5.0, "{axis:?}");
}

#[test]
fn updates_have_ticks_at_whole_numbers() {
    let across =
        |values: &[f64]| Axis::across(values.iter().copied(), 6).expect("there are values");
    let axis = across(&[20.0, 300.0, 12_400.0]);
    assert_eq!((axis.low, axis.high), (20.0, 12_400.0));
    assert_eq!(labels(&axis)[0], "2,000");
    assert_eq!(labels(&across(&[0.0, 1.0, 2.0])), ["0", "1", "2"]);
    assert_eq!(labels(&across(&[5.0])), ["5"]);
    assert_eq!(labels(&across(&[0.0, 0.5])).len(), 6);
    assert_eq!(Axis::across([f64::NAN].into_iter(), 6), None);
}

#[test]
fn the_bulk_leaves_single_values_out_that_lie_far_off() {
    let mut values: Vec<f64> = (0..20).map(f64::from).collect();
    assert_eq!(bulk(&values, 0.05, 3.0), Some((0.0, 19.0)));
    values[19] = 1e9;
    assert_eq!(bulk(&values, 0.05, 3.0), Some((0.0, 18.0)));
    values[19] = 60.0;
    assert_eq!(bulk(&values, 0.05, 3.0), Some((0.0, 60.0)));
    assert_eq!(bulk(&[1.0, 2.0, 900.0], 0.05, 3.0), Some((1.0, 900.0)));
    assert_eq!(bulk(&[2.0, 2.0, 2.0, 900.0], 0.05, 3.0), Some((2.0, 2.0)));
    assert_eq!(bulk(&[], 0.05, 3.0), None);
}

#[test]
fn what_lies_beyond_is_marked_on_the_edge() {
    let axis = Axis::linear(0.0, 10.0, 6);
    let points = [
        (0.0, 99.0),
        (1.0, 50.0),
        (2.0, 5.0),
        (3.0, -1.0),
        (9.0, 12.0),
    ];
    let clipped = axis.clip(points.into_iter(), 2.0);
    assert_eq!(
        clipped.line,
        [
            (0.0, 10.0),
            (1.0, 10.0),
            (2.0, 5.0),
            (3.0, 0.0),
            (9.0, 10.0)
        ]
    );
    let marks: Vec<(f64, f64, Side)> = clipped
        .marks
        .iter()
        .map(|m| (m.x, m.place, m.side))
        .collect();
    // The second is too near to the first.
    assert_eq!(
        marks,
        [
            (0.0, 10.0, Side::Above),
            (3.0, 0.0, Side::Below),
            (9.0, 10.0, Side::Above)
        ]
    );
}

//! Charts, pinned by what stands in their SVG.

use super::*;

fn chart(points: Vec<(f64, f64)>) -> Chart {
    Chart {
        title: "Energies".into(),
        x: "update".into(),
        y: "energy (nats)".into(),
        extent: Extent::Settled,
        logarithmic: true,
        reference: None,
        series: vec![Series::new("a <curve>", points)],
    }
}

#[test]
fn a_chart_has_its_curve_its_axes_and_a_description() {
    let (svg, _) = chart(vec![(0.0, 1.0), (10.0, 3.0), (20.0, 2.0)])
        .svg()
        .expect("there are points");
    assert!(svg.starts_with("<svg viewBox=\"0 0 960 560\" role=\"img\""));
    assert!(svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("#030001") && svg.contains("polyline"));
    for text in ["update\n", "energy (nats)\n", "20\n", "2.5\n"] {
        assert!(svg.contains(text), "no {text} in {svg}");
    }
    assert!(
        svg.contains("a &lt;curve&gt; from 1 to 2, lowest 1, highest 3"),
        "{svg}"
    );
    assert!(!svg.contains("http") && !svg.contains("<curve>"));
}

#[test]
fn wide_ranges_get_powers_of_ten_and_negative_ones_do_not() {
    let wide = |low| {
        chart(vec![(0.0, low), (1.0, 1e4)])
            .svg()
            .expect("there are points")
            .0
    };
    assert!(wide(1.0).contains("\n100\n") && !wide(1.0).contains("\n4,000\n"));
    assert!(wide(-1.0).contains("\n4,000\n"));
}

#[test]
fn one_point_is_a_dot_and_none_is_said() {
    let (svg, _) = chart(vec![(5.0, 2.0)]).svg().expect("there is a point");
    assert!(svg.contains("<circle"));
    for points in [vec![], vec![(0.0, f64::NAN)]] {
        assert!(chart(points).figure("").contains("No values yet."));
    }
    // Equal values have a range too.
    assert!(chart(vec![(0.0, 0.0), (1.0, 0.0)]).svg().is_some());
}

#[test]
fn a_million_points_are_few_kilobytes() {
    let points = (0..1_000_000)
        .map(|at| (f64::from(at), f64::from(at * 7919 % 1000)))
        .collect();
    let mut chart = chart(points);
    chart.series[0].smoothed = true;
    let (svg, _) = chart.svg().expect("there are points");
    assert!(svg.len() < 100_000, "{}", svg.len());
}

#[test]
fn a_start_far_off_is_cut_marked_and_told_of() {
    let mut points: Vec<(f64, f64)> = (0..500)
        .map(|at| (f64::from(at), 0.1 * (f64::from(at) * 0.3).sin()))
        .collect();
    points[0].1 = -77.0;
    let figure = chart(points.clone()).figure("What to look for.");
    assert!(figure.contains("Triangles: beyond the axis, down to -77. What to look for."));
    assert!(
        figure.contains("<polygon") && figure.contains("\n-0.05\n"),
        "{figure}"
    );
    assert!(figure.contains("lowest -77"));
    // The whole of it on request, without marks.
    let whole = Chart {
        extent: Extent::Whole,
        ..chart(points)
    };
    let figure = whole.figure("");
    assert!(
        figure.contains("\n-60\n") && !figure.contains("Triangles"),
        "{figure}"
    );
}

#[test]
fn what_is_positive_and_far_apart_is_drawn_on_both_axes() {
    let far = vec![(0.0, 1.0), (50.0, 20.0), (100.0, 1e3)];
    let logarithmic = chart(far.clone()).figure("");
    let linear = Chart {
        logarithmic: false,
        ..chart(far)
    };
    let linear = linear.figure("");
    for (figure, shown, first) in [
        (&logarithmic, "logarithmic", "\n10\n"),
        (&linear, "linear", "\n400\n"),
    ] {
        assert!(
            figure.contains(&format!("data-scale=\"{shown}\"")),
            "{figure}"
        );
        let (shown, hidden) = figure.split_once("<svg hidden ").expect("two drawings");
        assert!(shown.contains(first) && !hidden.contains(first), "{figure}");
    }
    // What isn't positive has no logarithm.
    let one = chart(vec![(0.0, -1.0), (1.0, 1e3)]).figure("");
    assert_eq!(one.matches("<svg ").count(), 1, "{one}");
    assert!(!one.contains("<svg hidden"));
}

#[test]
fn values_are_there_for_the_script() {
    let mut chart = chart(vec![(0.0, 1.0), (20.0, 2.000_001)]);
    let other = vec![(20.0, 1.5)];
    chart.series.push(Series::new("floor", other).dashed(0));
    let figure = chart.figure("");
    let expected = "data-area=\"160 888 14 464\" data-x=\"update\" data-across=\"0 20\"";
    assert!(figure.contains(expected), "{figure}");
    let curves = "[[\"a <curve>\",1,[[0.0,1.0],[20.0,2.0]]],[\"floor\",1,[[20.0,1.5]]]]";
    assert!(figure.contains(&html::text(curves).to_string()), "{figure}");
    assert!(
        figure.contains("<span class=\"c1 dashed\">floor</span>"),
        "{figure}"
    );
}

#[test]
fn bands_and_rings_are_drawn() {
    let mut chart = chart(vec![(0.0, 1.0), (10.0, 3.0), (20.0, 2.0)]);
    let plain = chart.figure("");
    chart.series[0].band = vec![(0.0, 0.5, 1.5), (10.0, 2.0, 4.0), (20.0, -1.0, 3.0)];
    chart.series[0].ring = Some((20.0, 2.0));
    let drawn = chart.figure("");
    for (sign, count) in [("<polygon", 1), ("<circle", 1)] {
        assert_eq!(drawn.matches(sign).count(), count, "{drawn}");
        assert!(!plain.contains(sign), "{plain}");
    }
}

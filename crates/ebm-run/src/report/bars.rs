//! Bars as SVG inside of the page: shares of a whole beside what they should be.

use plotters::prelude::*;

use super::chart::with_values;
use super::html;
use super::svg::{CURVES, draw_reference, inline, on_axes};
use crate::drawing::axis::Axis;
use crate::drawing::scale::Scale;

/// Labels below the bars at most.
const LABELS: usize = 12;
/// Ticks up at most.
const TICKS: usize = 6;
/// Width of a bar; the distance from bar to bar is 1.
const WIDTH: f64 = 0.72;

/// Shares of classes, which are numbered from 0, with a line at a value for comparison; `None`
/// without any.
pub(super) fn figure(title: &str, shares: &[f64], reference: f64, below: &str) -> Option<String> {
    let highest = shares.iter().copied().fold(reference, f64::max);
    if shares.is_empty() || !highest.is_finite() {
        return None;
    }
    let classes = || {
        shares
            .iter()
            .enumerate()
            .map(|(class, &share)| (class as f64, share))
    };
    let ends = (-0.5, shares.len() as f64 - 0.5);
    let every = shares.len().div_ceil(LABELS);
    let labelled = (0..shares.len()).step_by(every);
    let across = Scale {
        range: ends.0..ends.1,
        ticks: labelled
            .map(|class| (class as f64, class.to_string()))
            .collect(),
    };
    let up = Scale::from(&Axis::linear(0.0, 1.08 * highest, TICKS));
    let svg = on_axes((across, up), "class", "share", |plane| {
        plane.draw_series(classes().map(|(class, share)| {
            let corners = [(class - WIDTH / 2.0, 0.0), (class + WIDTH / 2.0, share)];
            Rectangle::new(corners, CURVES[0].filled())
        }))?;
        draw_reference(plane, ends, reference)
    })?;
    let list: Vec<String> = classes()
        .map(|(class, share)| format!("{class}: {}", html::number(share)))
        .collect();
    let description = format!("{title}: share of each class. {}.", list.join("; "));
    let drawn = with_values(
        &inline(&svg, &description),
        "class",
        ends,
        false,
        &[("share", 0, classes().collect())],
    );
    Some(html::figure(title, &drawn, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_bar_for_each_class_and_nothing_of_none() {
        let drawn = figure("Classes", &[0.5, 0.3, 0.2], 1.0 / 3.0, "Dashed: 1/3.");
        let drawn = drawn.expect("there are shares");
        assert_eq!(drawn.matches("<rect ").count(), 3, "{drawn}");
        assert!(drawn.contains("0: 0.5; 1: 0.3; 2: 0.2."), "{drawn}");
        assert!(drawn.contains("[0.0,0.5],[1.0,0.3],[2.0,0.2]"), "{drawn}");
        assert_eq!(figure("Classes", &[], 1.0, ""), None);
        assert_eq!(figure("Classes", &[f64::INFINITY], 1.0, ""), None);
        // A hundred classes have room for a dozen numbers.
        let many = figure("Classes", &[0.01; 100], 0.01, "").expect("there are shares");
        assert!(
            many.contains("\n99\n") && !many.contains("\n98\n"),
            "{many}"
        );
    }
}

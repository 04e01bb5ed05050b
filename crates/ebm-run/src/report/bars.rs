//! Bars as SVG inside of the page: shares of a whole beside what they should be.

use plotters::prelude::*;

use super::chart::with_values;
use super::html;
use super::svg::{CURVES, draw_reference, inline, on_axes};
use crate::drawing::axis::Axis;
use crate::drawing::scale::Scale;

/// Labels below the bars at most.
const LABELS: usize = 12;
/// Letters for which there is room below all bars.
const LETTERS: usize = 36;
/// Ticks up at most.
const TICKS: usize = 6;
/// Width of a bar; the distance from bar to bar is 1.
const WIDTH: f64 = 0.72;

/// Shares of classes with these names, with a line at a value for comparison; `None` without any.
pub(super) fn figure(
    title: &str,
    names: &[String],
    shares: &[f64],
    reference: f64,
    below: &str,
) -> Option<String> {
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
    let longest = names.iter().map(|name| name.chars().count()).max();
    let fit = longest.unwrap_or(0) * shares.len().div_ceil(every) <= LETTERS;
    let label = |class: usize| match fit {
        true => names[class].clone(),
        false => class.to_string(),
    };
    let labelled = (0..shares.len()).step_by(every);
    let across = Scale {
        range: ends.0..ends.1,
        ticks: labelled.map(|class| (class as f64, label(class))).collect(),
    };
    let up = Scale::from(&Axis::linear(0.0, 1.08 * highest, TICKS));
    let svg = on_axes((across, up), "class", "share", |plane| {
        plane.draw_series(classes().map(|(class, share)| {
            let corners = [(class - WIDTH / 2.0, 0.0), (class + WIDTH / 2.0, share)];
            Rectangle::new(corners, CURVES[0].filled())
        }))?;
        draw_reference(plane, ends, reference)
    })?;
    let named = names.iter().zip(shares);
    let list: Vec<String> = named
        .map(|(class, &share)| format!("{class}: {}", html::number(share)))
        .collect();
    let description = format!("{title}: share of each class. {}.", list.join("; "));
    let drawn = with_values(
        &inline(&svg, &description),
        "class",
        ends,
        false,
        &[("share", 0, classes().collect())],
    );
    let numbered = names.iter().enumerate();
    let numbered: Vec<String> = numbered
        .map(|(class, name)| format!("{class} {name}"))
        .collect();
    let below = match fit {
        true => below.to_string(),
        false => format!("{below} {}.", numbered.join(", ")),
    };
    Some(html::figure(title, &drawn, &below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(String::from).to_vec()
    }

    #[test]
    fn there_is_a_bar_for_each_class_and_nothing_of_none() {
        let drawn = figure(
            "Classes",
            &names(["0", "1", "2"]),
            &[0.5, 0.3, 0.2],
            1.0 / 3.0,
            "Dashed: 1/3.",
        );
        let drawn = drawn.expect("there are shares");
        assert_eq!(drawn.matches("<rect ").count(), 3, "{drawn}");
        assert!(drawn.contains("0: 0.5; 1: 0.3; 2: 0.2."), "{drawn}");
        assert!(drawn.contains("[0.0,0.5],[1.0,0.3],[2.0,0.2]"), "{drawn}");
        assert_eq!(figure("Classes", &[], &[], 1.0, ""), None);
        assert_eq!(
            figure("Classes", &names(["0"]), &[f64::INFINITY], 1.0, ""),
            None
        );
        // A hundred classes have room for a dozen numbers.
        let numbers: Vec<String> = (0..100).map(|class: u8| class.to_string()).collect();
        let many = figure("Classes", &numbers, &[0.01; 100], 0.01, "").expect("there are shares");
        assert!(
            many.contains("\n99\n") && !many.contains("\n98\n"),
            "{many}"
        );
    }

    #[test]
    fn names_stand_at_the_bars_if_they_fit_and_below_the_figure_if_not() {
        let short = figure(
            "Classes",
            &names(["cat", "dog"]),
            &[0.5, 0.5],
            0.5,
            "Below.",
        );
        let short = short.expect("there are shares");
        assert!(
            short.contains("\ncat\n") && short.contains(">Below.<"),
            "{short}"
        );
        let long = "a tall ship at full sail with all hands on deck";
        let long = figure("Classes", &names(["cat", long]), &[0.5, 0.5], 0.5, "Below.");
        let long = long.expect("there are shares");
        assert!(long.contains("\n1\n"), "{long}");
        assert!(long.contains(">Below. 0 cat, 1 a tall ship"), "{long}");
    }
}

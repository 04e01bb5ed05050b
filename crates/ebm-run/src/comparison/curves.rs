//! The quality of several runs over their updates, in one plot.

use super::table::Comparison;
use crate::drawing::axis::Extent;
use crate::drawing::plot::{Curve, LinePlot};

/// Most curves in a plot: as many as its legend has room for.
pub const MOST_CURVES: usize = 18;

/// Calls `draw` with the plot of the first [`MOST_CURVES`] runs, the best first: of the scores that
/// were measured, or where no run has any of the gap between the energies of samples and data.
/// `None` where no run has either.
pub fn quality_plot<T>(
    comparison: &Comparison,
    draw: impl FnOnce(&LinePlot<'_>) -> Option<T>,
) -> Option<T> {
    let names = comparison.names();
    let runs = || comparison.runs().iter().zip(&names);
    let scored: Vec<(&str, Curve)> = runs()
        .filter_map(|(run, name)| {
            let lines = run.quality.lines().iter();
            let points = lines.filter_map(|line| Some((line.step as f64, line.score()?.value)));
            let points: Curve = points.collect();
            (!points.is_empty()).then_some((name.as_str(), points))
        })
        .collect();
    let kind = comparison.runs().iter().find_map(|run| run.score());
    let (title, y, curves) = match kind {
        Some(score) => ("quality: lower is better", score.kind.name(), scored),
        None => (
            "energy of samples above that of data",
            "gap",
            runs()
                .map(|(run, name)| (name.as_str(), run.gaps.clone()))
                .collect(),
        ),
    };
    let curves = curves.into_iter().take(MOST_CURVES);
    let curves = curves.map(|(name, points)| (name, vec![points]));
    draw(&LinePlot {
        title,
        x: "update",
        y,
        extent: Extent::Settled,
        curves: curves.collect(),
    })
}

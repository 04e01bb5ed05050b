//! The quality of several runs over their updates, in one plot.

use super::table::Comparison;
use crate::drawing::axis::Extent;
use crate::drawing::plot::{Curve, LinePlot};

/// Most curves in a plot: as many as its legend has room for.
pub const MOST_CURVES: usize = 18;

/// What a plot doesn't show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Names of runs whose scores are of another kind than those on the axis.
    pub other_kinds: Vec<String>,
    /// Runs with curves beyond the first [`MOST_CURVES`].
    pub beyond: usize,
}

/// Calls `draw` with the plot of the first [`MOST_CURVES`] runs, the best first: of the scores that
/// were measured, or where no run has any of the gap between the energies of samples and data.
/// Scores are those of the kind of the first run, since one axis can't have two. `None` where no
/// run has either.
pub fn quality_plot<T>(
    comparison: &Comparison,
    draw: impl FnOnce(&LinePlot<'_>) -> Option<T>,
) -> Option<(T, LeftOut)> {
    let names = comparison.names();
    let runs = || comparison.runs().iter().zip(&names);
    let kind = comparison.runs().iter().find_map(|run| run.score());
    let kind = kind.map(|score| score.kind);
    let (title, y) = match kind {
        Some(kind) => ("quality: lower is better", kind.name()),
        None => ("energy of samples above that of data", "gap"),
    };
    let mut curves: Vec<(&str, Vec<Curve>)> = Vec::new();
    let mut left_out = LeftOut::default();
    for (run, name) in runs() {
        let points: Curve = match kind {
            None => run.gaps.clone(),
            Some(kind) => {
                let scores = run.quality.lines().iter().filter_map(|line| {
                    let score = line.score().filter(|score| score.kind == kind)?;
                    Some((line.step as f64, score.value))
                });
                scores.collect()
            }
        };
        if !points.is_empty() {
            curves.push((name, vec![points]));
        } else if run.score().is_some() {
            left_out.other_kinds.push(name.clone());
        }
    }
    left_out.beyond = curves.len().saturating_sub(MOST_CURVES);
    curves.truncate(MOST_CURVES);
    let drawn = draw(&LinePlot {
        title,
        x: "update",
        y,
        extent: Extent::Settled,
        curves,
    })?;
    Some((drawn, left_out))
}

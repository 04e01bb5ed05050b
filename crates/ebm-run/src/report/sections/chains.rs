//! How the chains of the negative phase move.

use super::{NO_METRICS, Section};
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = if data.metrics.is_empty() {
        html::missing(NO_METRICS)
    } else {
        let figures: Vec<String> = [displacement(data), acceptance(data), resets(data)]
            .into_iter()
            .flatten()
            .collect();
        html::figures(&figures)
    };
    Some(Section {
        id: "chains",
        title: "Chains",
        look_for: "Chains that stop moving have frozen in a few valleys, and samples that all look alike follow: take more steps, larger ones, or a higher temperature. Chains that move ever further follow energies that run away.",
        body,
    })
}

fn displacement(data: &RunData<'_>) -> Option<String> {
    let points = data.told(|line| line.displacement)?;
    let chart = Chart::over_updates(
        "Displacement",
        "distance a value",
        vec![Series::new("root mean square", points).smoothed()],
    )
    .settled()
    .logarithmic();
    Some(chart.figure(
        "How far the chains of an update move from start to end, a value (pixel), in the units of the data.",
    ))
}

fn acceptance(data: &RunData<'_>) -> Option<String> {
    let points = data.told(|line| line.acceptance)?;
    let chart = Chart::over_updates(
        "Acceptance",
        "share",
        vec![Series::new("accepted proposals", points).smoothed()],
    );
    Some(chart.figure(
        "Near 0 chains stand still, near 1 their steps are small. MALA explores fastest near 0.57 (Roberts and Rosenthal 1998).",
    ))
}

fn resets(data: &RunData<'_>) -> Option<String> {
    let points = data.told(|line| line.resets)?;
    if data.metrics.resets() == 0.0 {
        return None;
    }
    let chart = Chart::over_updates(
        "Chain steps that were not finite",
        "steps a line",
        vec![Series::new("sent back to where they started", points)],
    );
    Some(chart.figure("More than a few: lower sampler.step_size or set sampler.gradient_clip."))
}

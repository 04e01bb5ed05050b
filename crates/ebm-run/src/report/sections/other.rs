//! Numbers of `metrics.jsonl` that no other section knows: each gets a chart.

use super::Section;
use super::energies::is_energy;
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

/// More charts than that are no overview.
const MOST: usize = 12;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let keys = data.other_keys().into_iter().filter(|key| !is_energy(key));
    let figures: Vec<String> = keys
        .take(MOST)
        .map(|key| {
            let series = vec![Series::new(key, data.other_curve(key)).smoothed()];
            Chart::over_updates(key, "value", series)
                .settled()
                .figure("")
        })
        .collect();
    (!figures.is_empty()).then(|| Section {
        id: "other",
        title: "Other metrics",
        look_for: "",
        body: html::figures(&figures),
    })
}

//! Energies of data and samples, their gap, and the objective.

use super::{NO_METRICS, Section};
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

/// Energies of other examples, which a later version may log, are drawn beside those of the
/// training data.
pub(super) fn is_energy(key: &str) -> bool {
    key.ends_with("energy")
}

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = if data.metrics.is_empty() {
        html::missing(NO_METRICS)
    } else {
        let figures = [energies(data), gap(data), Some(loss(data))];
        let figures: Vec<String> = figures.into_iter().flatten().collect();
        html::figures(&figures) + &explanation(data)
    };
    Some(Section {
        id: "energies",
        title: "Energies",
        look_for: "Both energies should stay in one range. Energies that run away, together or apart, are divergence: lower optimizer.learning_rate or sampler.step_size, or raise objective.energy_regularizer. The gap should come to hover around a small value. One that keeps rising means that chains are too short to reach what the model prefers; one that falls far below 0 means that chains sit in places that the model finds more likely than any data. Training data whose energy keeps falling while that of held-out data rises are being learned by heart.",
        body,
    })
}

/// What energies are measured in, where it isn't nats.
fn explanation(data: &RunData<'_>) -> String {
    data.unit()
        .and_then(|unit| unit.explanation())
        .map_or_else(String::new, html::paragraph)
}

fn energies(data: &RunData<'_>) -> Option<String> {
    let told = [
        ("training data", data.told(|line| line.data_energy)),
        ("samples", data.told(|line| line.sample_energy)),
    ];
    let told = told.into_iter();
    let mut series: Vec<Series> = told
        .filter_map(|(name, points)| Some(Series::new(name, points?)))
        .collect();
    let others = data.other_keys().into_iter().filter(|key| is_energy(key));
    series.extend(others.map(|key| Series::new(key, data.other_curve(key))));
    if series.is_empty() {
        return None;
    }
    let chart = Chart::over_updates("Mean energies", data.with_unit("energy"), series).settled();
    Some(chart.figure(""))
}

fn gap(data: &RunData<'_>) -> Option<String> {
    let points = data.told(|line| line.gap)?;
    let chart = Chart::over_updates(
        "Gap",
        data.with_unit("gap"),
        vec![Series::new("E(samples) - E(data)", points).smoothed()],
    )
    .settled()
    .with_reference(0.0);
    Some(chart.figure("Above 0 the model prefers the data, below its samples."))
}

fn loss(data: &RunData<'_>) -> String {
    Chart::over_updates("Objective", "loss", vec![Series::new("E(data) - E(samples) + penalties", data.curve(|line| line.loss)).smoothed()]).settled().with_reference(0.0)
    .figure("Not a likelihood: it says how well the energy tells data from its own samples, and a good model brings it near 0.")
}

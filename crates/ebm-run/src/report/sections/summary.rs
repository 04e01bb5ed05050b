//! How far the run is, its newest numbers, and what went wrong.

use super::Section;
use crate::logs::MetricsLine;
use crate::report::html;
use crate::report::run_data::{RunData, RunState};

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    Some(Section {
        id: "summary",
        title: "Summary",
        look_for: "",
        body: tiles(data) + &trouble(data),
    })
}

fn tiles(data: &RunData<'_>) -> String {
    let mut tiles = Vec::new();
    let step = data.step();
    let state = data.state().name();
    let note = match data.steps() {
        Some(steps) => format!(
            "of {}, {:.0} %, {state}",
            html::count(steps),
            100.0 * step as f64 / steps as f64
        ),
        None => state.to_string(),
    };
    tiles.push(("Updates".to_string(), html::count(step), note));
    if let Some(last) = data.last() {
        tiles.push((
            "Training time".into(),
            html::duration(last.seconds),
            "pauses between stop and resume left out".into(),
        ));
        let recent = data.metrics.recent(10);
        let lines = match recent.as_ref().map_or(0, |recent| recent.count) {
            1 => "the last line".to_string(),
            count => format!("mean of the last {} lines", html::count(count)),
        };
        // The last tenth of the lines, so that one that jumps says little.
        let mean = |value: fn(&MetricsLine) -> f64| {
            recent
                .as_ref()
                .map_or(f64::NAN, |recent| value(&recent.mean))
        };
        let energy = |name| data.with_unit(name);
        for (name, value) in [
            (energy("E(data)"), mean(|line| line.data_energy)),
            (energy("E(samples)"), mean(|line| line.sample_energy)),
            (energy("Gap"), mean(|line| line.gap)),
            ("Gradient norm".into(), mean(|line| line.gradient_norm)),
            (
                "Updates a second".into(),
                mean(|line| line.steps_per_second),
            ),
        ] {
            // What this run doesn't tell gets no tile.
            if !value.is_nan() {
                tiles.push((name, html::number(value), lines.clone()));
            }
        }
    }
    if let Some((parameters, examples)) = data.events.sizes {
        let count = |value: usize| html::count(value as u64);
        tiles.push(("Parameters".into(), count(parameters), String::new()));
        tiles.push(("Training examples".into(), count(examples), String::new()));
    }
    html::tiles(&tiles)
}

fn trouble(data: &RunData<'_>) -> String {
    let mut found = Vec::new();
    if let RunState::Failed(message) = data.state() {
        found.push(format!("The run failed: {message}"));
    }
    if let Err(message) = &data.config {
        found.push(format!("The configuration can't be read: {message}"));
    }
    found.extend(
        data.unreadable
            .iter()
            .map(|unreadable| format!("{unreadable}; left out here.")),
    );
    if data.events.warnings > 0 {
        found.push(format!(
            "Something went wrong that training went on without (see the events): {}.",
            times(data.events.warnings)
        ));
    }
    let rollbacks = data.events.rollbacks;
    if rollbacks > 0 {
        found.push(format!(
            "Training diverged and went back to a checkpoint: {}.",
            times(rollbacks)
        ));
    }
    let refused = data.events.refused;
    if refused > 0 {
        found.push(format!(
            "Updates were not applied, since objective or gradient were not finite or an energy was beyond recovery.energy_limit: {}.",
            times(refused)
        ));
    }
    let resets = data.metrics.resets();
    if resets > 0.0 {
        found.push(format!(
            "Chain steps that were not finite: {}.",
            html::number(resets)
        ));
    }
    if found.is_empty() {
        let nothing = if data.events.is_empty() {
            "No trouble in the metrics. This run recorded no events."
        } else {
            "No trouble was recorded: no update was refused, no roll-back, no chain step that wasn't finite."
        };
        return html::paragraph(nothing);
    }
    found
        .iter()
        .map(|line| format!("<p class=\"trouble\">{}</p>\n", html::text(line)))
        .collect()
}

fn times(count: u64) -> String {
    match count {
        1 => "once".into(),
        count => format!("{} times", html::count(count)),
    }
}

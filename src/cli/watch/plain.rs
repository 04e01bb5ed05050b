//! How a run stands, as plain lines for logs and pipes.

use ebm::run::report::RunState;

use crate::cli::numbers::{clock, rate, significant};
use crate::cli::terminal::shown;

use super::judged;
use super::state::{State, time_of_day};

/// Events shown.
const EVENTS: usize = 5;

/// One look at the run.
pub(super) fn snapshot(state: &State) -> String {
    let run_state = state.run_state();
    let mut text = format!(
        "{}: {}",
        shown(&state.path().display().to_string()),
        run_state.name()
    );
    if let RunState::Failed(message) = &run_state {
        text.push_str(&format!(" ({})", shown(message)));
    }
    for unreadable in state.unreadable() {
        text.push_str(&format!("\nleft out        {unreadable}"));
    }
    if !state.quality().is_empty() {
        text.push_str(&format!("\nverdict         {}", state.verdict()));
    }
    for (name, value) in judged::facts(state) {
        text.push_str(&format!("\n{name:<15} {value}"));
    }
    text.push_str(&format!("\nupdates         {}", state.step()));
    if let Some(steps) = state.steps() {
        text.push_str(&format!(" of {steps}"));
    }
    if let Some(last) = state.last() {
        text.push_str(&format!("\ntraining time   {}", clock(last.seconds)));
        if run_state == RunState::Running
            && let Some(left) = state.seconds_left()
        {
            text.push_str(&format!(", {} left", clock(left)));
        }
        if let Some(unit) = state.unit() {
            text.push_str(&format!("\nenergies in     {unit}"));
        }
        // What this run doesn't tell isn't shown.
        let mut row = |name: &str, value: f64| {
            if !value.is_nan() {
                text.push_str(&format!("\n{name:<15} {}", significant(value, 4)));
            }
        };
        if last.gap.is_nan() {
            row("loss", last.loss);
        }
        row("E(data)", last.data_energy);
        row("E(samples)", last.sample_energy);
        row("gap", last.gap);
        row("gradient norm", last.gradient_norm);
        row("displacement", last.displacement);
        row("acceptance", last.acceptance);
        for key in state.lines().other_keys() {
            if let Some((_, value)) = state.lines().other_curve(key).last() {
                row(key, *value);
            }
        }
        let updates = rate(last.steps_per_second);
        text.push_str(&format!("\nupdates/s       {updates}"));
    } else {
        text.push_str("\nno metrics yet");
    }
    if let Some((_, path)) = state.samples() {
        let path = shown(&path.display().to_string());
        text.push_str(&format!("\nsamples         {path}"));
    }
    for event in state.last_events(EVENTS) {
        text.push_str(&format!(
            "\n{}        {}",
            time_of_day(event.at),
            shown(&event.kind.to_string())
        ));
    }
    text.push('\n');
    text
}

//! How good the model is, in a few words.

use ebm::run::quality::{QualityLine, ScoreKind, Verdict};
use ratatui::style::Color;

use crate::cli::numbers::significant;

use super::state::State;

/// Digits of what is measured.
const DIGITS: usize = 3;

/// The colour of a verdict.
pub(super) fn color(verdict: &Verdict) -> Color {
    match verdict {
        Verdict::Healthy => Color::Green,
        Verdict::Improving => Color::Blue,
        Verdict::Fell { .. } | Verdict::Poor { .. } => Color::Yellow,
        Verdict::Collapsed { .. } => Color::Red,
        _ => Color::Reset,
    }
}

/// What was measured last, each number with its name; the most important first.
pub(super) fn facts(state: &State) -> Vec<(&'static str, String)> {
    let Some(last) = state.quality().last() else {
        return Vec::new();
    };
    let number = |value: f64| significant(value, DIGITS);
    let mut facts = Vec::new();
    if let Some(divergence) = last.divergence {
        facts.push(("divergence", format!("{} nats", number(divergence))));
    }
    if let Some(distance) = last.distance {
        facts.push(("distance", with_error_and_floor(last, distance)));
    }
    if let Some(likelihood) = last.log_likelihood {
        facts.push(("log-likelihood", format!("{} nats", number(likelihood))));
    }
    if let Some((best, score)) = state
        .quality()
        .best()
        .and_then(|best| Some((best, best.score()?)))
    {
        let value = match score.kind {
            ScoreKind::NegativeLogLikelihood => -score.value,
            _ => score.value,
        };
        facts.push(("best", format!("update {} ({})", best.step, number(value))));
    }
    let share = |share: f64| format!("{share:.2}");
    facts.extend(last.precision.map(|found| ("precision", share(found))));
    facts.extend(last.recall.map(|found| ("recall", share(found))));
    facts.extend(
        last.held_out_energy
            .map(|energy| ("E(held out)", significant(energy, 4))),
    );
    facts
}

/// A distance, its standard error, and what real data have.
fn with_error_and_floor(line: &QualityLine, distance: f64) -> String {
    let mut text = significant(distance, DIGITS);
    if let Some(error) = line.distance_error {
        text.push_str(&format!(" ± {}", significant(error, 2)));
    }
    if let Some(floor) = line.floor {
        text.push_str(&format!(" (real data {})", significant(floor, DIGITS)));
    }
    text
}

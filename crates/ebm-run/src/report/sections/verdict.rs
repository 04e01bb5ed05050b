//! How good the model is: in a sentence, in its newest samples, and by the curve that it is judged
//! by.

use super::samples::picture;
use super::{Section, quality};
use crate::config::ModelChoice;
use crate::quality::{FeatureKind, QualityLine, ScoreKind, Verdict};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let last = data.quality.last()?;
    let steps = data.config.as_ref().map(|config| config.training.steps);
    let verdict = data.quality.verdict_of_run(steps.ok());
    let sentence = capitalised(&format!("{verdict}."));
    let tone = match verdict {
        Verdict::Healthy => "good",
        Verdict::Improving => "rising",
        Verdict::Fell { .. } | Verdict::Poor { .. } => "fell",
        Verdict::Collapsed { .. } => "bad",
        Verdict::Unknown => "unknown",
    };
    let sentence = format!("<p class=\"verdict {tone}\">{}</p>\n", html::text(sentence));
    Some(Section {
        id: "verdict",
        title: "Verdict",
        look_for: "",
        body: sentence + &explanation(data, last) + &tiles(data, last) + &lead(data, &verdict),
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// What is measured, and which model is the run's.
fn explanation(data: &RunData<'_>, last: &QualityLine) -> String {
    let mut sentences = Vec::new();
    if last.distance.is_some() {
        let samples = last.samples.map_or_else(String::new, |count| {
            format!(
                "{} fresh samples of update {}",
                html::count(count),
                html::count(last.step)
            )
        });
        let features = last.features.map_or("features", FeatureKind::name);
        sentences.push(format!(
            "{samples} are compared with held-out data by their Frechet distance in {features}."
        ));
    }
    let choice = data.config.as_ref().map(|config| config.output.model);
    if let (Some(best), Ok(ModelChoice::Best)) = (data.quality.best(), choice) {
        sentences.push(format!(
            "model.safetensors holds the best model, of update {}.",
            html::count(best.step)
        ));
    }
    let times = match data.events.collapses {
        0 => None,
        1 => Some("once".to_string()),
        2 => Some("twice".to_string()),
        times => Some(format!("{times} times")),
    };
    sentences.extend(times.map(|times| {
        format!("It collapsed {times}, and training went back to its best model (Events).")
    }));
    match sentences.is_empty() {
        true => String::new(),
        false => html::paragraph(sentences.join(" ")),
    }
}

fn tiles(data: &RunData<'_>, last: &QualityLine) -> String {
    let mut tiles: Vec<(&str, String, String)> = Vec::new();
    let known = |name: &str, value: Option<f64>| {
        value.map_or_else(String::new, |value| {
            format!("{name} {}", html::number(value))
        })
    };
    let joined = |parts: [String; 2]| {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    };
    if let Some(best) = data
        .quality
        .best()
        .and_then(|best| Some((best, best.score()?)))
    {
        let (line, score) = best;
        let name = match score.kind {
            ScoreKind::Divergence => "divergence",
            ScoreKind::Distance => "distance",
            ScoreKind::NegativeLogLikelihood => "negative log-likelihood",
        };
        let note = format!("{name} {}", html::number(score.value));
        tiles.push(("Best update", html::count(line.step), note));
    }
    if let Some(divergence) = last.divergence {
        let note = "nats from the true density; 0 is best".to_string();
        tiles.push(("Divergence", html::number(divergence), note));
    }
    if let Some(distance) = last.distance {
        let value = match last.distance_error {
            Some(error) => html::with_error(distance, error),
            None => html::number(distance),
        };
        let note = [known("real data", last.floor), known("noise", last.noise())];
        tiles.push(("Distance", value, joined(note)));
    }
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    for (name, share, floor) in [
        ("Precision", last.precision, last.floor_precision),
        ("Recall", last.recall, last.floor_recall),
    ] {
        if let Some(share) = share {
            let note =
                floor.map_or_else(String::new, |floor| format!("real data {}", percent(floor)));
            tiles.push((name, percent(share), note));
        }
    }
    if let (Some(entropy), Some(classes)) = (last.class_entropy, &last.classes) {
        let value = format!("{:.1} of {}", entropy.exp(), classes.len());
        tiles.push((
            "Classes covered",
            value,
            "exponential of their entropy".into(),
        ));
    }
    if let Some(outside) = last.outside {
        let note = "brightness, contrast or roughness that no example has";
        tiles.push(("Samples unlike any data", percent(outside), note.into()));
    }
    if let Some(likelihood) = last.log_likelihood {
        tiles.push((
            "Log-likelihood",
            html::number(likelihood),
            "nats, of held-out data".into(),
        ));
    }
    if let (Some(held_out), Some(training)) = (last.held_out_energy, last.data_energy) {
        let note = data.with_unit("held-out minus training data");
        tiles.push((
            "Energy gap of the data",
            html::number(held_out - training),
            note,
        ));
    }
    html::tiles(&tiles)
}

/// The newest samples, those of the best model where they are others, and the curve.
fn lead(data: &RunData<'_>, verdict: &Verdict) -> String {
    let steps = data.folder.sample_steps().unwrap_or_default();
    let mut figures = Vec::new();
    let worse = matches!(verdict, Verdict::Fell { .. } | Verdict::Collapsed { .. });
    let best = data.quality.best().filter(|_| worse).map(|best| best.step);
    for (name, step) in [("Best", best), ("Newest", steps.last().copied())] {
        if let Some(step) = step.filter(|step| steps.contains(step)) {
            let caption = format!("{name} samples, update {}", html::count(step));
            let drawn = picture(&data.folder.sample(step), step);
            figures.push(html::figure(&caption, &drawn, ""));
        }
    }
    figures.extend(quality::score(data));
    html::lead(&figures, data.is_plane())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_start_with_a_capital() {
        assert_eq!(capitalised("healthy."), "Healthy.");
        assert_eq!(capitalised(""), "");
    }
}

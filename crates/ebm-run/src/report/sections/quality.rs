//! What was measured of the model while it trained, as curves.

use super::Section;
use crate::quality::{QualityLine, ScoreKind};
use crate::report::bars;
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let shown = data.quality.last()?.score().map(|score| score.kind);
    let unless_shown = |kind, chart: fn(&RunData<'_>) -> Option<String>| {
        if shown == Some(kind) {
            None
        } else {
            chart(data)
        }
    };
    let figures: Vec<String> = [
        unless_shown(ScoreKind::Distance, distance),
        precision_and_recall(data),
        classes(data),
        class_entropy(data),
        unless_shown(ScoreKind::Divergence, divergence),
        unless_shown(ScoreKind::NegativeLogLikelihood, log_likelihood),
        energies(data),
        gap(data),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(Section {
        id: "quality",
        title: "Quality",
        look_for: "Precision is the share of the samples that lie among the data, recall the share of the data that lie among the samples (Kynkaanniemi et al. 2019): low precision means bad samples, low recall missing ones. Held-out data, which training never sees, should have the energies of the training data: where they rise above them the model learns by heart. Samples far below both sit in places that the model finds more likely than any data.",
        body: html::figures(&figures),
    })
}

/// The curve that models of the run are compared by.
pub(super) fn score(data: &RunData<'_>) -> Option<String> {
    match data
        .quality
        .lines()
        .iter()
        .rev()
        .find_map(QualityLine::score)?
        .kind
    {
        ScoreKind::Divergence => divergence(data),
        ScoreKind::Distance => distance(data),
        ScoreKind::NegativeLogLikelihood => log_likelihood(data),
    }
}

fn distance(data: &RunData<'_>) -> Option<String> {
    let points = data.measured(|line| line.distance)?;
    let lines = data.quality.lines().iter();
    let band = lines.filter_map(|line| {
        let (distance, error) = (line.distance?, line.distance_error?);
        Some((line.step as f64, distance - error, distance + error))
    });
    let samples = Series {
        band: band.collect(),
        ring: best(data, |line| line.distance),
        ..Series::new("samples, with their standard error", points)
    };
    let real = data.measured(|line| line.floor);
    let real = real.map(|points| Series::new("real data", points).dashed(2));
    let others = QualityLine::WITHOUT_MODEL.into_iter().zip([3, 1]);
    let others = others.filter_map(|((name, distance), color)| {
        Some(Series::new(name, data.measured(distance)?).dashed(color))
    });
    let series = [samples].into_iter().chain(real).chain(others);
    let chart = Chart::over_updates(
        "Distance from held-out data",
        "Frechet distance",
        series.collect(),
    )
    .logarithmic();
    Some(chart.figure(
        "Lower is better; no model does better than real data, and one that learned nothing as noise. Ring: the best model.",
    ))
}

fn precision_and_recall(data: &RunData<'_>) -> Option<String> {
    let measured: [(&str, Option<_>); 2] = [
        ("precision", data.measured(|line| line.precision)),
        ("recall", data.measured(|line| line.recall)),
    ];
    let floors = [
        (
            "of real data",
            data.measured(|line| line.floor_precision),
            0,
        ),
        ("of real data", data.measured(|line| line.floor_recall), 1),
    ];
    let measured = measured.into_iter();
    let mut series: Vec<Series> = measured
        .filter_map(|(name, points)| Some(Series::new(name, points?)))
        .collect();
    if series.is_empty() {
        return None;
    }
    series.extend(
        floors
            .into_iter()
            .filter_map(|(name, points, color)| Some(Series::new(name, points?).dashed(color))),
    );
    let chart = Chart::over_updates("Precision and recall", "share", series).with_reference(1.0);
    Some(chart.figure(""))
}

/// The classes of the newest samples.
fn classes(data: &RunData<'_>) -> Option<String> {
    let lines = data.quality.lines().iter().rev();
    let (step, shares) = lines
        .filter_map(|line| Some((line.step, line.classes.as_ref()?)))
        .next()?;
    let title = format!("Classes of the samples, update {}", html::count(step));
    bars::figure(
        &title,
        &data.classes(shares.len()),
        shares,
        1.0 / shares.len() as f64,
        "What a classifier of the run's own labels takes the samples for. Dashed: as many of each.",
    )
}

fn class_entropy(data: &RunData<'_>) -> Option<String> {
    let samples = data.measured(|line| line.class_entropy)?;
    let mut series = vec![Series::new("samples", samples)];
    let real = data.measured(|line| line.data_class_entropy);
    series.extend(real.map(|points| Series::new("held-out data", points).dashed(2)));
    let chart = Chart::over_updates("Entropy of the classes", "nats", series);
    Some(chart.figure("Far below that of the data, classes are missing."))
}

fn divergence(data: &RunData<'_>) -> Option<String> {
    let points = data.measured(|line| line.divergence)?;
    let chart = Chart::over_updates(
        "Divergence from the true density",
        "nats",
        vec![Series {
            ring: best(data, |line| line.divergence),
            ..Series::new("KL(true density || model)", points)
        }],
    )
    .logarithmic()
    .with_reference(0.0);
    Some(chart.figure("Found on a grid; 0 is a perfect model. Ring: the best model."))
}

fn log_likelihood(data: &RunData<'_>) -> Option<String> {
    let points = data.measured(|line| line.log_likelihood)?;
    let chart = Chart::over_updates(
        "Log-likelihood of held-out data",
        "nats an example",
        vec![Series {
            ring: best(data, |line| line.log_likelihood),
            ..Series::new("exact, or a lower bound by a short annealing", points)
        }],
    );
    Some(chart.figure("Higher is better. Ring: the best model."))
}

fn energies(data: &RunData<'_>) -> Option<String> {
    let measured = [
        ("training data", data.measured(|line| line.data_energy), 0),
        ("fresh samples", data.measured(|line| line.sample_energy), 1),
        (
            "held-out data",
            data.measured(|line| line.held_out_energy),
            2,
        ),
    ];
    let series: Vec<Series> = measured
        .into_iter()
        .filter_map(|(name, points, color)| {
            Some(Series {
                color: Some(color),
                ..Series::new(name, points?)
            })
        })
        .collect();
    if series.is_empty() {
        return None;
    }
    let chart = Chart::over_updates(
        "Energies of training and held-out data",
        data.with_unit("energy"),
        series,
    )
    .settled();
    Some(chart.figure(""))
}

fn gap(data: &RunData<'_>) -> Option<String> {
    let held_out = data.measured(|line| Some(line.held_out_energy? - line.data_energy?))?;
    let mut series = vec![Series {
        color: Some(2),
        ..Series::new("E(held out) - E(training)", held_out)
    }];
    let samples = data.measured(QualityLine::held_out_gap);
    series.extend(samples.map(|points| Series {
        color: Some(1),
        ..Series::new("E(samples) - E(held out)", points)
    }));
    let chart = Chart::over_updates("Gaps of the energies", data.with_unit("gap"), series)
        .settled()
        .with_reference(0.0);
    Some(chart.figure("Near 0 is best; a gap of held-out data that grows is learning by heart."))
}

/// The place of the best model on a curve.
fn best(data: &RunData<'_>, value: impl Fn(&QualityLine) -> Option<f64>) -> Option<(f64, f64)> {
    let best = data.quality.best()?;
    Some((best.step as f64, value(best)?))
}

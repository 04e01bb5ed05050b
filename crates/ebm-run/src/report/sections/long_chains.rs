//! What chains come to that are much longer than those of training, and how training got there.

use super::Section;
use crate::quality::{FeatureKind, QualityLine};
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let curves: Vec<String> = [energy_difference(data), gradient_size(data)]
        .into_iter()
        .flatten()
        .collect();
    let table = data.long_run.as_ref().map(|found| {
        let good = found.good_for().map_or_else(String::new, |good| {
            html::paragraph(format_args!(
                "Chains of up to {} transitions are about as good as the best shorter ones.",
                html::count(good)
            ))
        });
        table(&found.lines) + &good
    });
    if table.is_none() && curves.is_empty() {
        return None;
    }
    let hint =
        html::paragraph("`ebm eval --long-run` measures chains of 256 to 10,000 transitions.");
    Some(Section {
        id: "long-chains",
        title: "Long chains",
        look_for: "A model whose samples stay as good however long their chains run has learned a density; one whose samples are good after so many transitions only has learned where chains are then. The difference of the energies should swing about 0, and the size of the gradient along chains should neither vanish nor grow (Nijkamp et al. 2020, On the Anatomy of MCMC-Based Maximum Likelihood Learning of Energy-Based Models).",
        body: table.unwrap_or(hint) + &html::figures(&curves),
    })
}

/// What was measured of chains of several lengths, with what real data and noise have.
pub(super) fn table(lines: &[QualityLine]) -> String {
    let Some(first) = lines.first() else {
        return html::missing("Nothing was measured.");
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, html::number);
    let share = |value: Option<f64>| {
        value.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share))
    };
    let mut rows: Vec<[String; 6]> = lines
        .iter()
        .map(|line| {
            let distance = match (line.distance, line.distance_error) {
                (Some(distance), Some(error)) => html::with_error(distance, error),
                (Some(distance), None) => html::number(distance),
                (None, _) => "not finite".into(),
            };
            [
                line.transitions.map_or_else(String::new, html::count),
                distance,
                share(line.precision),
                share(line.recall),
                number(line.class_entropy),
                share(line.outside),
            ]
        })
        .collect();
    rows.push([
        "real data".into(),
        number(first.floor),
        share(first.floor_precision),
        share(first.floor_recall),
        number(first.data_class_entropy),
        String::new(),
    ]);
    for (name, distance) in QualityLine::WITHOUT_MODEL {
        if let Some(distance) = distance(first) {
            let mut row = <[String; 6]>::default();
            row[0] = name.into();
            row[1] = html::number(distance);
            rows.push(row);
        }
    }
    let features = first.features.map_or("features", FeatureKind::name);
    let below = html::paragraph(format_args!(
        "{} fresh samples beside held-out data; distances in {features}, the entropy of the classes in nats.",
        html::count(first.samples.unwrap_or(0))
    ));
    let heads = [
        "transitions",
        "distance",
        "precision",
        "recall",
        "classes",
        "outside",
    ];
    below + &html::table(&heads, &rows)
}

fn energy_difference(data: &RunData<'_>) -> Option<String> {
    let points = data.measured(|line| Some(line.data_energy? - line.sample_energy?))?;
    // Long runs alone are told by this curve: `energies` has its like.
    data.measured(|line| line.gradient_size)?;
    let chart = Chart::over_updates(
        "Difference of the energies",
        data.with_unit("E(data) - E(samples)"),
        vec![Series::new("training data minus fresh samples", points)],
    )
    .settled()
    .with_reference(0.0);
    Some(chart.figure("Steadily below 0 training expands the energy; above it contracts."))
}

fn gradient_size(data: &RunData<'_>) -> Option<String> {
    let points = data.measured(|line| line.gradient_size)?;
    let chart = Chart::over_updates(
        "Size of the gradient along chains",
        "mean |dE/dx|",
        vec![Series::new("at the ends of the chains", points)],
    )
    .settled()
    .logarithmic();
    Some(chart.figure(""))
}

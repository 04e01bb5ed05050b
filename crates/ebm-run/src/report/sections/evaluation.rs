//! What `ebm eval` found last, as it left it in the run folder.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::samples::embedded;
use super::{Section, long_chains};
use crate::quality::QualityLine;
use crate::report::html;
use crate::report::run_data::RunData;

/// What is shown of the report of `ebm eval`; all else, and what is missing, is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Evaluation {
    log_partition: Option<LogPartition>,
    sets: Vec<(String, Likelihood)>,
    energies: Energies,
    density: Option<Density>,
    quality: Vec<QualityLine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogPartition {
    log_partition: Option<f64>,
    forward: Option<Direction>,
    reverse: Option<Direction>,
}

#[derive(Deserialize)]
struct Direction {
    log_partition: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Likelihood {
    unnormalized_log_likelihood: Option<Estimate>,
    pseudo_log_likelihood: Option<Estimate>,
    reconstruction_error: Option<Estimate>,
}

#[derive(Clone, Copy, Deserialize)]
struct Estimate {
    mean: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Energies {
    unit: String,
    sets: Vec<EnergySet>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnergySet {
    name: String,
    examples: u64,
    energy: Option<Summary>,
    auroc: Option<f64>,
    fpr_at_95: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
struct Summary {
    mean: f64,
    standard_deviation: f64,
}

#[derive(Deserialize)]
struct Density {
    sets: Vec<(String, GridLikelihood)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GridLikelihood {
    log_likelihood: Option<Estimate>,
    true_log_likelihood: Option<Estimate>,
}

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let path = data.folder.evaluation();
    let bytes = fs::read(&path).ok()?;
    let body = match serde_json::from_slice::<Evaluation>(&bytes) {
        Ok(found) => note(data, &path) + &tables(data, &found, &path),
        Err(error) => html::missing(format_args!("can't read {}: {error}", path.display())),
    };
    Some(Section {
        id: "evaluation",
        title: "Evaluation",
        look_for: "Energies should be low on held-out data and higher on everything else. AUROC is the probability that an outlier lies above a held-out example: 1 is best, 0.5 chance. FPR@95 is the share of outliers that are accepted where 95 % of held-out examples are.",
        body,
    })
}

/// When it was, and whether the model is another since.
fn note(data: &RunData<'_>, path: &Path) -> String {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(then) = modified(path) else {
        return String::new();
    };
    let seconds = then
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let when = html::date(seconds);
    let is_newer = |model: SystemTime| model > then;
    let later = match modified(&data.folder.model()).is_some_and(is_newer) {
        true => " The model is newer: `ebm eval` looks at it again.",
        false => "",
    };
    html::paragraph(format_args!("By `ebm eval` on {when}.{later}"))
}

fn tables(data: &RunData<'_>, found: &Evaluation, path: &Path) -> String {
    let mut body = likelihoods(found);
    let long_run = data.long_run.as_ref().map(|found| found.lines.as_slice());
    // The next section has it.
    let is_long_run = long_run == Some(found.quality.as_slice());
    if !found.quality.is_empty() && !is_long_run {
        body.push_str(&long_chains::table(&found.quality));
    }
    let outliers = outliers(&found.energies);
    let picture = path.with_file_name("energies.png");
    let figure = picture.is_file().then(|| {
        let drawn = embedded(&picture, "Histograms of the energies of data and outliers");
        html::figure("Energies of data and outliers", &drawn, "")
    });
    body + &html::beside(
        &[Some(outliers), figure]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    )
}

fn outliers(energies: &Energies) -> String {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let rows: Vec<[String; 5]> = energies
        .sets
        .iter()
        .map(|set| {
            // A folder's path is long, and its name says enough.
            let name = Path::new(&set.name).file_name();
            let name = name.map_or_else(|| set.name.clone(), |name| name.display().to_string());
            let energy = set.energy.map_or_else(String::new, |energy| {
                html::with_error(energy.mean, energy.standard_deviation)
            });
            let examples = html::count(set.examples);
            [
                name,
                examples,
                energy,
                number(set.auroc),
                number(set.fpr_at_95),
            ]
        })
        .collect();
    let energy = match energies.unit.as_str() {
        "" => "energy".to_string(),
        unit => format!("energy ({unit})"),
    };
    html::table(
        &["set", "examples", energy.as_str(), "AUROC", "FPR@95"],
        &rows,
    )
}

/// What is known of the likelihoods of machines, and of models of the plane.
fn likelihoods(found: &Evaluation) -> String {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, value: Option<f64>| {
        facts.extend(value.map(|value| (name, format!("{value:.3}"))));
    };
    let mean = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.mean);
    if let Some(partition) = &found.log_partition {
        let of =
            |direction: &Option<Direction>| direction.as_ref().map(|found| found.log_partition);
        let log_partition = partition.log_partition.or(of(&partition.forward));
        let reverse = of(&partition.reverse);
        add("log Z (nats)".into(), log_partition);
        add("log Z from samples of the model".into(), reverse);
        for (split, set) in &found.sets {
            let energy = mean(set.unnormalized_log_likelihood);
            let log_likelihood = energy.zip(log_partition).map(|(minus, z)| minus - z);
            add(format!("Log-likelihood, {split} (nats)"), log_likelihood);
            let pseudo = mean(set.pseudo_log_likelihood);
            add(format!("Pseudo-log-likelihood, {split}"), pseudo);
            let error = mean(set.reconstruction_error);
            add(format!("Reconstruction error, {split}"), error);
        }
    }
    for (split, set) in found.density.iter().flat_map(|density| &density.sets) {
        let (model, truth) = (set.log_likelihood, set.true_log_likelihood);
        add(format!("Log-likelihood, {split} (nats)"), mean(model));
        add(
            format!("Log-likelihood of the true density, {split}"),
            mean(truth),
        );
    }
    match facts.is_empty() {
        true => String::new(),
        false => html::facts(&facts),
    }
}

//! What `ebm eval` says of samples of images: how good they are, after chains of one length or of
//! several.

use std::path::Path;

use burn::tensor::Device;
use ebm::ops::Progress;
use ebm::run::quality::{FeatureKind, LongRun, QualityLine};
use ebm::run::{ChainsRequest, ModelFile, RunFolder, measure_chains};

use super::failure::Failure;
use super::terminal::{say, warn};

/// Transitions after which chains are looked at in a long run: those of a picture, and what shows
/// whether a model keeps its modes (Nijkamp et al. 2020).
const LONG_RUN: [usize; 4] = [256, 1000, 4000, 10_000];

#[derive(clap::Args)]
pub(crate) struct QualityArgs {
    /// Fresh samples whose distance from held-out images, precision, recall and classes are
    /// measured; 0: none
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    samples: u32,
    /// Measure them after 256, 1,000, 4,000 and 10,000 transitions, and keep that in the run folder
    #[arg(long)]
    long_run: bool,
    /// With --long-run: other numbers of transitions
    #[arg(long, value_name = "N,N", value_delimiter = ',', requires = "long_run", value_parser = clap::value_parser!(u32).range(1..))]
    lengths: Vec<u32>,
}

impl QualityArgs {
    /// The lengths of chains, ascending.
    fn lengths(&self, model: &ModelFile) -> Vec<usize> {
        if !self.long_run {
            return vec![model.config.output.sample_steps.max(1)];
        }
        if self.lengths.is_empty() {
            return LONG_RUN.to_vec();
        }
        let mut lengths: Vec<usize> = self.lengths.iter().map(|&n| n as usize).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }
}

/// Measures samples of the model of a run; nothing where its data aren't images.
pub(crate) fn evaluate(
    args: &QualityArgs,
    run: &Path,
    model: &ModelFile,
    is_own_data: bool,
    seed: u64,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<Vec<QualityLine>, Failure> {
    if args.samples == 0 || !model.config.data.is_image() {
        return Ok(Vec::new());
    }
    let request = ChainsRequest {
        count: args.samples as usize,
        lengths: args.lengths(model),
        seed,
    };
    let folder = RunFolder::open(run)?;
    // The run's classifier is that of its own data, and a minute's work where there is none yet.
    let cache = folder.features();
    let is_worth_it = args.long_run || cache.is_file();
    let cache = (is_own_data && is_worth_it).then_some(cache);
    let lines = measure_chains(model, &request, cache.as_deref(), device, progress)?;
    if args.long_run && is_own_data {
        let path = folder.long_run();
        LongRun {
            lines: lines.clone(),
        }
        .write(&path)?;
    }
    Ok(lines)
}

/// Prints what was found as a table.
pub(crate) fn print(lines: &[QualityLine]) {
    let Some(first) = lines.first() else {
        return;
    };
    let features = first.features.map_or("", FeatureKind::name);
    let samples = first.samples.unwrap_or(0);
    say(format_args!(""));
    say(format_args!(
        "{samples} fresh samples beside held-out images, in {features}"
    ));
    row(
        "transitions",
        [
            "distance",
            "precision",
            "recall",
            "classes (nats)",
            "outside",
        ]
        .map(String::from),
    );
    for line in lines {
        let name = line.transitions.map(|n| n.to_string()).unwrap_or_default();
        row(
            &name,
            [
                distance(line),
                share(line.precision),
                share(line.recall),
                number(line.class_entropy),
                share(line.outside),
            ],
        );
    }
    row(
        "training images",
        [
            number(first.floor),
            share(first.floor_precision),
            share(first.floor_recall),
            number(first.data_class_entropy),
            String::new(),
        ],
    );
    for (name, distance) in QualityLine::WITHOUT_MODEL {
        if let Some(distance) = distance(first) {
            let none = String::new;
            let distance = number(Some(distance));
            row(name, [distance, none(), none(), none(), none()]);
        }
    }
    let run = LongRun {
        lines: lines.to_vec(),
    };
    let longest = lines.last().and_then(|line| line.transitions);
    match (run.good_for(), longest) {
        (Some(good), Some(longest)) if good < longest => warn(format_args!(
            "chains of more than {good} transitions are worse than shorter ones by more than half: the model holds modes that its chains leave"
        )),
        _ => {}
    }
}

fn row(name: &str, values: [String; 5]) {
    let [distance, precision, recall, classes, outside] = values;
    say(format_args!(
        "{name:20}{distance:>20}{precision:>12}{recall:>12}{classes:>16}{outside:>12}"
    ));
}

fn distance(line: &QualityLine) -> String {
    match (line.distance, line.distance_error) {
        (Some(distance), Some(error)) => format!("{distance:.2} ± {error:.2}"),
        (Some(distance), None) => format!("{distance:.2}"),
        (None, _) => "not finite".into(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.2}")).unwrap_or_default()
}

fn share(value: Option<f64>) -> String {
    value
        .map(|value| format!("{:.1} %", 100.0 * value))
        .unwrap_or_default()
}

//! `ebm eval`: how likely a trained model finds its data, what it takes for outliers, and pictures
//! of what it learned.

use std::path::{Path, PathBuf};

use ebm::models::{Energy, Structure};
use ebm::ops::Interval;
use ebm::ops::Noise;
use ebm::run::ModelFile;
use ebm::run::drawing::{
    EnergyHistogram, RecallPictures, draw_damaged_recall, filters, reconstructions,
};
use ebm::run::quality::QualityLine;
use ebm::run::save_picture;
use ebm::run::uses::log_partition;
use ebm::training::data::Split;
use ebm::training::files::write_whole;
use ebm::training::judging::{
    DamagedRecall, Estimate, LogPartition, RecallReport, SetReport, energies_are_bounds, evaluate,
    recall_damaged,
};
use serde::Serialize;

use super::detection::{DetectionReport, OutlierArgs};
use super::eval_plane::{self, PlaneArgs};
use super::eval_quality::{self, QualityArgs};
use super::failure::Failure;
use super::layers::DeviceArgs;
use super::output::check_folder;
use super::partition::{self, PartitionArgs};
use super::progress::StageBar;
use super::run_args::{OpenRun, RunArgs};
use super::terminal::{confirm, is_quiet, say, say_lines, warn};

/// Filters and pairs of reconstructions in a picture.
const PICTURED: usize = 100;

/// Evaluate a model: energies of training, held-out and out-of-distribution images; of a Boltzmann
/// machine also its likelihood.
///
/// The energy should be low on images like those of training and high on all others (--ood). AUROC
/// is the probability that an outlier lies above a held-out image, ties counted half: 1 is best,
/// 0.5 chance. FPR@95 is the share of outliers that are accepted where 95 % of held-out images are:
/// 0 is best. Histograms of the energies go into the folder of pictures. Where pixels are real the
/// norm of the energy's gradient is a second judge (Grathwohl et al. 2020): it may find simple
/// images that the energy takes for likely.
///
/// Of images it also measures fresh samples: their Frechet distance from held-out images beside
/// that of training images, precision and recall (Kynkaanniemi et al. 2019), and where there are
/// labels the entropy of their classes. --long-run does that after chains of up to 10,000
/// transitions, since energies trained with short chains lose modes in long ones.
///
/// For Boltzmann machines: the average log-likelihood of a restricted machine or its lower bound
/// for a deep one, in nats, with log Z found as by `ebm logz`; pseudo-likelihood, reconstruction
/// error, and the free-energy gap of train and test, which rises where a machine overfits. Pictures
/// of filters and reconstructions go into the folder too. For models of the plane: log Z on a grid,
/// the exact log-likelihood, and how far the density is from the true one.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Folder of data to evaluate on [default: the data of the run]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    outliers: OutlierArgs,
    /// Take this log Z instead of finding it
    #[arg(long, value_name = "NATS", allow_negative_numbers = true, value_parser = parse_nats)]
    log_partition: Option<f64>,
    #[command(flatten)]
    partition: PartitionArgs,
    #[command(flatten)]
    plane: PlaneArgs,
    #[command(flatten)]
    quality: QualityArgs,
    /// For Hopfield networks and Boltzmann machines: share of the units that are flipped before
    /// recall
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = parse_share)]
    damage: f64,
    /// Folder of the pictures and of report.json [default: DIR/evaluation]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm eval runs/digits-1                          against noise, constant images and shuffled pixels
  ebm eval runs/fashion --ood uniform --ood DIR   against noise and the images of a folder
  ebm eval runs/rbm --ood none --json             its likelihood alone
  ebm eval runs/rbm --data DIR                    on other data
  ebm eval runs/fashion --ood none --long-run     chains of 256 to 10,000 transitions";

pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

fn parse_nats(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(nats) if nats.is_finite() => Ok(nats),
        _ => Err("expected a finite number".into()),
    }
}

/// All that was found.
#[derive(Serialize)]
struct Report {
    model: &'static str,
    log_partition: Option<LogPartition>,
    sets: Vec<(Split, SetReport)>,
    energies: DetectionReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<RecallReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    density: Option<eval_plane::Density>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quality: Vec<QualityLine>,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let options = args.partition.options()?;
    let sources = args.outliers.sources()?;
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| args.run.path().join("evaluation"));
    let open = args.run.open(&args.device)?;
    // Found before the work, not after.
    check_folder(&folder)?;
    let OpenRun { model, device } = open.with_data(args.data.as_deref())?;
    let examples = |split| model.examples(&model.config.data, split, &device);
    let (train, test) = (examples(Split::Train), examples(Split::Test));
    let (train, test) = match (train, test) {
        (Err(error), Err(_)) => return Err(error.into()),
        (train, test) => {
            for (name, error) in [
                ("training", train.as_ref().err()),
                ("test", test.as_ref().err()),
            ] {
                if let Some(error) = error {
                    warn(format_args!("no {name} data: {error}"));
                }
            }
            (train.ok(), test.ok())
        }
    };

    let mut bar = StageBar::new();
    let mut noise = Noise::new(options.seed);
    let mut sets = Vec::new();
    for (split, examples) in [(Split::Train, &train), (Split::Test, &test)] {
        if let Some(examples) = examples {
            let report = evaluate(&model.model, examples, &mut noise.split(), &mut bar)?;
            sets.push((split, report));
        }
    }
    // Machines whose hidden units can't be summed out have failed above.
    let mut outlier_noise = Noise::new(options.seed).split();
    let (energies, histogram) = super::detection::detect(
        &model,
        sets.iter()
            .map(|(split, set)| (*split, set.energies.as_slice())),
        sources,
        &device,
        &mut outlier_noise,
        &mut bar,
    )?;
    let partition = match args.log_partition {
        Some(log_partition) => Some(LogPartition::Given { log_partition }),
        None if model.has_partition() => {
            let data = train.as_ref().or(test.as_ref());
            let precision = args.partition.precision();
            Some(log_partition(
                &model.model,
                data,
                &options,
                precision,
                &mut bar,
            )?)
        }
        None => None,
    };
    let quality = eval_quality::evaluate(
        &args.quality,
        args.run.path(),
        &model,
        args.data.is_none(),
        options.seed,
        &device,
        &mut bar,
    )?;
    bar.finish();

    let recalled = train.as_ref().and_then(|examples| {
        recall_damaged(
            &model.model,
            examples,
            PICTURED / 3,
            args.damage,
            &mut noise.split(),
        )
        .ok()
    });

    let plane_sets = [(Split::Train, train.as_ref()), (Split::Test, test.as_ref())];
    let density = eval_plane::evaluate(&args.plane, &model, plane_sets, &device)?;

    let report = Report {
        model: model.model.name(),
        log_partition: partition,
        sets,
        energies,
        recall: recalled.as_ref().map(|recalled| recalled.report.clone()),
        density,
        quality,
    };
    let json = serde_json::to_string_pretty(&report).unwrap_or_default();
    if args.json {
        say_lines(&format!("{json}\n"));
    } else {
        print(&report, &model.model.structure());
        if let Some(density) = &report.density {
            eval_plane::print(density);
        }
        eval_quality::print(&report.quality);
    }
    let examples = test.as_ref().or(train.as_ref());
    save(&folder, &json, &model, examples, recalled, histogram)?;
    if let Some(density) = &report.density {
        eval_plane::save(density, &folder, examples)?;
    }
    let wrote = format!("wrote {}", folder.display());
    if !args.json {
        confirm(format_args!("{wrote}"));
    } else if !is_quiet() {
        // The standard output is JSON and nothing else.
        warn(format_args!("{wrote}"));
    }
    Ok(())
}

/// Writes what there is to look at.
fn save(
    folder: &Path,
    json: &str,
    model: &ModelFile,
    examples: Option<&ebm::training::Examples<4>>,
    recalled: Option<DamagedRecall<4>>,
    histogram: Option<EnergyHistogram>,
) -> Result<(), Failure> {
    let failed = |path: &Path, message: String| Failure::Write {
        path: path.display().to_string(),
        message,
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error.to_string()))?;
    let path = folder.join("report.json");
    write_whole(&path, format!("{json}\n").as_bytes())
        .map_err(|error| failed(&path, error.to_string()))?;
    let range = model.config.data.range();
    let histogram = match histogram {
        Some(EnergyHistogram { png, svg }) => {
            let path = folder.join("energies.svg");
            write_whole(&path, svg.as_bytes()).map_err(|error| failed(&path, error.to_string()))?;
            Some(png)
        }
        None => None,
    };
    let (before_and_after, energies) = match recalled.as_ref().map(draw_damaged_recall) {
        Some(RecallPictures {
            before_and_after,
            energies,
        }) => (Some(before_and_after), energies),
        None => (None, None),
    };
    let pictures = [
        ("energies.png", histogram),
        ("recall.png", before_and_after),
        ("recall-energies.png", energies),
        (
            "filters.png",
            filters(&model.model, model.shape.into(), PICTURED),
        ),
        (
            "reconstructions.png",
            examples
                .and_then(|examples| reconstructions(&model.model, examples, PICTURED / 2, range)),
        ),
    ];
    for (name, picture) in pictures {
        if let Some(picture) = picture {
            save_picture(&picture, &folder.join(name))?;
        }
    }
    Ok(())
}

fn print(report: &Report, structure: &Structure) {
    // Of a smooth energy nothing but its values is known.
    if !matches!(structure, Structure::Smooth) {
        print_likelihood(report, energies_are_bounds(structure));
        say(format_args!(""));
    }
    report.energies.print();
}

/// The likelihood of a machine.
fn print_likelihood(report: &Report, is_bound: bool) {
    if let Some(found) = &report.log_partition {
        partition::print(found);
        say(format_args!(""));
    }
    let bound = if is_bound {
        "lower bound of log p"
    } else {
        "log-likelihood"
    };
    let mut header = format!("{:40}", format!("{} (nats an example)", report.model));
    for (split, _) in &report.sets {
        header.push_str(&format!("{:>22}", split.to_string()));
    }
    say(format_args!("{header}"));
    let row = |name: &str, value: &dyn Fn(&SetReport) -> Option<String>| {
        let values: Vec<Option<String>> = report.sets.iter().map(|(_, set)| value(set)).collect();
        if values.iter().any(Option::is_some) {
            let values: String = values
                .into_iter()
                .map(|value| format!("{:>22}", value.unwrap_or_default()))
                .collect();
            say(format_args!("{name:40}{values}"));
        }
    };
    row("examples", &|set| Some(set.examples.to_string()));
    match &report.log_partition {
        Some(partition) => {
            let z = partition.value();
            let Interval { low, high } = partition.interval();
            row(bound, &|set| {
                Some(shifted(set.unnormalized_log_likelihood, z))
            });
            if let LogPartition::Annealed { reverse, .. } = partition {
                // The forward log Z is too low on average, which flatters the model; this doesn't.
                row("  with the log Z of the way back", &|set| {
                    let mean = set.unnormalized_log_likelihood.mean;
                    Some(format!("{:.2}", mean - reverse.log_partition))
                });
            }
            if low < high {
                row("  at the 95 % ends of log Z", &|set| {
                    let mean = set.unnormalized_log_likelihood.mean;
                    Some(format!("{:.2} .. {:.2}", mean - high, mean - low))
                });
            }
        }
        None => row("log p + log Z (minus the energy)", &|set| {
            Some(shifted(set.unnormalized_log_likelihood, 0.0))
        }),
    }
    row("pseudo-log-likelihood", &|set| {
        set.pseudo_log_likelihood
            .map(|estimate| shifted(estimate, 0.0))
    });
    row("reconstruction error (squared, a pixel)", &|set| {
        set.reconstruction_error
            .map(|estimate| format!("{:.5}", estimate.mean))
    });
    if let Some(recall) = &report.recall {
        say(format_args!(
            "recall of {} training examples with {:.0} % of the units flipped: overlap {:.3} -> {:.3}, {:.0} % came back without a wrong unit, {:.0} % ended in another stored example",
            recall.examples,
            100.0 * recall.damage,
            recall.overlap_before,
            recall.overlap_after,
            100.0 * recall.perfect,
            100.0 * recall.other
        ));
    }
    if let [(_, train), (_, test)] = &report.sets[..] {
        let (train, test) = (
            train.unnormalized_log_likelihood,
            test.unnormalized_log_likelihood,
        );
        say(format_args!(
            "free-energy gap, test minus train: {:.3} ± {:.3}",
            train.mean - test.mean,
            train.standard_error.hypot(test.standard_error)
        ));
    }
}

fn shifted(estimate: Estimate, by: f64) -> String {
    format!("{:.2} ± {:.2}", estimate.mean - by, estimate.standard_error)
}

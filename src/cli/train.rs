//! `ebm train`: a new run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Device;
use ebm::backend::Choice;
use ebm::run::config::{AutomaticConfig, Pace, RunConfig};
use ebm::run::series::Seeds;
use ebm::run::{self, ClaimedFolder};

use super::begun::Begun;
use super::failure::Failure;
use super::layers::{ConfigArgs, DeviceArgs};
use super::output::check_folder;
use super::reporter::Reporter;
use super::series::{self, Series};
use super::terminal::{remark, warn};

/// Train a model into a new run folder.
///
/// Without arguments it trains on 8x8 digits that ship with the program; with --data DIR alone it
/// chooses network, chains and length for the images in the folder, and says why. The run folder
/// gets config.toml, metrics.jsonl, energies.png, samples/step-*.png, checkpoints/ and
/// model.safetensors. Ctrl-C finishes the step, saves, and says how to resume.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Start from the weights of a run, trained or imported, and from its configuration unless
    /// CONFIG or a preset is given
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Run folder, which must be new or empty [default: the next free runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Train one run a seed, one after the other, into DIR/seed-1 and so on: a range with both
    /// ends, such as 1..5, or a list; the same command again goes on where it was stopped
    #[arg(long, value_name = "A..B", requires = "out", conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// Save and stop after this time, e.g. 90s, 15m or 2h; of several seeds all together
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    time_limit: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  ebm train                                           8x8 digits, in a minute or two
  ebm train --data DIR --minutes 15                   your own images; all else is chosen for them
  ebm train --preset rbm-digits --out runs/rbm        a restricted Boltzmann machine, in seconds
  ebm train --preset two-moons --time-limit 30s       saves and stops after half a minute
  ebm train my.toml --set sampler.steps=40 --seed 2   a file of `ebm config`, with two keys changed
  ebm train --seeds 1..5 --out runs/five              five runs, with the mean of their scores
  ebm train --preset fashion-mnist --data DIR         the IDX files in a folder
  ebm train --from runs/digits-1 --set sampler.steps=60 --set optimizer.learning_rate=1e-4
                                                      on from its weights, with longer chains";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let from = args.from.as_deref();
    let out = args.out.as_deref();
    let begun = |config: &RunConfig| Begun::of_seeds(args.seeds.as_ref()?, out?, config);
    let prepared = prepare(&args.config, &args.device, from, out, begun)?;
    if let (Some(seeds), Some(out)) = (&args.seeds, out) {
        let series = Series {
            folder: out,
            trials: seeds.trials(&prepared.config),
            prepared: &prepared,
            time_limit: args.time_limit,
            again: "the same command",
            summarised: true,
        };
        return series::run(series, None);
    }
    let Prepared {
        config,
        reasons,
        choice,
    } = prepared;
    let (out, _claimed) = match args.out {
        Some(out) => (out, None),
        // Before the data are loaded: others may start meanwhile.
        None => {
            let name = args.config.name(from);
            let claimed = ClaimedFolder::next_free(Path::new("runs"), &name)?;
            (claimed.path().to_path_buf(), Some(claimed))
        }
    };
    let mut reporter = Reporter::new(choice.backend, args.time_limit, &config);
    let outcome = run::train_chosen(&config, &reasons, &choice.device, &out, &mut reporter)?;
    reporter.report(outcome, &out);
    Ok(())
}

/// What a training needs: its configuration, why it was chosen if it was, and a device.
pub(super) struct Prepared {
    pub(super) config: RunConfig,
    pub(super) reasons: Vec<String>,
    pub(super) choice: Choice,
}

/// Reads the layers of the configuration, opens the device, and chooses what is to be chosen,
/// unless a series of runs has begun by that configuration.
pub(super) fn prepare(
    args: &ConfigArgs,
    device: &DeviceArgs,
    from: Option<&Path>,
    out: Option<&Path>,
    begun: impl FnOnce(&RunConfig) -> Option<Begun>,
) -> Result<Prepared, Failure> {
    let automatic = args.automatic(from)?;
    let config = match &automatic {
        Some(automatic) => args.read_automatic(automatic, 1)?,
        None => args.read(from)?,
    };
    if let Some(out) = out {
        check_folder(out)?;
    }
    let begun = match (&automatic, automatic.as_ref().and_then(|_| begun(&config))) {
        (Some(automatic), Some(begun)) => begun.of_same_length(args, automatic)?,
        _ => None,
    };
    let choice = device.open(config.backend.as_deref())?;
    let (config, reasons) = match (&automatic, begun) {
        (Some(automatic), Some(begun)) => {
            let config = args.read_automatic(automatic, begun.updates)?;
            (config, begun.reasons)
        }
        (Some(automatic), None) => choose(args, automatic, &choice.device)?,
        (None, _) => (config, Vec::new()),
    };
    Ok(Prepared {
        config,
        reasons,
        choice,
    })
}

/// Share of the time of training, and the longest time, that finding out takes how long an update
/// takes.
const TIMING: (f64, Duration) = (0.02, Duration::from_secs(3));

/// Finds out how many updates fit into the time, unless their number is given, and says what was
/// chosen.
fn choose(
    args: &ConfigArgs,
    automatic: &AutomaticConfig,
    device: &Device,
) -> Result<(RunConfig, Vec<String>), Failure> {
    let (updates, pace) = match args.given_updates(automatic)? {
        Some(given) => (given, Pace::Given),
        None => {
            let config = args.read_automatic(automatic, 1)?;
            let seconds = (TIMING.0 * 60.0 * automatic.minutes()).min(TIMING.1.as_secs_f64());
            let within = Duration::from_secs_f64(seconds);
            let seconds = run::seconds_per_update(&config, device, within)?;
            (automatic.updates(seconds), Pace::Measured(seconds))
        }
    };
    let config = args.read_automatic(automatic, updates)?;
    let reasons = args.reasons(automatic, &config, pace);
    for line in &reasons {
        remark(format_args!("{line}"));
    }
    for line in automatic.warnings(updates) {
        warn(format_args!("warning: {line}"));
    }
    Ok((config, reasons))
}

/// A number and a unit: `s`, `m` or `h`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected =
        || format!("found `{text}`, expected a number with a unit, such as 90s, 15m or 2h");
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(expected)?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(expected()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())
}

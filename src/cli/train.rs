//! `ebm train`: a new run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::tensor::Device;
use ebm::run::config::{AutomaticConfig, Pace, RunConfig};
use ebm::run::{self, ClaimedFolder};

use super::failure::Failure;
use super::layers::{ConfigArgs, DeviceArgs};
use super::output::check_folder;
use super::reporter::Reporter;
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
    /// Save and stop after this time, e.g. 90s, 15m or 2h
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
  ebm train --preset fashion-mnist --data DIR         the IDX files in a folder
  ebm train --from runs/digits-1 --set sampler.steps=60 --set optimizer.learning_rate=1e-4
                                                      on from its weights, with longer chains";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let from = args.from.as_deref();
    let automatic = args.config.automatic(from)?;
    let config = match &automatic {
        Some(automatic) => args.config.read_automatic(automatic, 1)?,
        None => args.config.read(from)?,
    };
    if let Some(out) = &args.out {
        check_folder(out)?;
    }
    let choice = args.device.open(config.backend.as_deref())?;
    let (config, reasons) = match &automatic {
        Some(automatic) => choose(&args.config, automatic, &choice.device)?,
        None => (config, Vec::new()),
    };
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

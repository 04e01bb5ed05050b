//! `ebm resume`: a run goes on where it was stopped.

use std::time::Duration;

use ebm::run::{self, RunFolder};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::reporter::Reporter;
use super::run_args::RunArgs;
use super::terminal::remark;
use super::train::parse_duration;

/// Continue a run from its newest checkpoint, or from its beginning if it was stopped before the
/// first.
///
/// On the same backend the result is bit for bit what an uninterrupted run gives. A run that has
/// finished is extended by raising its length: --set training.steps=20000.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Go on from the best model by the measured quality; what came after it is deleted
    #[arg(long)]
    best: bool,
    /// Change one key of the run's config.toml; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    overrides: Vec<String>,
    /// Save and stop after this time, e.g. 90s, 15m or 2h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    time_limit: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  ebm resume runs/digits-1
  ebm resume runs/digits-1 --set training.steps=20000   beyond its end
  ebm resume runs/digits-1 --time-limit 15m
  ebm resume runs/digits-1 --best --set optimizer.learning_rate=1e-4
                                                        after a collapse, more carefully";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let folder = RunFolder::open_locked(args.run.path())?;
    let mut table = folder.read_config()?;
    for assignment in &args.overrides {
        table.set(assignment)?;
    }
    let config = table.read()?;
    config.validate()?;
    if args.best {
        let step = folder.go_back_to_best()?;
        remark(format_args!("back to step {step}, the best model"));
    }
    let choice = args.device.open(config.backend.as_deref())?;
    let mut reporter = Reporter::new(choice.backend, args.time_limit, &config);
    let outcome = run::resume(&config, &choice.device, folder, &mut reporter)?;
    reporter.report(outcome, args.run.path());
    Ok(())
}

//! `ebm logz`: the partition function of a trained Boltzmann machine.

use std::path::PathBuf;

use ebm::run::uses::log_partition;
use ebm::training::data::Split;

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::partition::{self, PartitionArgs};
use super::progress::StageBar;
use super::run_args::{OpenRun, RunArgs};
use super::terminal::{say_lines, warn};

/// Find log Z, the logarithm of the partition function, in nats.
///
/// Machines with up to about 20 units in their smaller half, or up to 25 if they are small, are
/// summed over exactly. Others are annealed in both directions: forward from independent units,
/// which is too low on average, and back from samples of the machine, which is too high as far as
/// the samples are good. Where both agree, log Z is found; where they don't, use more temperatures
/// (--temperatures) or more sweeps (--sweeps).
///
/// Without data the samples come from parallel tempering, which gives a third number. Nothing
/// vouches for them then: modes that no chain has found are missing from all three, however close
/// these are.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Folder of data for base rates and starting states [default: the data of the run]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    partition: PartitionArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm logz runs/rbm
  ebm logz runs/rbm --method ais --chains 100 --temperatures 1000
  ebm logz runs/rbm --json > logz.json";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let options = args.partition.options()?;
    let open = args.run.open(&args.device)?;
    let OpenRun { model, device } = open.with_data(args.data.as_deref())?;
    let (data, missing) = match model.examples(&model.config.data, Split::Train, &device) {
        Ok(data) => (Some(data), None),
        // What was asked for must be there; what the run was trained on may be gone.
        Err(error) if args.data.is_some() => return Err(error.into()),
        Err(error) => (None, Some(error)),
    };
    let mut bar = StageBar::new();
    let found = log_partition(
        &model.model,
        data.as_ref(),
        &options,
        args.partition.precision(),
        &mut bar,
    )?;
    bar.finish();
    // A sum over all states needs no data.
    if let Some(error) = missing.filter(|_| found.samples().is_some()) {
        warn(format_args!(
            "without data ({error}): the way back starts at samples of parallel tempering, for which nothing vouches; pass --data DIR"
        ));
    }
    if args.json {
        say_lines(&(partition::json(&found) + "\n"));
    } else {
        partition::print(&found);
    }
    Ok(())
}

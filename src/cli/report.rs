//! `ebm report`: a run as one HTML page.

use std::path::PathBuf;

use ebm::ops::Progress;
use ebm::run::RunFolder;
use ebm::run::report::{ReportOptions, check_report_path, report_with_warnings, write_report};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::output::{check_place, confirm_file};
use super::progress::StageBar;
use super::run_args::RunArgs;
use super::terminal::{draws_progress, warn};

/// Most fresh samples that are compared with the training data.
const MAX_SAMPLES: u32 = 200;

/// Make one HTML page of a run: curves, samples, their nearest training examples, configuration,
/// machine.
///
/// The page needs no network and no other file. A run that is still going on can be reported on
/// too. Samples are drawn from the newest model and compared with the training data.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The page; an earlier report there is replaced [default: DIR/report.html]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Fresh samples to compare with the training images; 0 leaves this out, and it takes the most
    /// time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_SAMPLES)))]
    samples: u32,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm report runs/digits-1                         runs/digits-1/report.html
  ebm report runs/digits-1 --out page.html --samples 0";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    // Found before the work, not after.
    let folder = RunFolder::open(args.run.path())?;
    let out = args
        .out
        .unwrap_or_else(|| folder.root().join("report.html"));
    check_report_path(&out)?;
    check_place("--out", &out)?;
    let choice = args.device.open(None)?;
    let options = ReportOptions {
        samples: args.samples as usize,
        seed: args.seed,
    };
    let mut bar = StageBar::new();
    // A line a section would say little to a log.
    let progress: &mut dyn Progress = if draws_progress() { &mut bar } else { &mut () };
    let (page, warnings) =
        report_with_warnings(args.run.path(), &options, &choice.device, progress)?;
    bar.finish();
    for warning in warnings {
        warn(format_args!("warning: {warning}; left out"));
    }
    write_report(&page, &out)?;
    let megabytes = page.len() as f64 / 1e6;
    confirm_file(
        &out,
        format_args!("wrote {} ({megabytes:.1} MB)", out.display()),
    );
    Ok(())
}

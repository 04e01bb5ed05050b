//! `ebm sweep`: one configuration with some of its keys at several values.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ebm::run::config::RunConfig;
use ebm::run::series::{GridAxis, RandomRange, Sweep};
use ebm::run::{RunError, SweepError};

use super::begun::Begun;
use super::failure::Failure;
use super::layers::{ConfigArgs, DeviceArgs};
use super::run_table::{check_csv, is_standard_output};
use super::series::{self, Series};
use super::terminal::{leave_output_to_data, quoted};
use super::train::{Prepared, parse_duration, prepare};

/// Train one configuration with several values of some of its keys, and compare what becomes of it.
///
/// Every combination of the values of --grid is tried, or --random N trials with values drawn from
/// each --range by the seed of the configuration. Each trial is a run folder, DIR/trial-001 and so
/// on; the plan is kept in DIR/sweep.toml, and `ebm sweep DIR` goes on with it. A trial that fails
/// doesn't stop the others.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder of the sweep, new or empty, or with the same plan; one that has a plan can also stand
    /// in place of CONFIG, without any of the flags that make one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A key and its values, in TOML or as text; may be repeated, for all combinations
    #[arg(long, value_name = "KEY=V1,V2", conflicts_with_all = ["random", "range"])]
    grid: Vec<String>,
    /// Number of trials with values drawn from ranges
    #[arg(long, value_name = "N", requires = "range")]
    random: Option<usize>,
    /// A key and where its values are drawn from; `:log` draws uniform logarithms; between whole
    /// numbers whole ones are drawn; may be repeated
    #[arg(long, value_name = "KEY=LOW..HIGH[:log]", requires = "random")]
    range: Vec<String>,
    /// Write the table of the trials as CSV; `-` prints it in place of the table, and all
    /// else on standard error
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Save and stop after this time, e.g. 90s, 15m or 2h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    time_limit: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  ebm sweep --out runs/rates --grid optimizer.learning_rate=1e-4,1e-3 --grid sampler.steps=20,40
  ebm sweep runs/rates                             on with it
  ebm sweep my.toml --out runs/drawn --random 10 --range optimizer.learning_rate=1e-5..1e-2:log";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    check_csv(args.csv.as_deref())?;
    if args.csv.as_deref().is_some_and(is_standard_output) {
        leave_output_to_data();
    }
    let begun = args.config.file.as_deref().filter(|path| path.is_dir());
    let (folder, sweep, prepared) = match begun {
        Some(folder) => resumed(&args, folder)?,
        None => planned(&args)?,
    };
    let again = format!("`ebm sweep {}`", quoted(&folder));
    let series = Series {
        folder: &folder,
        trials: sweep.trials()?,
        prepared: &prepared,
        time_limit: args.time_limit,
        again: &again,
        summarised: false,
    };
    series::run(series, args.csv.as_deref())
}

/// The sweep whose plan is in a folder.
fn resumed(args: &Args, folder: &Path) -> Result<(PathBuf, Sweep, Prepared), Failure> {
    let config = &args.config;
    let given = [
        ("--out", args.out.is_some()),
        ("--grid", !args.grid.is_empty()),
        ("--random", args.random.is_some()),
        ("--data", config.data.is_some()),
        ("--set", !config.overrides.is_empty()),
        ("--seed", config.seed.is_some()),
    ];
    if let Some((argument, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::Argument {
            argument,
            message: format!(
                "{} is a folder, whose sweep goes on by its own plan: leave this out, or name a configuration file in its place",
                folder.display()
            ),
        });
    }
    let sweep = Sweep::read(folder)?;
    let config = sweep.config()?;
    let choice = args.device.open(config.backend.as_deref())?;
    let prepared = Prepared {
        config,
        reasons: Begun::reasons_of(&sweep, folder),
        choice,
    };
    Ok((folder.to_path_buf(), sweep, prepared))
}

/// A new sweep, or the one that flags made before; its plan is in its folder then.
fn planned(args: &Args) -> Result<(PathBuf, Sweep, Prepared), Failure> {
    let missing = |argument, message: &str| Failure::Argument {
        argument,
        message: message.into(),
    };
    let Some(out) = args.out.clone() else {
        let message = "found none, expected the folder of the sweep, `--out DIR`";
        return Err(missing("--out", message));
    };
    if args.grid.is_empty() && args.random.is_none() {
        let message = "found nothing to sweep over, expected `--grid KEY=V1,V2`, or `--random N --range KEY=LOW..HIGH`";
        return Err(missing("--grid", message));
    }
    let parsed = |error: SweepError| Failure::from(RunError::from(error));
    let grid: Result<Vec<GridAxis>, _> = args.grid.iter().map(|text| text.parse()).collect();
    let ranges: Result<Vec<RandomRange>, _> = args.range.iter().map(|text| text.parse()).collect();
    let (grid, ranges) = (grid.map_err(parsed)?, ranges.map_err(parsed)?);
    let begun = |_: &RunConfig| Begun::of_sweep(&out);
    let prepared = prepare(&args.config, &args.device, None, Some(&out), begun)?;
    let sweep = match args.random {
        Some(trials) => Sweep::random(&prepared.config, trials, ranges)?,
        None => Sweep::grid(&prepared.config, grid)?,
    };
    sweep.write(&out)?;
    Ok((out, sweep, prepared))
}

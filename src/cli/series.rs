//! Runs that are trained one after the other, whatever becomes of each.

use std::path::Path;
use std::time::Duration;

use ebm::run::comparison::Comparison;
use ebm::run::series::{Standing, Trial};
use ebm::run::{Outcome, Watch};

use super::failure::Failure;
use super::reporter::Reporter;
use super::run_table;
use super::terminal::{remark, warn};
use super::train::Prepared;

/// What is to be trained.
pub(super) struct Series<'a> {
    /// The folder that the runs' folders are in.
    pub(super) folder: &'a Path,
    pub(super) trials: Vec<Trial>,
    pub(super) prepared: &'a Prepared,
    /// Of all runs together.
    pub(super) time_limit: Option<Duration>,
    /// The command that goes on with it.
    pub(super) again: &'a str,
    /// Whether the mean of the scores says anything.
    pub(super) summarised: bool,
}

/// What became of a series.
struct Trained {
    failed: Vec<String>,
    /// Runs that it didn't get to the end of.
    left: usize,
}

/// Trains all runs that haven't finished, and prints the table of all.
pub(super) fn run(series: Series<'_>, csv: Option<&Path>) -> Result<(), Failure> {
    // What is in the way of any of them is found before the first.
    let standings: Result<Vec<Standing>, _> = series
        .trials
        .iter()
        .map(|trial| trial.standing(series.folder))
        .collect();
    let Trained { failed, left } = train(&series, &standings?);
    let folders = series.trials.iter().map(|it| it.folder(series.folder));
    let begun: Vec<_> = folders
        .filter(|folder| folder.join("config.toml").is_file())
        .collect();
    if !begun.is_empty() {
        let comparison = Comparison::read(&begun)?;
        if !csv.is_some_and(run_table::is_standard_output) {
            run_table::print(&comparison);
            if series.summarised {
                run_table::print_summary(&comparison);
            }
        }
        run_table::warn_incomparable(&comparison);
        if let Some(path) = csv {
            run_table::write_csv(&comparison, path)?;
        }
    }
    if left > 0 {
        let again = series.again;
        remark(format_args!(
            "stopped with {left} of {} runs left: {again} goes on",
            series.trials.len()
        ));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Runs {
        failed,
        of: series.trials.len(),
    })
}

fn train(series: &Series<'_>, standings: &[Standing]) -> Trained {
    let Series {
        folder, prepared, ..
    } = series;
    let count = series.trials.len();
    let mut reporter = None;
    let mut failed = Vec::new();
    for (at, (trial, standing)) in series.trials.iter().zip(standings).enumerate() {
        let name = &trial.name;
        let place = format!("{name} ({} of {count})", at + 1);
        match standing {
            Standing::Finished => {
                remark(format_args!("{place} has finished"));
                continue;
            }
            Standing::Collapsed => {
                warn(format_args!(
                    "{place} collapsed before, and would again: it isn't trained"
                ));
                failed.push(name.clone());
                continue;
            }
            Standing::New | Standing::Unfinished => remark(format_args!("{place}")),
        }
        let reporter = reporter.get_or_insert_with(|| {
            Reporter::new(prepared.choice.backend, series.time_limit, &trial.config)
        });
        reporter.turn_to(&trial.config);
        let device = &prepared.choice.device;
        let outcome = trial.run(folder, &prepared.reasons, device, reporter);
        let is_stopped = match outcome {
            Ok(outcome) => {
                reporter.report(outcome, &trial.folder(folder));
                matches!(outcome, Outcome::Stopped { .. })
            }
            Err(error) => {
                warn(format_args!("{name} failed: {}", Failure::from(error)));
                failed.push(name.clone());
                false
            }
        };
        let unfinished =
            |standing: &&Standing| !matches!(standing, Standing::Finished | Standing::Collapsed);
        let after = standings[at + 1..].iter().filter(unfinished).count();
        if is_stopped || (after > 0 && reporter.should_stop()) {
            let left = after + usize::from(is_stopped);
            return Trained { failed, left };
        }
    }
    Trained { failed, left: 0 }
}

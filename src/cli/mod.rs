//! The command line: parse, validate, call the library, print.

mod begun;
mod compare;
mod completions;
mod compose;
mod config;
mod denoise;
mod detection;
mod devices;
mod escape;
mod eval;
mod eval_plane;
mod eval_quality;
mod export;
mod failure;
mod image_inputs;
mod import;
mod inpaint;
mod kinds;
mod layers;
mod logz;
mod man;
mod numbers;
mod output;
mod partition;
mod progress;
mod recall;
mod report;
mod reporter;
mod resume;
mod run_args;
mod run_table;
mod runs;
mod sample;
mod series;
mod signals;
mod standard_output;
mod status_line;
mod sweep;
mod terminal;
mod train;
mod unit;
mod verbosity;
mod warnings;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Failure;

/// Energy-based models: train one on images, sample from it, evaluate it.
///
/// A model gives every image an energy; training lowers the energy of your images and raises the
/// energy of the images that the model itself draws: networks by Langevin dynamics, Boltzmann
/// machines by Gibbs sampling.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    verbosity: verbosity::Verbosity,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ebm train                                        train on the digits that ship with the program
  ebm train --preset fashion-mnist --data DIR      train on IDX files
  ebm train my.toml --set sampler.steps=40         train from a file, with one key changed
  ebm sample runs/digits-1 -n 64 --out grid.png
  ebm resume runs/digits-1                         go on where it was stopped
  ebm train --preset rbm-digits --out runs/rbm     train a restricted Boltzmann machine
  ebm eval runs/rbm                                its log-likelihood, and what it learned
  ebm eval runs/digits-1 --ood uniform             how well energies tell data from noise
  ebm inpaint runs/digits-1 --mask bottom          lower halves drawn given the upper ones
  ebm watch runs/digits-1                          progress and curves in the terminal
  ebm report runs/digits-1                         curves, samples and more as one HTML page
  ebm runs runs                                    all runs there side by side, the best first
  ebm config --preset digits > my.toml             a file to start from

`ebm SUBCOMMAND --help` has more of them.

Exit codes:
  0    done
  1    a failure: data, a file or a device that can't be used, a training that diverged
  2    wrong input: a flag, a name, a configuration, a file or folder that is in the way
  130  stopped at once, by a second Ctrl-C or SIGTERM; the first saves, and ends with 0

A training also saves and stops at SIGTERM and when its terminal is closed; one that is started
with `nohup` goes on then.

Environment:
  EBM_BACKEND   backend where `--backend` isn't given
  EBM_DEVICE    number of the device where `--device` isn't given
  EBM_LOG       filter of events, e.g. ebm_train=debug, in place of -v
  NO_COLOR      no colours, unless it is empty";

#[derive(Subcommand)]
enum Command {
    Train(train::Args),
    Resume(resume::Args),
    Sweep(sweep::Args),
    Sample(sample::Args),
    Eval(eval::Args),
    Logz(logz::Args),
    Inpaint(inpaint::Args),
    Denoise(denoise::Args),
    Compose(compose::Args),
    Compare(compare::Args),
    Recall(recall::Args),
    Report(report::Args),
    Runs(runs::Args),
    Watch(watch::Args),
    Import(import::Args),
    Export(export::Args),
    Config(config::Args),
    Devices(devices::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Reads the arguments. An environment variable that is empty counts as none.
fn parse() -> Result<Cli, clap::Error> {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let without_empty = |arg: Arg| match is_empty(&arg) {
        true => arg.env(Resettable::Reset),
        false => arg,
    };
    let mut command =
        Cli::command().mut_subcommands(|subcommand| subcommand.mut_args(without_empty));
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Prints help, the version, or what is wrong with the arguments.
fn answer(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        standard_output::remember(error.print());
        return finish(Ok(()));
    }
    // Colours are the parser's; what it quotes may hold anything.
    let quotes_much = |arg: OsString| {
        let text = arg.to_string_lossy();
        text.len() > LONG_ARGUMENT || text.contains(escape::is_unsafe)
    };
    if std::env::args_os().any(quotes_much) {
        terminal::complain(&error.render().to_string());
    } else {
        let _ = error.print();
    }
    ExitCode::from(2)
}

/// Bytes of an argument that needn't be shortened in a message.
const LONG_ARGUMENT: usize = 160;

/// The exit code; that of a result that couldn't be written is 1.
fn finish(result: Result<(), Failure>) -> ExitCode {
    match result.and_then(|()| terminal::check_results()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_failure(&failure);
            failure.exit_code()
        }
    }
}

/// Runs the command that the arguments name; the exit code is 0, 1 for a failure, 2 for wrong
/// input.
pub(crate) fn main() -> ExitCode {
    let Cli { verbosity, command } = match parse() {
        Ok(cli) => cli,
        Err(error) => return answer(&error),
    };
    verbosity.apply();
    let result = match command {
        Command::Train(args) => train::run(args),
        Command::Resume(args) => resume::run(args),
        Command::Sweep(args) => sweep::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Logz(args) => logz::run(args),
        Command::Inpaint(args) => inpaint::run(args),
        Command::Denoise(args) => denoise::run(args),
        Command::Compose(args) => compose::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Recall(args) => recall::run(args),
        Command::Report(args) => report::run(args),
        Command::Runs(args) => runs::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Config(args) => config::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    };
    finish(result)
}

/// Prints why a command failed.
fn print_failure(failure: &Failure) {
    if failure.has_lines() {
        terminal::error_in_lines(format_args!("{failure}"));
    } else {
        terminal::error(format_args!("{failure}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples and tables stand in columns, which a line that is too long would break.
    #[test]
    fn help_that_stands_in_columns_fits_them() {
        let command = Cli::command();
        let fits = |text: Option<&clap::builder::StyledStr>, name: &str| {
            let text = text.map(ToString::to_string).unwrap_or_default();
            // A paragraph alone may be broken anywhere: the first of a help is one.
            for line in text.lines().skip(usize::from(text.contains("\n\n"))) {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        };
        fits(command.get_after_help(), "ebm");
        for subcommand in command.get_subcommands() {
            let name = subcommand.get_name();
            fits(subcommand.get_after_help(), name);
            if ["import", "export"].contains(&name) {
                fits(subcommand.get_long_about(), name);
            }
        }
    }
}

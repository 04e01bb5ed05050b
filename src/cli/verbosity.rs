//! How much is said: the flags of every command, and the events of the library that they let
//! through.

use tracing_subscriber::EnvFilter;

use super::terminal::{self, EventWriter};
use super::warnings;

/// Environment variable of a filter of events, in place of `-v`.
const FILTER: &str = "EBM_LOG";

/// How much is said.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Verbosity {
    /// Print results, warnings and errors only: no progress, no remarks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print events of the library on standard error; -vv prints more. EBM_LOG=FILTER chooses them
    /// one by one
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Verbosity {
    /// Holds from now on, for the whole process.
    pub(crate) fn apply(self) {
        if self.quiet {
            terminal::be_quiet();
        }
        let chosen = std::env::var(FILTER)
            .ok()
            .filter(|filter| !filter.is_empty());
        let level = match self.verbose {
            0 if chosen.is_none() => return warnings::print(),
            0 | 1 => "info",
            2 => "debug",
            _ => "trace",
        };
        let crates = [
            "ebm",
            "ebm_ops",
            "ebm_models",
            "ebm_sampling",
            "ebm_train",
            "ebm_run",
        ];
        let filter =
            chosen.unwrap_or_else(|| crates.map(|name| format!("{name}={level}")).join(","));
        terminal::leave_to_events();
        let events = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(|| EventWriter)
            // Colours would have to be told from those in the names of files.
            .with_ansi(false)
            .compact();
        // Fails where a program that uses this one has set up its own.
        let _ = events.try_init();
    }
}

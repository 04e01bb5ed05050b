//! The `ebm` command: train an energy-based model, sample from it, resume it.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

//! `ebm completions`: what a shell has to know to complete the command's arguments.

use std::io::{ErrorKind, Write};

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::Cli;
use super::failure::Failure;

/// Print a script with which a shell completes subcommands, flags and file names.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  ebm completions bash > ebm.bash        then `source ebm.bash`, for one, in ~/.bashrc
  ebm completions zsh > _ebm             in a folder of $fpath
  ebm completions fish > ebm.fish        in ~/.config/fish/completions";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "ebm", &mut script);
    print_whole(&script)
}

/// Writes bytes to standard output, if anybody takes them.
pub(super) fn print_whole(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Write {
            path: "to standard output".into(),
            message: error.to_string(),
        }),
        _ => Ok(()),
    }
}

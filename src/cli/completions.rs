//! `ebm completions`: what a shell has to know to complete the command's arguments.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::Cli;
use super::failure::Failure;
use super::terminal::say_file;

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
    say_file(&script);
    Ok(())
}

//! `ebm config`: the effective configuration.

use super::failure::Failure;
use super::layers::ConfigArgs;
use super::terminal::say_file;

/// Print the effective configuration as TOML, defaults included, with a comment above each key.
///
/// Takes what `ebm train` takes to make a configuration, and shows what it would make of it.
/// Comments say what a key means, what it may be, and what it is where it is left out; keys that
/// aren't set are named in comments.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm config > my.toml                              the default, explained, to be changed
  ebm config --preset rbm-digits --set model.hidden=32
  ebm config my.toml --seed 2 > other.toml";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let text = args.config.read(None)?.to_commented_toml()?;
    say_file(text.as_bytes());
    Ok(())
}

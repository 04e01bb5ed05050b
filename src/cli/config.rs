//! `ebm config`: the effective configuration.

use super::completions::print_whole;
use super::failure::Failure;
use super::layers::ConfigArgs;

/// Print the effective configuration as TOML, defaults included.
///
/// Takes the same arguments as `ebm train`, and shows what it would do.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm config > my.toml                              the default, to be changed
  ebm config --preset rbm-digits --set model.hidden=32
  ebm config my.toml --seed 2 > other.toml";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let text = args.config.read(None)?.to_toml()?;
    print_whole(text.as_bytes())
}

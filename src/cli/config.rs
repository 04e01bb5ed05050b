//! `ebm config`: the effective configuration.

use super::failure::Failure;
use super::layers::ConfigArgs;

/// Print the effective configuration as TOML, defaults included.
///
/// Takes the same arguments as `ebm train`, and shows what it would do.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    print!("{}", args.config.read()?.to_toml()?);
    Ok(())
}

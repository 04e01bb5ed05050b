//! `ebm config`: the effective configuration.

use std::io::{ErrorKind, Write};

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
    let text = args.config.read()?.to_toml()?;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Write {
            path: "to standard output".into(),
            message: error.to_string(),
        }),
        _ => Ok(()),
    }
}

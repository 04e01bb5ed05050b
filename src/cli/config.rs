//! `ebm config`: the effective configuration.

use ebm::run::config::Pace;

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
  ebm config my.toml --seed 2 > other.toml
  ebm config --data DIR --minutes 15                what is chosen for a folder of images, and why";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let Some(automatic) = args.config.automatic(None)? else {
        let text = args.config.read(None)?.to_commented_toml()?;
        say_file(text.as_bytes());
        return Ok(());
    };
    let (updates, pace) = match args.config.given_updates(&automatic)? {
        Some(given) => (given, Pace::Given),
        None => {
            let seconds = automatic.expected_seconds();
            (automatic.updates(seconds), Pace::Estimated(seconds))
        }
    };
    let config = args.config.read_automatic(&automatic, updates)?;
    let reasons = args.config.reasons(&automatic, &config, pace);
    let reasons: String = reasons.iter().map(|line| format!("# {line}\n")).collect();
    let text = format!("{reasons}\n{}", config.to_commented_toml()?);
    say_file(text.as_bytes());
    Ok(())
}

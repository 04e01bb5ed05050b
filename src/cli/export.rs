//! `ebm export`: the weights of a trained model as a safetensors file.

use std::path::PathBuf;

use ebm::training::run;

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::terminal::say;

/// Write the weights of a run into a safetensors file, which NumPy and PyTorch read.
///
/// Boltzmann machines get the names and shapes that `ebm import --help` lists, so that the file can be imported again;
/// offsets of a centred machine are folded into its biases. Networks keep burn's names and layouts.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder, made by `ebm train` or `ebm import`
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let choice = args.device.open(None)?;
    let model = run::load_model(&args.run, &choice.device)?;
    if args.file.exists() {
        return Err(Failure::Write {
            path: args.file.display().to_string(),
            message: "it exists already; choose another name".into(),
        });
    }
    run::export(&model, &args.file)?;
    say(format_args!(
        "wrote the weights of a {} to {}",
        model.model.name(),
        args.file.display()
    ));
    Ok(())
}

//! `ebm export`: the weights of a trained model as a safetensors file, its chains for NumPy.

use std::path::PathBuf;

use ebm::ops::write_npy;
use ebm::run::{self, RunFolder};
use ebm::training::files::write_whole;

use super::failure::Failure;
use super::kinds;
use super::layers::DeviceArgs;
use super::output::{check_new, check_place, confirm_file};
use super::run_args::{OpenRun, RunBeforeFilesArgs};

const ABOUT: &str = "Write the weights of a run into a safetensors file, which NumPy and PyTorch read, or its chains \
     into a .npy file";

fn long_about() -> String {
    let arrays = kinds::table(|weights| weights.arrays);
    format!(
        "{ABOUT}

Names and shapes of networks are those of a PyTorch state_dict, so that `load_state_dict` takes the
file:

{arrays}
The output of a network is f(x) = -E(x); `ebm import --help` has the energies of machines. The
file's metadata hold what weights don't say: model, shape (channels, height, width of an example),
activation, strides, paddings and the like, and of a network the configuration. Offsets of a centred
machine are folded into its biases."
    )
}

#[derive(clap::Args)]
#[command(
    about = ABOUT,
    long_about = long_about(),
    override_usage = "ebm export [OPTIONS] <DIR|--run <DIR>> <FILE|--chains <FILE.npy>>",
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunBeforeFilesArgs,
    /// The file of weights to write
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write the chains of the newest checkpoint, in the range of the data: [chains, channels,
    /// height, width], or [chains, units] for machines with hidden units
    #[arg(long, value_name = "FILE.npy")]
    chains: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm export runs/digits-1 weights.safetensors
  ebm export runs/digits-1 --chains chains.npy
  ebm import weights.safetensors --out runs/copy        and back

In Python, with a module of the same names (examples/python has one):
  module.load_state_dict(safetensors.torch.load_file(\"weights.safetensors\"))";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.file.into_iter().collect())?;
    let wrong = |message: String| Failure::Argument {
        argument: "FILE",
        message,
    };
    let file = match &files[..] {
        [] if args.chains.is_none() => {
            return Err(wrong(
                "found none, expected the file of weights to write, or `--chains FILE.npy`".into(),
            ));
        }
        [] => None,
        [file] => Some(file),
        [_, other, ..] => {
            return Err(wrong(format!(
                "found another, {}, expected one",
                other.display()
            )));
        }
    };
    let files = file.map(|path| ("FILE", path)).into_iter();
    for (argument, path) in files.chain(args.chains.as_ref().map(|path| ("--chains", path))) {
        check_new(argument, path)?;
        check_place(argument, path)?;
    }
    if let Some(path) = &args.chains
        && path.extension().is_none_or(|extension| extension != "npy")
    {
        return Err(Failure::Argument {
            argument: "--chains",
            message: format!(
                "found {}, expected a name that ends in .npy",
                path.display()
            ),
        });
    }
    let OpenRun { model, .. } = OpenRun::open(&run, &args.device)?;
    if let Some(path) = file {
        run::export(&model, path)?;
        confirm_file(
            path,
            format_args!(
                "wrote the weights of a {} to {}",
                model.model.name(),
                path.display()
            ),
        );
    }
    if let Some(path) = &args.chains {
        let chains = run::stored_chains(&RunFolder::open(&run)?, &model)?;
        let mut bytes = Vec::new();
        write_npy(&mut bytes, &chains)
            .and_then(|()| write_whole(path, &bytes))
            .map_err(|error| Failure::Write {
                path: path.display().to_string(),
                message: error.to_string(),
            })?;
        confirm_file(
            path,
            format_args!(
                "wrote chains of shape {:?} to {}",
                chains.shape().as_slice(),
                path.display()
            ),
        );
    }
    Ok(())
}

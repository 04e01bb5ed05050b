//! `ebm import`: a run folder from a file of weights.

use std::path::PathBuf;

use clap::ValueEnum;
use ebm::models::{Energy, ImageShape, Structure};
use ebm::run::config::ConfigTable;
use ebm::run::kinds::{KINDS, Kind, WeightsLayout};
use ebm::run::{self, Import, NetworkOutput, Renaming, WeightsFile};

use super::failure::Failure;
use super::kinds::{self, KindOptions, kinds_with, names};
use super::layers::DeviceArgs;
use super::output::check_folder;
use super::terminal::{confirm, quoted, remark};

const ABOUT: &str =
    "Make a run folder of a file of weights: safetensors, or a PyTorch state dict (.pt, .pth)";

fn long_about() -> String {
    let arrays = kinds::table(|weights| weights.arrays);
    let energies = kinds::table(|weights| weights.energy);
    format!(
        "{ABOUT}

The run can then be used by `ebm sample`, and for machines by `ebm logz` and `ebm eval`. Names and
shapes of the arrays, for networks those of a PyTorch state_dict:

{arrays}
Visible units come first. Energies, in which v are visible units, h hidden ones, and y all of them:

{energies}
Layers that are numbered as in one torch.nn.Sequential, with whatever gaps and name before the
number, are taken in this order. Arrays are 64, 32 or 16 bits wide. Of a PyTorch checkpoint, what
lies under state_dict, model_state_dict, ema_state_dict, ema, model, network, net or module is
taken, if what is beside it is the state of the training (optimizer, lr_schedulers, callbacks,
epoch, ..). Names that wrappers put before those of all arrays (module, model, _orig_mod, ..) are
left out. Any other array that the model doesn't have is an error.

What arrays don't say, an exported file does; for others there are the flags below. `ebm eval`
binarises grey data of machines by sampling; files of 0 and 1, or 0 and 255, stay as they are."
    )
}

#[derive(clap::Args)]
#[command(about = ABOUT, long_about = long_about(), after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of model [default: what the file says]
    #[arg(long, value_name = "KIND", value_parser = kinds::parser())]
    model: Option<&'static Kind>,
    /// Run folder to make, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Channels, height and width of an example, e.g. 1x28x28 [default: what the file says, else a
    /// square grey image]
    #[arg(long, value_name = "CxHxW", value_parser = parse_shape)]
    shape: Option<ImageShape>,
    /// Take only arrays whose names start with this and a dot, without it
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Rename arrays whose names are OLD or start with OLD and a dot; may be repeated
    #[arg(long = "map", value_name = "OLD=NEW", value_parser = parse_mapping)]
    map: Vec<(String, String)>,
    /// For networks: what the output is, log-density (f = -E) or energy [default: log-density]
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    output: Option<Output>,
    /// For networks: configuration (TOML) whose sampler, chains and data the run gets [default:
    /// what the file says, else a preset]
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: KindOptions,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm import weights.safetensors --out runs/again       a file of `ebm export`, which says all of it
  ebm import rbm.safetensors --model rbm --out runs/other
  ebm import energy.pt --model conv-net --activation swish --strides 2 --paddings 1 \\
      --shape 1x8x8 --out runs/torch                    what a state dict doesn't say";

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    LogDensity,
    Energy,
}

fn parse_shape(text: &str) -> Result<ImageShape, String> {
    let sides: Option<Vec<usize>> = text
        .split('x')
        .map(|side| side.parse().ok().filter(|&side| side > 0))
        .collect();
    sides
        .and_then(|sides| <[usize; 3]>::try_from(sides).ok())
        .map(ImageShape::from)
        .ok_or_else(|| "expected channels, height and width, such as 1x28x28".into())
}

fn parse_mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.into(), new.into())),
        _ => Err("expected two names, such as net.0=layers.0".into()),
    }
}

impl Args {
    /// The kind that was asked for, else the one that the file says it holds.
    fn kind(&self, file: &WeightsFile) -> Result<&'static Kind, Failure> {
        let said = file.model().map(|name| {
            Kind::named(name).ok_or_else(|| {
                wrong_model(format!(
                    "{} says it holds a {name}, which is no kind that there is",
                    self.file.display()
                ))
            })
        });
        match (self.model, said.transpose()?) {
            (Some(asked), Some(said)) if asked != said => Err(wrong_model(format!(
                "found {}, but {} says it holds a {}: leave the flag out",
                asked.flag(),
                self.file.display(),
                said.flag()
            ))),
            (Some(kind), _) | (None, Some(kind)) => Ok(kind),
            (None, None) => Err(wrong_model(format!(
                "found nothing, and {} doesn't say what it holds: pass one of {}",
                self.file.display(),
                KINDS.iter().map(Kind::flag).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// Fails for a flag that the kind of model has no use for, which would otherwise be lost in
    /// silence.
    fn check(&self, kind: &'static Kind) -> Result<(), Failure> {
        let of_networks = [
            ("output", self.output.is_some()),
            ("config", self.config.is_some()),
        ];
        for (flag, given) in of_networks {
            if given && !is_network(kind) {
                let networks = KINDS.iter().filter(|kind| is_network(kind));
                return Err(unused(flag, kind, networks));
            }
        }
        for (option, _) in self.options.given() {
            if kinds_with(option).all(|other| other != kind) {
                return Err(unused(&option.flag(), kind, kinds_with(option)));
            }
        }
        Ok(())
    }

    fn asked(&self, kind: &'static Kind) -> Result<Import, Failure> {
        let mut asked = Import::of(kind);
        for (option, value) in self.options.given() {
            asked = asked
                .with(option.key, value)
                .map_err(|error| wrong_model(error.to_string()))?;
        }
        asked.shape = self.shape;
        asked.output = match self.output {
            Some(Output::Energy) => NetworkOutput::Energy,
            Some(Output::LogDensity) | None => NetworkOutput::LogDensity,
        };
        let config = self.config.as_deref().map(ConfigTable::from_file);
        asked.config = config.transpose()?.map(ConfigTable::read).transpose()?;
        Ok(asked)
    }
}

fn is_network(kind: &Kind) -> bool {
    matches!(kind.weights().layout, WeightsLayout::Smooth { .. })
}

fn wrong_model(message: String) -> Failure {
    Failure::Argument {
        argument: "--model",
        message,
    }
}

/// The error of a flag that only other kinds take.
fn unused(flag: &str, kind: &Kind, kinds: impl Iterator<Item = &'static Kind>) -> Failure {
    wrong_model(format!(
        "found `--{flag}` with `--model {}`, expected it with {} only",
        kind.flag(),
        names(kinds)
    ))
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    // What was asked for wrongly is told before a file is read.
    if let Some(kind) = args.model {
        args.check(kind)?;
    }
    check_folder(&args.out)?;
    let file = WeightsFile::read(&args.file)?;
    let kind = args.kind(&file)?;
    args.check(kind)?;
    let asked = args.asked(kind)?;
    let file = file.renamed(&Renaming {
        prefix: args.prefix.clone(),
        map: args.map.clone(),
    })?;
    let ignored = file.ignored().join(", ");
    let choice = args.device.open(None)?;
    let model = run::import(file, &asked, &args.out, &choice.device)?;
    let [channels, height, width] = model.shape;
    let out = quoted(&args.out);
    let next = match model.model.structure() {
        Structure::Smooth => {
            format!("`ebm sample --run {out}`, `ebm train --from {out}`")
        }
        Structure::Layered(_) | Structure::Pairwise(_) => format!(
            "`ebm logz --run {out}`, `ebm eval --run {out} --data DIR`, `ebm sample --run {out}`"
        ),
    };
    if !ignored.is_empty() {
        remark(format_args!("left out, beside the weights: {ignored}"));
    }
    confirm(format_args!(
        "imported a {} for examples of {channels}x{height}x{width} into {out}; next: {next}",
        model.model.name(),
    ));
    Ok(())
}

//! `ebm import`: a run folder from a file of weights.

use std::path::PathBuf;

use clap::ValueEnum;
use ebm::models::{Coding, VisibleUnits};
use ebm::training::run::{self, ImportedModel};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::terminal::{quoted, say};

/// Make a run folder of a safetensors file of weights
///
/// The run can then be used by `ebm logz`, `ebm eval` and `ebm sample`. Names and shapes of the
/// arrays, visible units first:
///
///   rbm        weight [visible, hidden], visible_bias [visible], hidden_bias [hidden]
///   dbm        weights.0 [visible, hidden 1], weights.1 [hidden 1, hidden 2], ..,
///              visible_bias [visible], hidden_biases.0 [hidden 1], ..
///   boltzmann-machine, hopfield
///              weight [units, units], bias [units]
///
/// with E = - b.v - c.h - v W h, and -1/2 y W y - b.y for the last two. Arrays are 64, 32 or 16 bits
/// wide. `ebm eval` binarises grey data by sampling; files of 0 and 1, or 0 and 255, stay as they are.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of model
    #[arg(long, value_name = "KIND", value_enum)]
    model: Kind,
    /// Run folder to make, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Channels, height and width of an example, e.g. 1x28x28 [default: a square grey image]
    #[arg(long, value_name = "CxHxW", value_parser = parse_shape)]
    shape: Option<[usize; 3]>,
    /// For rbm: what the visible units are, bernoulli (0 and 1) or gaussian (standardised data) [default: bernoulli]
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    visible_units: Option<Visible>,
    /// For boltzmann-machine: the values of a unit, spin (-1 and 1) or binary (0 and 1) [default: spin]
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    coding: Option<Values>,
    /// For boltzmann-machine and hopfield: the number of visible units [default: all]
    #[arg(long, value_name = "N")]
    visible: Option<usize>,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Rbm,
    Dbm,
    BoltzmannMachine,
    Hopfield,
}

#[derive(Clone, Copy, ValueEnum)]
enum Visible {
    Bernoulli,
    Gaussian,
}

#[derive(Clone, Copy, ValueEnum)]
enum Values {
    Spin,
    Binary,
}

fn parse_shape(text: &str) -> Result<[usize; 3], String> {
    let sides: Option<Vec<usize>> = text
        .split('x')
        .map(|side| side.parse().ok().filter(|&side| side > 0))
        .collect();
    sides
        .and_then(|sides| sides.try_into().ok())
        .ok_or_else(|| "expected channels, height and width, such as 1x28x28".into())
}

impl Args {
    /// Fails for a flag that the kind of model has no use for, which would otherwise be lost in silence.
    fn check(&self) -> Result<(), Failure> {
        let pairwise = matches!(self.model, Kind::BoltzmannMachine | Kind::Hopfield);
        for (argument, given, fits, models) in [
            (
                "--visible-units",
                self.visible_units.is_some(),
                matches!(self.model, Kind::Rbm),
                "rbm",
            ),
            (
                "--coding",
                self.coding.is_some(),
                matches!(self.model, Kind::BoltzmannMachine),
                "boltzmann-machine",
            ),
            (
                "--visible",
                self.visible.is_some(),
                pairwise,
                "boltzmann-machine and hopfield",
            ),
        ] {
            if given && !fits {
                let found = self.model.to_possible_value();
                return Err(Failure::Argument {
                    argument,
                    message: format!(
                        "found it with `--model {}`, expected it with {models} only",
                        found.as_ref().map_or("", |value| value.get_name())
                    ),
                });
            }
        }
        Ok(())
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    args.check()?;
    let choice = args.device.open(None)?;
    let kind = match args.model {
        Kind::Rbm => ImportedModel::Rbm {
            visible_units: match args.visible_units {
                Some(Visible::Gaussian) => VisibleUnits::Gaussian,
                Some(Visible::Bernoulli) | None => VisibleUnits::Bernoulli,
            },
        },
        Kind::Dbm => ImportedModel::Dbm,
        Kind::BoltzmannMachine => ImportedModel::BoltzmannMachine {
            coding: match args.coding {
                Some(Values::Binary) => Coding::Binary,
                Some(Values::Spin) | None => Coding::Spin,
            },
            visible: args.visible,
        },
        Kind::Hopfield => ImportedModel::Hopfield {
            visible: args.visible,
        },
    };
    let model = run::import(kind, &args.file, args.shape, &args.out, &choice.device)?;
    let [channels, height, width] = model.shape;
    say(format_args!(
        "imported a {} for examples of {channels}x{height}x{width} into {out}; next: `ebm logz --run {out}`, `ebm eval --run {out} --data DIR`, `ebm sample --run {out}`",
        model.model.name(),
        out = quoted(&args.out)
    ));
    Ok(())
}

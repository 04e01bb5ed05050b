//! `ebm import`: a run folder from a file of weights.

use std::path::PathBuf;

use clap::ValueEnum;
use ebm::models::{Activation, Coding, VisibleUnits};
use ebm::run::config::ConfigTable;
use ebm::run::{
    self, ImportedMachine, ImportedModel, ImportedNetwork, NetworkKind, NetworkOutput, Renaming,
    WeightsFile,
};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::output::check_folder;
use super::terminal::{confirm, quoted, remark};

/// Make a run folder of a file of weights: safetensors, or a PyTorch state dict (.pt, .pth)
///
/// The run can then be used by `ebm sample`, and for machines by `ebm logz` and `ebm eval`. Names and
/// shapes of the arrays, for networks those of a PyTorch state_dict:
///
///   mlp        layers.0.weight [outputs, inputs], layers.0.bias [outputs], layers.1.weight, ..
///   conv-net   convolutions.0.weight [outputs, inputs, side, side], convolutions.0.bias, ..,
///              hidden.weight [hidden, features], hidden.bias, output.weight [1, hidden], output.bias
///   rbm        weight [visible, hidden], visible_bias [visible], hidden_bias [hidden]
///   dbm        weights.0 [visible, hidden 1], weights.1 [hidden 1, hidden 2], ..,
///              visible_bias [visible], hidden_biases.0 [hidden 1], ..
///   boltzmann-machine, hopfield
///              weight [units, units], bias [units]
///
/// Visible units come first. Energies, in which v are visible units, h hidden ones, and y all of them:
///
///   mlp, conv-net      E = -(the output), or the output with `--output energy`
///   rbm                E = - b.v - c.h - v W h
///   rbm, with `--visible-units gaussian`
///                      E = 1/2 |v|^2 - b.v - c.h - v W h
///   dbm                E = - b.v - c1.h1 - c2.h2 - .. - v W0 h1 - h1 W1 h2 - ..
///   boltzmann-machine, hopfield
///                      E = -1/2 y W y - b.y; a diagonal of W becomes biases of units that
///                      are 0 or 1, since y^2 = y; of spins it is a constant, which has to be 0
///
/// Layers that are numbered as in one torch.nn.Sequential, with whatever gaps and name before the
/// number, are taken in this order. Arrays are 64, 32 or 16 bits wide. Of a PyTorch checkpoint, what
/// lies under state_dict, model_state_dict, ema_state_dict, ema, model, network, net or module is
/// taken, if what is beside it is the state of the training (optimizer, lr_schedulers, callbacks,
/// epoch, ..). Names that wrappers put before those of all arrays (module, model, _orig_mod, ..) are
/// left out. Any other array that the model doesn't have is an error.
///
/// What arrays don't say, an exported file does; for others there are the flags below. `ebm eval`
/// binarises grey data of machines by sampling; files of 0 and 1, or 0 and 255, stay as they are.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of model [default: what the file says]
    #[arg(long, value_name = "KIND", value_enum)]
    model: Option<Kind>,
    /// Run folder to make, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Channels, height and width of an example, e.g. 1x28x28 [default: what the file says, else a square grey image]
    #[arg(long, value_name = "CxHxW", value_parser = parse_shape)]
    shape: Option<[usize; 3]>,
    /// Take only arrays whose names start with this and a dot, without it
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Rename arrays whose names are OLD or start with OLD and a dot; may be repeated
    #[arg(long = "map", value_name = "OLD=NEW", value_parser = parse_mapping)]
    map: Vec<(String, String)>,
    /// For networks: the activation, as in a configuration, e.g. swish or leaky_relu(0.05)
    #[arg(long, value_name = "NAME", value_parser = parse_activation)]
    activation: Option<Activation>,
    /// For conv-net: the strides of the convolutions, e.g. 2,2,2
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    strides: Option<Vec<usize>>,
    /// For conv-net: the zeros that the convolutions add on each side, e.g. 4,1,1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    paddings: Option<Vec<usize>>,
    /// For networks: what the output is, log-density (f = -E) or energy [default: log-density]
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    output: Option<Output>,
    /// For networks: configuration (TOML) whose sampler, chains and data the run gets [default: what the file says, else a preset]
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
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

const EXAMPLES: &str = "\
Examples:
  ebm import weights.safetensors --out runs/again       a file of `ebm export`, which says all of it
  ebm import rbm.safetensors --model rbm --out runs/other
  ebm import energy.pt --model conv-net --activation swish --strides 2 --paddings 1 \\
      --shape 1x8x8 --out runs/torch                    what a state dict doesn't say";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Mlp,
    ConvNet,
    Rbm,
    Dbm,
    BoltzmannMachine,
    Hopfield,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    LogDensity,
    Energy,
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

fn parse_mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.into(), new.into())),
        _ => Err("expected two names, such as net.0=layers.0".into()),
    }
}

fn parse_activation(text: &str) -> Result<Activation, String> {
    text.parse()
        .map_err(|error: ebm::models::UnknownActivation| error.to_string())
}

impl Kind {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or(String::new(), |value| value.get_name().to_string())
    }
}

impl Args {
    /// The kind that was asked for, else the one that the file says it holds.
    fn kind(&self, file: &WeightsFile) -> Result<Kind, Failure> {
        let wrong = |message: String| Failure::Argument {
            argument: "--model",
            message,
        };
        let said = file.model().map(|name| {
            let kind = Kind::from_str(&name.replace('_', "-"), false);
            kind.map_err(|_| {
                wrong(format!(
                    "{} says it holds a {name}, which is no kind that there is",
                    self.file.display()
                ))
            })
        });
        match (self.model, said.transpose()?) {
            (Some(asked), Some(said)) if asked != said => Err(wrong(format!(
                "found {}, but {} says it holds a {}: leave the flag out",
                asked.name(),
                self.file.display(),
                said.name()
            ))),
            (Some(kind), _) | (None, Some(kind)) => Ok(kind),
            (None, None) => Err(wrong(format!(
                "found nothing, and {} doesn't say what it holds: pass one of {}",
                self.file.display(),
                Kind::value_variants()
                    .iter()
                    .map(|kind| kind.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// Fails for a flag that the kind of model has no use for, which would otherwise be lost in silence.
    fn check(&self, kind: Kind) -> Result<(), Failure> {
        use Kind::{BoltzmannMachine, ConvNet, Hopfield, Mlp, Rbm};
        let networks: &[Kind] = &[Mlp, ConvNet];
        #[rustfmt::skip]
        let flags: [(&str, bool, &[Kind]); 8] = [
            ("--activation", self.activation.is_some(), networks),
            ("--output", self.output.is_some(), networks),
            ("--config", self.config.is_some(), networks),
            ("--strides", self.strides.is_some(), &[ConvNet]),
            ("--paddings", self.paddings.is_some(), &[ConvNet]),
            ("--visible-units", self.visible_units.is_some(), &[Rbm]),
            ("--coding", self.coding.is_some(), &[BoltzmannMachine]),
            ("--visible", self.visible.is_some(), &[BoltzmannMachine, Hopfield]),
        ];
        for (argument, given, kinds) in flags {
            if given && !kinds.contains(&kind) {
                let kinds: Vec<String> = kinds.iter().map(|kind| kind.name()).collect();
                return Err(Failure::Argument {
                    argument,
                    message: format!(
                        "found it with `--model {}`, expected it with {} only",
                        kind.name(),
                        kinds.join(" and ")
                    ),
                });
            }
        }
        Ok(())
    }

    fn network(&self, kind: NetworkKind) -> Result<ImportedModel, Failure> {
        let config = self.config.as_deref().map(ConfigTable::from_file);
        Ok(ImportedModel::Network(ImportedNetwork {
            kind,
            activation: self.activation,
            strides: self.strides.clone(),
            paddings: self.paddings.clone(),
            output: match self.output {
                Some(Output::Energy) => NetworkOutput::Energy,
                Some(Output::LogDensity) | None => NetworkOutput::LogDensity,
            },
            config: config.transpose()?.map(ConfigTable::read).transpose()?,
        }))
    }

    fn imported(&self, kind: Kind) -> Result<ImportedModel, Failure> {
        let visible = self.visible;
        let machine = match kind {
            Kind::Mlp => return self.network(NetworkKind::Mlp),
            Kind::ConvNet => return self.network(NetworkKind::ConvNet),
            Kind::Rbm => ImportedMachine::Rbm {
                visible_units: self.visible_units.map(|units| match units {
                    Visible::Gaussian => VisibleUnits::Gaussian,
                    Visible::Bernoulli => VisibleUnits::Bernoulli,
                }),
            },
            Kind::Dbm => ImportedMachine::Dbm,
            Kind::BoltzmannMachine => ImportedMachine::BoltzmannMachine {
                coding: self.coding.map(|values| match values {
                    Values::Binary => Coding::Binary,
                    Values::Spin => Coding::Spin,
                }),
                visible,
            },
            Kind::Hopfield => ImportedMachine::Hopfield { visible },
        };
        Ok(ImportedModel::Machine(machine))
    }
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
    let imported = args.imported(kind)?;
    let file = file.renamed(&Renaming {
        prefix: args.prefix.clone(),
        map: args.map.clone(),
    })?;
    let ignored = file.ignored().join(", ");
    let choice = args.device.open(None)?;
    let model = run::import(file, &imported, args.shape, &args.out, &choice.device)?;
    let [channels, height, width] = model.shape;
    let out = quoted(&args.out);
    let next = match imported {
        ImportedModel::Network(_) => {
            format!("`ebm sample --run {out}`, `ebm train --from {out}`")
        }
        ImportedModel::Machine(_) => format!(
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

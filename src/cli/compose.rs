//! `ebm compose`: samples of a product, a mixture or a negation of trained models.

use ebm::training::host_values;
use std::path::PathBuf;

use clap::ValueEnum;
use ebm::ops::Noise;
use ebm::run::config::MAX_SAMPLES;
use ebm::run::uses::{ComposedModels, ModelsError};
use ebm::run::{self, RunError, TitledColumns, image_grid, save_picture, titled_grid};
use ebm::training::judging::check_finite;
use ebm::training::using::{CompositionError, CompositionKind};

use super::failure::Failure;
use super::image_inputs::check_output;
use super::layers::DeviceArgs;
use super::output::confirm_file;
use super::run_args::RunsArgs;
use super::terminal::say;

/// Sample a composition of trained models of the same images: their product, mixture or negation.
///
/// Energies of trained models can be added up, which multiplies their densities: a product is
/// likely where every model finds it so, a mixture where any does, a negation where the first does
/// and the others don't. Chains move with the sampler of the first model.
///
/// Of a mixture: the partition functions of the models are unknown, so that weights are relative to
/// the offsets of their energies; a model whose energies are all lower by the temperature of the
/// sampler (1 nat) counts e times as much. Chains seldom cross from one model's images to
/// another's, so that shares in the picture are those of where chains start.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    runs: RunsArgs,
    /// How
    #[arg(long, value_name = "KIND", value_enum, default_value = "product")]
    kind: KindArg,
    /// A weight for each run, above 0 [default: 1 each]
    #[arg(long, value_name = "W,W,..", value_delimiter = ',')]
    weights: Vec<f64>,
    /// Number of samples
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MAX_SAMPLES as i64))]
    count: u32,
    /// Transitions of each chain
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "compose.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm compose runs/round runs/thick --weights 1,0.5       likely for both, for one half as much
  ebm compose runs/zeros runs/ones --kind mixture         zeros and ones
  ebm compose runs/digits runs/ones --kind negation       digits that aren't ones";

#[derive(Clone, Copy, ValueEnum)]
enum KindArg {
    /// p(x) ∝ p_1(x)^w_1 p_2(x)^w_2 ..
    Product,
    /// p(x) ∝ w_1 exp(f_1(x)) + w_2 exp(f_2(x)) + ..
    Mixture,
    /// p(x) ∝ p_1(x)^w_1 / p_2(x)^w_2 ..; of one run alone the opposite, 1 / p(x)^w
    Negation,
}

impl KindArg {
    fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Mixture => "mixture",
            Self::Negation => "negation",
        }
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    check_output(&args.out, &[])?;
    let runs = args.runs.paths();
    let weights = if args.weights.is_empty() {
        vec![1.0; runs.len()]
    } else {
        args.weights
    };
    let choice = args.device.open(None)?;
    let models: Result<Vec<_>, RunError> = runs
        .iter()
        .map(|folder| run::load_model(folder, &choice.device))
        .collect();
    let models = models?;
    if let Some(index) = models.iter().position(|model| !model.takes_images()) {
        return Err(Failure::Argument {
            argument: "DIR",
            message: format!(
                "{} is of points in the plane, expected a run of images",
                runs[index].display()
            ),
        });
    }
    let kind = match args.kind {
        KindArg::Product => CompositionKind::Product,
        KindArg::Mixture => CompositionKind::Mixture,
        KindArg::Negation => CompositionKind::Negation,
    };
    let composed = ComposedModels::new(&models, kind, &weights).map_err(|error| match error {
        ModelsError::Composition(
            CompositionError::Weights { .. }
            | CompositionError::Weight(_)
            | CompositionError::Overflow(_),
        ) => Failure::Argument {
            argument: "--weights",
            message: error.to_string(),
        },
        error => RunError::from(error).into(),
    })?;
    let mut noise = Noise::new(args.seed);
    let samples = composed.sample(args.count as usize, args.steps, &choice.device, &mut noise)?;
    let values = host_values(samples.clone());
    let energies = host_values(composed.energy(samples));
    check_finite(&values, "a pixel of the composition")
        .and_then(|()| check_finite(&energies, "the energy of the composition"))?;
    let (shape, range) = (composed.shape().into(), composed.range().into());
    let picture = match (args.kind, models.len()) {
        // Nothing is composed: the picture is that of `ebm sample`.
        (KindArg::Product | KindArg::Mixture, 1) => image_grid(&values, shape, range),
        (kind, count) => {
            let title = match count {
                1 => format!("{} of a model", kind.name()),
                _ => format!("{} of {count} models", kind.name()),
            };
            let titles = [TitledColumns::block(&title, args.count as usize)];
            titled_grid(&values, shape, range, &titles)
        }
    };
    save_picture(&picture, &args.out)?;
    // The sampler is that of the first model.
    let unit = models[0].config.energy_unit();
    say(format_args!(
        "{} samples of {} models, mean energy {:.4} ({})",
        args.count,
        models.len(),
        energies.iter().map(|&e| f64::from(e)).sum::<f64>() / energies.len() as f64,
        unit
    ));
    confirm_file(&args.out, format_args!("wrote {}", args.out.display()));
    Ok(())
}

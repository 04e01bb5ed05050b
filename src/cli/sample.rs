//! `ebm sample`: samples of a trained model as a picture.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ebm::sampling::{Cooling, TemperatureSchedule};
use ebm::training::config::{MAX_SAMPLES, SamplerConfig};
use ebm::training::run::{self, Annealing, SampleOptions};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::terminal::say;

/// Draw samples from the model of a run into a PNG.
///
/// Chains start at noise and move with the sampler that the model was trained with.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder, made by `ebm train`
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Number of samples
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MAX_SAMPLES as i64))]
    count: u32,
    /// Transitions of each chain
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// For Boltzmann machines and Hopfield networks: cool from this temperature to that of the sampler, one step a
    /// transition
    #[arg(long, value_name = "TEMPERATURE", allow_negative_numbers = true)]
    anneal: Option<f64>,
    /// How the temperature falls: geometric, or linear, which may end at 0
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        default_value = "geometric",
        requires = "anneal"
    )]
    cooling: CoolingArg,
    /// Show each unit as it was most often over so many last transitions
    #[arg(long, value_name = "N", default_value_t = 1, requires = "anneal")]
    average_last: usize,
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum CoolingArg {
    Geometric,
    Linear,
}

impl Args {
    /// Cooling to the temperature of the run's sampler.
    fn annealing(&self, sampler: &SamplerConfig) -> Result<Option<Annealing>, Failure> {
        let Some(start) = self.anneal else {
            return Ok(None);
        };
        let end = match sampler {
            SamplerConfig::Gibbs(keys) => keys.temperature,
            _ => 1.0,
        };
        let cooling = match self.cooling {
            CoolingArg::Geometric => Cooling::Geometric,
            CoolingArg::Linear => Cooling::Linear,
        };
        let schedule =
            TemperatureSchedule::new(cooling, start, end, self.steps).map_err(|error| {
                Failure::Argument {
                    argument: "--anneal",
                    message: error.to_string(),
                }
            })?;
        if !(1..=self.steps).contains(&self.average_last) {
            return Err(Failure::Argument {
                argument: "--average-last",
                message: format!(
                    "found {}, expected 1 to the number of transitions, {}",
                    self.average_last, self.steps
                ),
            });
        }
        Ok(Some(Annealing {
            schedule,
            average_last: self.average_last,
        }))
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let failed = |message: String| Failure::Write {
        path: args.out.display().to_string(),
        message,
    };
    // Found before the chains run, not after.
    check_name(&args.out).map_err(failed)?;
    let choice = args.device.open(None)?;
    let model = run::load_model(&args.run, &choice.device)?;
    let options = SampleOptions {
        count: args.count as usize,
        steps: args.steps,
        seed: args.seed,
        annealing: args.annealing(&model.config.sampler)?,
    };
    let samples = run::sample(&model, options, &choice.device)?;
    let picture = run::sample_picture(&model, samples, &choice.device);
    picture
        .save(&args.out)
        .map_err(|error| failed(error.to_string()))?;
    say(format_args!(
        "wrote {} samples to {}",
        args.count,
        args.out.display()
    ));
    Ok(())
}

pub(super) fn check_name(path: &Path) -> Result<(), String> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if !["png", "jpg", "jpeg"]
        .iter()
        .any(|known| extension == *known)
    {
        return Err("expected a name that ends in .png or .jpg".into());
    }
    if path.is_dir() {
        return Err("it is a folder, expected the name of a file".into());
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") && !folder.is_dir() => Err(format!(
            "there is no folder {}: make it first",
            folder.display()
        )),
        _ => Ok(()),
    }
}

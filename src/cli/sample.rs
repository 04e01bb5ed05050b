//! `ebm sample`: samples of a trained model as a picture, or as arrays with their energies.

use ebm::training::host_values;
use std::path::PathBuf;

use burn::tensor::{Device, TensorData};
use clap::ValueEnum;
use ebm::models::{Energy, Structure};
use ebm::ops::write_npy;
use ebm::run::config::{MAX_SAMPLES, SamplerConfig};
use ebm::run::quality::LongRun;
use ebm::run::{self, Annealing, ModelFile, RunFolder, SampleOptions};
use ebm::run::{save_picture, write_npz};
use ebm::sampling::tempering::{Cooling, TemperatureSchedule};
use ebm::training::files::write_whole;
use ebm::training::judging::{check_finite, check_samples};

use super::failure::Failure;
use super::layers::DeviceArgs;
use super::output::{self, Format, check_new, check_place, confirm_file};
use super::run_args::{OpenRun, RunArgs};
use super::terminal::warn;

/// How many times longer chains are than those that were looked at before that is worth a word.
const MUCH_LONGER: usize = 2;

/// Draw samples from the model of a run, into a picture or into arrays for NumPy.
///
/// Chains start at noise and move with the sampler that the model was trained with. By the name of
/// the file:
///
/// .png, .jpg  a grid of images, or points over the density of the model
///
/// .npy        the samples, f32 in the range of the data: [samples, channels, height, width]
///
/// .npz        `samples` as above, `energies` [samples], of the states of the chains, and for
/// machines these `states` [samples, units]; of a restricted machine, visible states and their free
/// energies. With --every K also `chains` [times, samples, channels, height, width],
/// `chain_energies` [times, samples] and `chain_steps` [times]
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Number of samples
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MAX_SAMPLES as i64))]
    count: u32,
    /// Transitions of each chain
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// For Boltzmann machines and Hopfield networks: cool from this temperature to that of the
    /// sampler, one step a transition
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
    /// For .npz: keep the chains every so many transitions, from their start to their end
    #[arg(long, value_name = "K", conflicts_with = "anneal", value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
    /// The file, a picture or arrays by its name
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm sample runs/digits-1 -n 64 --steps 256 --out grid.png
  ebm sample runs/digits-1 -n 100 --out samples.npz      samples and their energies
  ebm sample runs/digits-1 -n 8 --steps 200 --every 20 --out chains.npz
  ebm sample runs/rbm -n 500 --seed 1 --out samples.npy";

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
    // Found before the chains run, not after.
    let format = output::format(&args.out)?;
    check_place("--out", &args.out)?;
    args.check_every(format)?;
    if format != Format::Picture {
        check_new("--out", &args.out)?;
    }
    let OpenRun { model, device } = args.run.open(&args.device)?;
    args.warn_of_length(&model)?;
    let options = SampleOptions {
        count: args.count as usize,
        steps: args.steps,
        seed: args.seed,
        annealing: args.annealing(&model.config.sampler)?,
    };
    if format == Format::Picture {
        let samples = run::sample(&model, options, &device)?;
        check_samples(&model.model, &samples)?;
        let picture = run::sample_picture(&model, samples, &device);
        save_picture(&picture, &args.out)?;
    } else {
        let bytes = if format == Format::Npy {
            let mut bytes = Vec::new();
            let samples = run::draw(&model, options, &device)?.images;
            check_samples(&model.model, &samples)?;
            write_npy(&mut bytes, &samples.into_data()).map(|()| bytes)
        } else {
            let arrays = args.arrays(&model, options, &device)?;
            let arrays: Vec<_> = arrays.iter().map(|(name, data)| (*name, data)).collect();
            write_npz(&arrays)
        };
        bytes
            .and_then(|bytes| write_whole(&args.out, &bytes))
            .map_err(|error| Failure::Write {
                path: args.out.display().to_string(),
                message: error.to_string(),
            })?;
    }
    confirm_file(
        &args.out,
        format_args!("wrote {} samples to {}", args.count, args.out.display()),
    );
    Ok(())
}

impl Args {
    /// Says so where chains are longer than those that the model is known to be good for.
    fn warn_of_length(&self, model: &ModelFile) -> Result<(), Failure> {
        // A machine's chains only get nearer to its distribution.
        if !matches!(model.model.structure(), Structure::Smooth) || !model.config.data.is_image() {
            return Ok(());
        }
        let path = RunFolder::open(self.run.path())?.long_run();
        let (steps, shown) = (self.steps, model.config.output.sample_steps);
        match LongRun::read(&path)?.map(|run| run.good_for()) {
            Some(Some(good)) if steps as u64 > good => warn(format_args!(
                "{steps} transitions are more than the {good} that this model is good for ({}): samples may lose modes",
                path.display()
            )),
            None if steps > MUCH_LONGER * shown.max(256) => warn(format_args!(
                "{steps} transitions are many more than the {shown} by which the model was judged in training: `ebm eval --long-run` says whether samples lose modes"
            )),
            _ => {}
        }
        Ok(())
    }

    fn check_every(&self, format: Format) -> Result<(), Failure> {
        let Some(every) = self.every else {
            return Ok(());
        };
        let wrong = |message: String| Failure::Argument {
            argument: "--every",
            message,
        };
        if format != Format::Npz {
            return Err(wrong(format!(
                "found it with `--out {}`, expected it with a name that ends in .npz",
                self.out.display()
            )));
        }
        if !self.steps.is_multiple_of(every as usize) {
            return Err(wrong(format!(
                "found {every}, expected a divisor of the number of transitions, {}",
                self.steps
            )));
        }
        Ok(())
    }

    /// The arrays of a `.npz` file by name.
    fn arrays(
        &self,
        model: &ModelFile,
        options: SampleOptions,
        device: &Device,
    ) -> Result<Vec<(&'static str, TensorData)>, Failure> {
        let (samples, walk) = match self.every {
            Some(every) => {
                let walk = run::walk(model, options, every as usize, device)?;
                (walk.samples.clone(), Some(walk))
            }
            None => (run::draw(model, options, device)?, None),
        };
        check_samples(&model.model, &samples.images)?;
        check_finite(
            &host_values(samples.energies.clone()),
            "the energy of a sample",
        )?;
        let states = samples.states.flatten::<2>(1, 3);
        let is_state = matches!(model.model.structure(), Structure::Smooth);
        let mut arrays = vec![
            ("samples", samples.images.into_data()),
            ("energies", samples.energies.into_data()),
        ];
        if !is_state {
            arrays.push(("states", states.into_data()));
        }
        if let (Some(walk), Some(every)) = (walk, self.every) {
            let steps: Vec<f32> = (0..walk.energies.dims()[0])
                .map(|time| time as f32 * every as f32)
                .collect();
            let times = [steps.len()];
            arrays.push(("chains", walk.images.into_data()));
            arrays.push(("chain_energies", walk.energies.into_data()));
            arrays.push(("chain_steps", TensorData::new(steps, times)));
        }
        Ok(arrays)
    }
}

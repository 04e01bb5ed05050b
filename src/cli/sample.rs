//! `ebm sample`: samples of a trained model as a picture.

use std::path::PathBuf;

use ebm::training::run::{self, SampleOptions};

use super::failure::Failure;
use super::layers::DeviceArgs;

/// Draw samples from the model of a run into a PNG.
///
/// Chains start at noise and move with the sampler that the model was trained with.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder, made by `ebm train`
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Number of samples
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Transitions of each chain
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let choice = args.device.open(None)?;
    let model = run::load_model(&args.run, &choice.device)?;
    let options = SampleOptions {
        count: args.count as usize,
        steps: args.steps,
        seed: args.seed,
    };
    let samples = run::sample(&model, options, &choice.device);
    let picture = run::sample_picture(&model, samples, &choice.device);
    picture.save(&args.out).map_err(|error| Failure::Write {
        path: args.out.display().to_string(),
        message: error.to_string(),
    })?;
    println!("wrote {} samples to {}", args.count, args.out.display());
    Ok(())
}

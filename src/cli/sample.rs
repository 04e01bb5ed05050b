//! `ebm sample`: samples of a trained model as a picture.

use std::path::{Path, PathBuf};

use ebm::training::config::MAX_SAMPLES;
use ebm::training::run::{self, SampleOptions};

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
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
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

fn check_name(path: &Path) -> Result<(), String> {
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

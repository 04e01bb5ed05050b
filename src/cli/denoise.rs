//! `ebm denoise`: noisy images with a trained model as the prior.

use ebm::training::host_values;
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use clap::ValueEnum;
use ebm::ops::Noise;
use ebm::run::uses::{DenoiseRequest, denoise};
use ebm::run::{TitledColumns, save_picture, titled_grid};
use ebm::training::judging::psnr;
use ebm::training::using::{DenoisedImage, PixelNoise};

use super::failure::Failure;
use super::image_inputs::{ImageArgs, check_output, require_images};
use super::layers::DeviceArgs;
use super::output::confirm_file;
use super::run_args::{OpenRun, RunBeforeFilesArgs};
use super::terminal::say;

/// Denoise images: the most probable image behind a noisy one, or others of its posterior.
///
/// Noise is added to clean images, and the model takes it away again; the peak signal-to-noise
/// ratio (PSNR, in decibels, with black to white as the peak, noisy images cut to that range) says
/// how well, and of two-valued pixels how many are wrong. With --observed the images are noisy
/// already. The picture shows side by side for each image: original, noisy, denoised.
///
/// Networks and real-valued pixels have normal noise: the energy that chains move on is
/// E(x) + T |x - y|^2 / (2 S^2), with T the temperature of the run's sampler. Two-valued pixels of
/// restricted and deep Boltzmann machines are flipped with probability S, and Gibbs sampling draws
/// from what the flips leave likely.
#[derive(clap::Args)]
#[command(
    override_usage = "ebm denoise [OPTIONS] <DIR|--run <DIR>> [IMAGE]...",
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunBeforeFilesArgs,
    #[command(flatten)]
    images: ImageArgs,
    /// Standard deviation of the noise, as a share of black to white; of two-valued pixels the
    /// share that is flipped
    #[arg(long, value_name = "S", default_value_t = 0.15, value_parser = parse_positive)]
    noise: f64,
    /// The images are noisy already: add nothing
    #[arg(long)]
    observed: bool,
    /// Which image of the posterior
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value = "most-probable"
    )]
    image: ImageArg,
    /// Temperature of the model in the unit of its energy; higher trusts the noisy image more
    /// [default: that of the run's sampler]
    #[arg(long, value_name = "T", value_parser = parse_positive)]
    temperature: Option<f64>,
    /// Steps
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Seed of the noise and the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "denoise.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm denoise runs/digits-1 --noise 0.2               held-out digits, with much noise
  ebm denoise runs/digits-1 --noise 0.2 --image mean  the mean of the posterior
  ebm denoise runs/fashion photo.png --observed       a noisy picture of yours
  ebm denoise runs/rbm --noise 0.1                    a tenth of the pixels flipped";

#[derive(Clone, Copy, ValueEnum)]
enum ImageArg {
    /// Gradient descent to the most probable image; of two-valued pixels the more probable value of
    /// each
    MostProbable,
    /// The mean over the second half of a Langevin chain
    Mean,
    /// Where a Langevin chain ends
    Draw,
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("expected a number above 0".into()),
    }
}

pub(crate) fn run(mut args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.images.files)?;
    args.images.files = files;
    let inputs: Vec<&Path> = args.images.files.iter().map(PathBuf::as_path).collect();
    check_output(&args.out, &inputs)?;
    let OpenRun { model, device } = OpenRun::open(&run, &args.device)?;
    require_images(&model)?;
    let config = &model.config;
    if args.temperature.is_none() && config.sampler.temperature() == 0.0 {
        return Err(Failure::Argument {
            argument: "--temperature",
            message: "found none, and the sampler of this run has no noise to take one from: expected a number above 0".into(),
        });
    }
    let images = args.images.load(&model, &device)?;
    let (low, high) = config.data.range();
    let pixel_noise = if model.takes_binary() {
        if args.noise >= 0.5 {
            return Err(Failure::Argument {
                argument: "--noise",
                message: format!(
                    "found {}, and the pixels of this run have two values: expected the share that is flipped, below 0.5",
                    args.noise
                ),
            });
        }
        PixelNoise::Flips {
            probability: args.noise,
        }
    } else {
        PixelNoise::Normal {
            std: args.noise * (high - low),
        }
    };
    let mut noise = Noise::new(args.seed);
    let observed = match pixel_noise {
        _ if args.observed => images.clone(),
        PixelNoise::Normal { std } => {
            let z: Tensor<4> = noise.normal(images.shape(), &device);
            images.clone() + z.mul_scalar(std)
        }
        PixelNoise::Flips { probability } => {
            let flips = noise.bernoulli(images.full_like(probability)).bool();
            let flipped = images.clone().neg().add_scalar(low + high);
            images.clone().mask_where(flips, flipped)
        }
    };
    let request = DenoiseRequest {
        noise: pixel_noise,
        temperature: args.temperature,
        steps: args.steps as usize,
        image: match args.image {
            ImageArg::MostProbable => DenoisedImage::MostProbable,
            ImageArg::Mean => DenoisedImage::Mean,
            ImageArg::Draw => DenoisedImage::Draw,
        },
    };
    let denoised = denoise(&model, observed.clone(), &request, &mut noise)?;
    // What can be shown, and what a ratio before can be fair with.
    let shown = observed.clamp(low, high);
    let (columns, titles) = if args.observed {
        (
            vec![shown.clone(), denoised.clone()],
            &["noisy", "denoised"][..],
        )
    } else {
        (
            vec![images.clone(), shown.clone(), denoised.clone()],
            &["original", "noisy", "denoised"][..],
        )
    };
    let titles: Vec<TitledColumns<'_>> = titles
        .iter()
        .map(|title| TitledColumns::one(title))
        .collect();
    let count = images.dims()[0];
    let stacked: Tensor<5> = Tensor::stack(columns, 1);
    let values = host_values(stacked);
    let picture = titled_grid(&values, model.shape, (low, high), &titles);
    save_picture(&picture, &args.out)?;
    let what = match pixel_noise {
        PixelNoise::Normal { .. } => "noise of {} of black to white",
        PixelNoise::Flips { .. } => "{} of the pixels flipped",
    };
    say(format_args!(
        "{count} images, {}, temperature {:.3e}, {} steps",
        what.replace("{}", &format!("{:.3}", args.noise)),
        args.temperature.unwrap_or(config.sampler.temperature()),
        args.steps
    ));
    if !args.observed {
        let peak = high - low;
        say(format_args!(
            "PSNR {:.2} dB -> {:.2} dB (peak {peak}, noisy images cut to the range)",
            psnr(shown.clone(), images.clone(), peak),
            psnr(denoised.clone(), images.clone(), peak)
        ));
        if model.takes_binary() {
            let middle = (low + high) / 2.0;
            let wrong = |found: Tensor<4>| {
                let white = |of: Tensor<4>| of.greater_scalar(middle);
                let wrong = white(found).not_equal(white(images.clone())).float();
                100.0 * wrong.mean().into_scalar::<f64>()
            };
            say(format_args!(
                "wrong pixels {:.2} % -> {:.2} %",
                wrong(shown),
                wrong(denoised)
            ));
        }
    }
    confirm_file(&args.out, format_args!("wrote {}", args.out.display()));
    Ok(())
}

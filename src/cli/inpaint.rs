//! `ebm inpaint`: free pixels of images drawn given the others.

use ebm::training::host_values;
use std::path::{Path, PathBuf};

use burn::tensor::{Bool, Tensor, TensorData};
use ebm::ops::Noise;
use ebm::run::ModelFile;
use ebm::run::uses::inpaint;
use ebm::run::{TitledColumns, save_picture, titled_grid};
use ebm::training::judging::example_energies;
use ebm::training::using::{PixelMask, PixelMaskError, Rectangle, Side};

use super::failure::Failure;
use super::image_inputs::{ImageArgs, check_output, read_masks, require_images};
use super::layers::DeviceArgs;
use super::output::confirm_file;
use super::run_args::{OpenRun, RunBeforeFilesArgs};
use super::terminal::say;

/// More draws of an image than that follow below each other in the picture.
const DRAWS_IN_A_ROW: usize = 8;

/// Fill in missing pixels: draw them from the model given the others.
///
/// Chains move the free pixels alone, by Langevin dynamics or, for Boltzmann machines, Gibbs
/// sampling with clamped units; the other pixels stay what they are, bit for bit. The picture shows
/// side by side for each image: as it was, with its free pixels grey, and some draws.
#[derive(clap::Args)]
#[command(
    override_usage = "ebm inpaint [OPTIONS] <DIR|--run <DIR>> [IMAGE]...",
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunBeforeFilesArgs,
    #[command(flatten)]
    images: ImageArgs,
    /// The free pixels: left, right, top or bottom (a half), rectangle:TOP,LEFT,HEIGHT,WIDTH, or a
    /// PNG that is white where pixels are free
    #[arg(long, value_name = "MASK", default_value = "bottom")]
    mask: String,
    /// Draws for each image
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    draws: u32,
    /// Transitions of each chain
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "inpaint.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm inpaint runs/digits-1                           lower halves of held-out digits
  ebm inpaint runs/digits-1 --mask rectangle:2,2,4,4  the middle
  ebm inpaint runs/fashion shirt.png --mask hole.png  your picture, free where the mask is white";

pub(crate) fn run(mut args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.images.files)?;
    args.images.files = files;
    let mask_file = Path::new(&args.mask);
    let inputs = args.images.files.iter().map(PathBuf::as_path);
    let inputs: Vec<&Path> = inputs.chain([mask_file]).collect();
    check_output(&args.out, &inputs)?;
    let OpenRun { model, device } = OpenRun::open(&run, &args.device)?;
    require_images(&model)?;
    let mask = parse_mask(&args.mask, &model, args.images.resize)?;
    let images = args.images.load(&model, &device)?;
    let [count, channels, height, width] = images.dims();

    let free = mask.values(channels);
    let data = TensorData::new(free, [1, channels, height, width]);
    let is_free = Tensor::<4, Bool>::from_data(data, &device).expand(images.shape());
    let range = model.config.data.range();
    let grey = images
        .clone()
        .mask_fill(is_free.clone(), (range.0 + range.1) / 2.0);
    let mut noise = Noise::new(args.seed);
    let mut columns = vec![images.clone(), grey];
    let mut energies = Vec::new();
    let mut squares = 0.0;
    for _ in 0..args.draws {
        let filled = inpaint(
            &model,
            images.clone(),
            &mask,
            args.steps,
            &mut noise.split(),
        )?;
        let difference = (filled.clone() - images.clone()).square().sum();
        squares += f64::from(host_values(difference)[0]);
        energies.extend(mean_energy(&model, filled.clone()));
        columns.push(filled);
    }
    let draws = args.draws as usize;
    let titles = [
        TitledColumns::one("original"),
        TitledColumns::one("masked"),
        TitledColumns {
            title: "drawn",
            images: draws,
            columns: draws.min(DRAWS_IN_A_ROW),
        },
    ];
    let stacked: Tensor<5> = Tensor::stack(columns, 1);
    let values = host_values(stacked);
    let picture = titled_grid(&values, model.shape, range, &titles);
    save_picture(&picture, &args.out)?;

    let drawn = (count * args.draws as usize * channels * mask.count()) as f64;
    say(format_args!(
        "{} of {} pixels free, {count} images, {} draws each of {} steps",
        mask.count(),
        height * width,
        args.draws,
        args.steps
    ));
    if let Some(before) = mean_energy(&model, images) {
        let after = energies.iter().sum::<f64>() / energies.len() as f64;
        say(format_args!(
            "mean energy of the images {before:.4}, of the draws {after:.4} ({})",
            model.config.energy_unit()
        ));
    }
    say(format_args!(
        "root mean square difference of free pixels from the given ones: {:.1} % of black to white",
        100.0 * (squares / drawn).sqrt() / (range.1 - range.0)
    ));
    confirm_file(&args.out, format_args!("wrote {}", args.out.display()));
    Ok(())
}

/// The mean energy; none of machines whose hidden units can't be summed out.
fn mean_energy(model: &ModelFile, images: Tensor<4>) -> Option<f64> {
    let energies = host_values(example_energies(&model.model, images).ok()?);
    Some(energies.iter().map(|&e| f64::from(e)).sum::<f64>() / energies.len() as f64)
}

fn parse_mask(text: &str, model: &ModelFile, resize: bool) -> Result<PixelMask, Failure> {
    let wrong = |message: String| Failure::Argument {
        argument: "--mask",
        message,
    };
    let fits = |mask: Result<PixelMask, PixelMaskError>| {
        mask.map_err(|error| wrong(format!("`{text}`: {error}")))
    };
    let [_, height, width] = model.shape;
    let size = [height, width];
    let side = match text {
        "left" => Some(Side::Left),
        "right" => Some(Side::Right),
        "top" => Some(Side::Top),
        "bottom" => Some(Side::Bottom),
        _ => None,
    };
    if let Some(side) = side {
        return fits(PixelMask::half(size, side));
    }
    if let Some(numbers) = text.strip_prefix("rectangle:") {
        let parsed: Result<Vec<usize>, _> = numbers.split(',').map(|n| n.trim().parse()).collect();
        return match parsed.as_deref() {
            Ok(&[top, left, height, width]) => {
                let rectangle = Rectangle {
                    top,
                    left,
                    height,
                    width,
                };
                fits(PixelMask::rectangle(size, rectangle))
            }
            _ => Err(wrong(format!(
                "found `{text}`, expected four whole numbers in pixels, such as rectangle:2,2,4,4 (TOP,LEFT,HEIGHT,WIDTH)"
            ))),
        };
    }
    let file = PathBuf::from(text);
    if !file.exists() {
        return Err(wrong(format!(
            "`{text}` is neither left, right, top, bottom nor rectangle:TOP,LEFT,HEIGHT,WIDTH, and there is no such file"
        )));
    }
    fits(PixelMask::from_image(&read_masks(model, &[file], resize)?))
}

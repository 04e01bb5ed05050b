//! Images that a command works on: files that are named, or held-out examples of the run.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use ebm::run::ModelFile;
use ebm::run::evaluation_data::{HeldOutOrigin, held_out};
use ebm::training::Examples;
use ebm::training::data::{
    DataError, Fit, ImageOptions, Images, load_image_files, load_image_files_like,
};

use super::failure::Failure;
use super::output::check_picture;
use super::terminal::warn;

/// Which images.
#[derive(clap::Args)]
pub(crate) struct ImageArgs {
    /// PNG or JPEG files of the size that the model takes [default: held-out examples of the run's
    /// data]
    #[arg(value_name = "IMAGE")]
    pub(crate) files: Vec<PathBuf>,
    /// Number of held-out examples, where no files are named
    #[arg(short = 'n', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) count: u32,
    /// Cut and scale images of another size
    #[arg(long)]
    pub(crate) resize: bool,
}

impl ImageArgs {
    /// The images in the range of the model: `[count, channels, height, width]`.
    pub(crate) fn load(&self, model: &ModelFile, device: &Device) -> Result<Tensor<4>, Failure> {
        if !self.files.is_empty() {
            return read(model, &self.files, self.resize, device);
        }
        let held_out = held_out(model, device)?;
        if held_out.origin == HeldOutOrigin::Training {
            warn(format_args!(
                "the data hold no examples out: these are examples of training"
            ));
        }
        Ok(first(&held_out.examples, self.count as usize))
    }
}

/// The first examples, as many as there are.
pub(crate) fn first(examples: &Examples<4>, count: usize) -> Tensor<4> {
    let indices: Vec<usize> = (0..count.min(examples.len())).collect();
    examples.batch(&indices).x
}

/// Reads image files for a model of images.
pub(crate) fn read(
    model: &ModelFile,
    files: &[PathBuf],
    resize: bool,
    device: &Device,
) -> Result<Tensor<4>, Failure> {
    let options = options(model, resize, model.shape[0])?;
    let white = model.config.data.keys().white();
    let images = load_image_files_like(files, &options, white).map_err(refused)?;
    Ok(first(&model.examples_of(images, device), files.len()))
}

/// Reads image files of the size that a model takes as bytes, which are masks and no examples of
/// its data.
pub(crate) fn read_masks(
    model: &ModelFile,
    files: &[PathBuf],
    resize: bool,
) -> Result<Images, Failure> {
    load_image_files(files, &options(model, resize, 1)?).map_err(refused)
}

/// What files have to look like.
fn options(model: &ModelFile, resize: bool, channels: usize) -> Result<ImageOptions, Failure> {
    require_images(model)?;
    let [_, height, width] = model.shape;
    Ok(ImageOptions {
        channels,
        height,
        width,
        fit: if resize { Fit::Crop } else { Fit::Exact },
    })
}

fn refused(error: DataError) -> Failure {
    Failure::Image {
        hint: if matches!(error, DataError::WrongShape { .. }) {
            "; pass `--resize` to cut and scale it"
        } else {
            ""
        },
        message: error.to_string(),
    }
}

/// Refuses a model of points of the plane.
pub(crate) fn require_images(model: &ModelFile) -> Result<(), Failure> {
    if model.takes_images() {
        return Ok(());
    }
    Err(Failure::Argument {
        argument: "--run",
        message: "this run is of points in the plane, expected a run of images".into(),
    })
}

/// Finds out, before the work, whether a picture can be written to `out`, and that it isn't one of
/// the inputs.
pub(crate) fn check_output(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    check_picture(out)?;
    let same = |input: &&&Path| match (out.canonicalize(), input.canonicalize()) {
        (Ok(out), Ok(input)) => out == input,
        _ => false,
    };
    match inputs.iter().find(same) {
        Some(input) => Err(Failure::Argument {
            argument: "--out",
            message: format!(
                "{} is what is read; choose another with `--out FILE`",
                input.display()
            ),
        }),
        None => Ok(()),
    }
}

//! Inpainting by the sampler that a model was trained with.

use burn::tensor::Tensor;
use ebm_ops::Noise;
use ebm_train::using::{self, InpaintOptions, PixelMask};

use super::{chain_options, name_kind};
use crate::error::RunError;
use crate::run::ModelFile;

/// [`inpaint`](using::inpaint) of a model of a run: `steps` transitions of its sampler, free pixels
/// from where the chains of training started.
///
/// # Shapes
///
/// - `images` and output: `[count, channels, height, width]`, the shape of the model
///
/// # Errors
///
/// As there, and if the model is one of points of the plane.
///
/// # Panics
///
/// If images or mask haven't the shape of the model.
pub fn inpaint(
    model: &ModelFile,
    images: Tensor<4>,
    mask: &PixelMask,
    steps: usize,
    noise: &mut Noise,
) -> Result<Tensor<4>, RunError> {
    if !model.takes_images() {
        return Err(RunError::NotEvaluable {
            what: "free pixels",
            model: "model of points in the plane",
            models: "models of images",
        });
    }
    let free = mask.values(model.shape[0]);
    let options = InpaintOptions {
        chains: chain_options(model),
        start: model.starts.clone(),
        steps,
    };
    using::inpaint(&model.model, images, &free, &options, noise)
        .map_err(|error| name_kind(error, &model.model))
}

//! Denoising by the sampler that a model was trained with.

use burn::tensor::Tensor;
use ebm_ops::Noise;
use ebm_train::using::{self, DenoiseOptions, DenoisedImage, PixelNoise};

use super::{chain_options, name_kind};
use crate::error::RunError;
use crate::run::ModelFile;

/// How images are denoised by a model of a run: [`DenoiseOptions`] but for how its chains move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenoiseRequest {
    /// The noise in the observation.
    pub noise: PixelNoise,
    /// The temperature `T` at which the model stands for images; by default that of the sampler
    /// that it was trained with.
    pub temperature: Option<f64>,
    /// Steps of the chains.
    pub steps: usize,
    /// Which image.
    pub image: DenoisedImage,
}

/// [`denoise`](using::denoise) by a model of a run: `[count, channels, height, width]` -> the same.
///
/// # Errors
///
/// As there.
///
/// # Panics
///
/// As there.
pub fn denoise(
    model: &ModelFile,
    observed: Tensor<4>,
    request: &DenoiseRequest,
    noise: &mut Noise,
) -> Result<Tensor<4>, RunError> {
    let options = DenoiseOptions {
        noise: request.noise,
        chains: chain_options(model),
        temperature: request.temperature,
        steps: request.steps,
        image: request.image,
    };
    using::denoise(&model.model, observed, &options, noise)
        .map_err(|error| name_kind(error, &model.model))
}

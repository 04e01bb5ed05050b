//! Using a trained energy: filling in pixels, denoising, composition of models, comparison of images.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::{Interrupt, Run};

use crate::config::SamplerConfig;

mod compare;
mod compose;
mod denoise;
mod flipped_pixels;
mod inpaint;
mod pixel_mask;

pub use compare::{Comparison, Preferred, compare};
pub use compose::{Composed, CompositionError, CompositionKind};
pub use denoise::{DenoiseOptions, DenoisedImage, PixelNoise, denoise};
pub use inpaint::inpaint;
pub use pixel_mask::{PixelMask, PixelMaskError, Side};

/// Moves chains by a sampler that can move them.
///
/// # Panics
///
/// If it can't.
fn run_chains<E: Energy<D> + Clone, const D: usize>(
    energy: &E,
    sampler: &SamplerConfig,
    states: Tensor<D>,
    transitions: usize,
    range: (f64, f64),
    noise: &mut Noise,
) -> Run<Tensor<D>> {
    let kernel = sampler
        .kernel(energy, range.into())
        .unwrap_or_else(|error| panic!("{error}"));
    kernel.run(energy, states, transitions, noise, &mut Interrupt::never())
}

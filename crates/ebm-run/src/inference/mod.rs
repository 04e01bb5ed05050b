//! Using a trained energy: filling in pixels, denoising, composition of models, comparison of images.

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

//! Uses of a trained energy: filling in, denoising, composition of models, comparison, recall.
//!
//! Everything here takes an [`Energy`](ebm_models::Energy), a model of the workspace or one of your
//! own, a closure even. Its [`structure`](ebm_models::Energy::structure) decides the method:
//! machines redraw their units, any other energy is moved through by the sampler that is given.
//! Models are taken frozen (`model.valid()`). How likely a model finds single examples is said by
//! [`example_energies`](crate::judging::example_energies).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ebm_ops::Noise;
//! use ebm_sampling::StartingPoints;
//! use ebm_train::recipe::{LangevinConfig, SamplerConfig};
//! use ebm_train::using::{ChainOptions, InpaintOptions, inpaint};
//!
//! // Two coordinates that want to be equal.
//! let energy = |x: Tensor<2>| {
//!     let difference = x.clone().narrow(1, 0, 1) - x.narrow(1, 1, 1);
//!     difference.square().mul_scalar(50.0).squeeze_dim::<1>(1)
//! };
//! let langevin = LangevinConfig {
//!     steps: 200,
//!     step_size: 0.005,
//!     noise: None,
//!     temperature: Some(1.0),
//!     gradient_clip: None,
//!     clamp: false,
//! };
//! let options = InpaintOptions {
//!     chains: ChainOptions {
//!         sampler: SamplerConfig::Langevin(langevin),
//!         range: [-3.0, 3.0].into(),
//!     },
//!     start: StartingPoints::Uniform([-3.0, 3.0].into()),
//!     steps: 200,
//! };
//! let given = Tensor::<2>::from_floats([[2.0, 0.0]], &Device::flex());
//! // The second coordinate is free.
//! let filled = inpaint(&energy, given, &[false, true], &options, &mut Noise::new(1))?;
//! let [first, second] = [0, 1].map(|at| filled.clone().narrow(1, at, 1).into_scalar::<f64>());
//! assert_eq!(first, 2.0);
//! assert!((second - 2.0).abs() < 0.6); // 6 standard deviations
//! # Ok::<(), ebm_train::using::UsingError>(())
//! ```

mod chains;
mod compare;
mod compose;
mod denoise;
mod denoise_options;
mod error;
mod flipped_pixels;
mod inpaint;
mod pixel_mask;
mod recall;
mod second_half;
mod shown;

pub use chains::ChainOptions;
pub use compare::{Comparison, Preferred, compare};
pub use compose::{Composition, CompositionError, CompositionKind};
pub use denoise::denoise;
pub use denoise_options::{DenoiseOptions, DenoisedImage, PixelNoise};
pub use error::UsingError;
pub use inpaint::{InpaintOptions, inpaint};
pub use pixel_mask::{PixelMask, PixelMaskError, Rectangle, Side};
pub use recall::{RecallEnd, RecalledImage, RecalledImages, recall_images, recall_originals};

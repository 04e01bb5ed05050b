//! Denoising: the image behind an observation with noise, by the model as the prior.

use burn::tensor::Tensor;
use ebm_models::{Energy, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::{GaussianLikelihood, Kernel, Langevin, LangevinState, run, run_with};

use super::flipped_pixels::unflipped;
use crate::config::SamplerConfig;
use crate::error::RunError;
use crate::evaluation::check_made;
use crate::kinds::AnyModel as Network;
use crate::run::ModelFile;

/// Which image of the posterior is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DenoisedImage {
    /// Of real-valued pixels the most probable image (MAP): gradient descent to a minimum of the posterior energy. Of two-valued
    /// ones that of the most probable pixels, each by itself (the maximum of posterior marginals), which has the fewest wrong ones
    /// on average.
    #[default]
    MostProbable,
    /// The mean of draws, which has the smallest expected squared error: the second half of a chain.
    Mean,
    /// One draw.
    Draw,
}

/// How an image came to be noisy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelNoise {
    /// `y = x + std z` with `z ~ N(0, 1)` in each pixel.
    Normal {
        /// Standard deviation, in units of the pixels.
        std: f64,
    },
    /// Two-valued pixels, each flipped with a probability, independently of the others.
    Flips {
        /// Above 0 and below 1.
        probability: f64,
    },
}

/// How images are denoised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenoiseOptions {
    /// The noise in the observation.
    pub noise: PixelNoise,
    /// The temperature `T` at which the model stands for images, `p(x) ∝ exp(-E(x) / T)`; by default that of the sampler that it was
    /// trained with.
    pub temperature: Option<f64>,
    /// Steps of the chains.
    pub steps: usize,
    /// Which image.
    pub image: DenoisedImage,
}

/// Finds images behind noisy observations `y`.
///
/// With normal noise the posterior is
///
/// ```text
/// p(x | y) ∝ exp(-E(x) / T - |x - y|^2 / (2 std^2))
/// ```
///
/// so that chains move, at temperature `T`, on `E(x) + T |x - y|^2 / (2 std^2)`, with the step, the gradient clip and the clamp of
/// the model's Langevin sampler. Image energies are mostly trained far colder than at `T = 1` ([`Langevin::temperature`]), and it is
/// at that temperature that they are a distribution of images: at `T = 1` the observation would outweigh them. A step that would
/// be unstable on the second term is shortened to `std^2 / T`.
///
/// With two-valued pixels of which each was flipped with probability `q` it is
///
/// ```text
/// p(x | y) ∝ exp(-E(x) / T) prod_i q^[x_i != y_i] (1 - q)^[x_i = y_i]
/// ```
///
/// which a restricted or deep machine draws by block Gibbs sampling, its fields moved by the observation ([`ObservedBlock`]).
///
/// [`ObservedBlock`]: ebm_sampling::ObservedBlock
///
/// # Shapes
///
/// - `observed` and output: `[count, channels, height, width]`
///
/// # Errors
///
/// If the noise is normal and the model isn't one of real-valued pixels that Langevin dynamics samples, or pixels were flipped and it
/// is no restricted or deep machine of two-valued ones. If pixels or their energies aren't finite.
pub fn denoise(
    model: &ModelFile,
    observed: Tensor<4>,
    options: &DenoiseOptions,
    noise: &mut Noise,
) -> Result<Tensor<4>, RunError> {
    let config = &model.config;
    let temperature = options.temperature.unwrap_or(config.sampler.temperature());
    let std = match options.noise {
        PixelNoise::Normal { std } => std,
        PixelNoise::Flips { probability } => {
            let chain = (options.steps, options.image);
            let images = unflipped(model, observed, probability, temperature, chain, noise)?;
            check_made(&model.model, &images)?;
            return Ok(images);
        }
    };
    let kernel = langevin(model, config.data.range())?;
    let likelihood = GaussianLikelihood::new(observed.clone(), std);
    let posterior = WeightedSum::new((model.model.clone(), likelihood), vec![1.0, temperature]);
    let stable = std * std / temperature;
    let mut kernel = Langevin {
        step_size: kernel.step_size.min(stable),
        ..kernel
    };
    kernel.noise = match options.image {
        DenoisedImage::MostProbable => 0.0,
        _ => (2.0 * kernel.step_size * temperature).sqrt(),
    };
    let images = match options.image {
        DenoisedImage::Mean => mean(&kernel, &posterior, observed, options.steps, noise),
        _ => run(&kernel, &posterior, observed, options.steps, noise).position,
    };
    check_made(&model.model, &images)?;
    Ok(images)
}

/// The Langevin sampler of a model of real-valued images.
fn langevin(model: &ModelFile, range: (f64, f64)) -> Result<Langevin, RunError> {
    let real = match &model.model {
        Network::Mlp(_) | Network::ConvNet(_) => true,
        Network::Rbm(_) => !model.takes_binary(),
        _ => false,
    };
    match &model.config.sampler {
        SamplerConfig::Langevin(keys) if real => Ok(keys.kernel(range)),
        _ => Err(RunError::NotEvaluable {
            what: "a denoised image",
            model: model.model.name(),
            models: "models of real-valued pixels that were trained by Langevin dynamics",
        }),
    }
}

/// The mean of the second half of a chain.
fn mean<E: Energy<4>>(
    kernel: &Langevin,
    energy: &E,
    start: Tensor<4>,
    steps: usize,
    noise: &mut Noise,
) -> Tensor<4> {
    let mut half = SecondHalf::of(steps);
    let add = |step: usize, state: &LangevinState<4>, _: &_| {
        half.add(step, || Kernel::<E, Tensor<4>>::position(kernel, state));
    };
    let end = run_with(kernel, energy, start, steps, noise, add).position;
    half.mean().unwrap_or(end)
}

/// Sums what the second half of a chain passes through.
pub(super) struct SecondHalf<const D: usize> {
    first: usize,
    steps: usize,
    total: Option<Tensor<D>>,
}

impl<const D: usize> SecondHalf<D> {
    pub(super) fn of(steps: usize) -> Self {
        Self {
            first: steps / 2 + 1,
            steps,
            total: None,
        }
    }

    /// Takes in what there is after a step, if it counts.
    pub(super) fn add(&mut self, step: usize, term: impl FnOnce() -> Tensor<D>) {
        if step >= self.first {
            self.total = Some(match self.total.take() {
                Some(total) => total + term(),
                None => term(),
            });
        }
    }

    /// The mean; `None` if nothing was taken in.
    pub(super) fn mean(self) -> Option<Tensor<D>> {
        let kept = (self.steps + 1 - self.first) as f64;
        Some(self.total?.div_scalar(kept))
    }
}

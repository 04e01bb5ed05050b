//! Denoising: the image behind an observation with noise, by the model as the prior.

use burn::tensor::Tensor;
use ebm_models::{Energy, Structure, VisibleUnits, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::conditioning::GaussianLikelihood;
use ebm_sampling::langevin::{Langevin, LangevinState};
use ebm_sampling::{Kernel, run, run_with};

use super::denoise_options::{DenoiseOptions, DenoisedImage, PixelNoise};
use super::error::UsingError;
use super::flipped_pixels::undo_flips;
use super::second_half::SecondHalf;
use crate::judging::{JudgingError, check_samples};
use crate::samplers::SamplerConfig;

/// Finds images behind noisy observations `y`.
///
/// With normal noise the posterior is
///
/// ```text
/// p(x | y) ∝ exp(-E(x) / T - |x - y|^2 / (2 std^2))
/// ```
///
/// so that chains move, at temperature `T`, on `E(x) + T |x - y|^2 / (2 std^2)`, with the step, the
/// gradient clip and the clamp of the Langevin sampler. Image energies are mostly trained far
/// colder than at `T = 1` ([`Langevin::temperature`]), and it is at that temperature that they are
/// a distribution of images: at `T = 1` the observation would outweigh them. A step that would be
/// unstable on the second term is shortened to `std^2 / T`.
///
/// With two-valued pixels of which each was flipped with probability `q` it is
///
/// ```text
/// p(x | y) ∝ exp(-E(x) / T) prod_i q^[x_i != y_i] (1 - q)^[x_i = y_i]
/// ```
///
/// which a machine with layers draws by block Gibbs sampling, its fields moved by the observation
/// ([`ObservedBlock`]).
///
/// [`ObservedBlock`]: ebm_sampling::conditioning::ObservedBlock
///
/// # Shapes
///
/// - `observed` and output: `[count, ..]`
///
/// # Errors
///
/// If the noise is normal and the model isn't one of real values with a Langevin sampler, or pixels
/// were flipped and it is no machine with layers of two-valued visible units. If pixels or their
/// energies aren't finite.
///
/// # Panics
///
/// If the standard deviation, the probability or the temperature is out of range, or observations
/// haven't the shape that the model takes.
pub fn denoise<E: Energy<D> + Clone, const D: usize>(
    energy: &E,
    observed: Tensor<D>,
    options: &DenoiseOptions,
    noise: &mut Noise,
) -> Result<Tensor<D>, UsingError> {
    let sampler = &options.chains.sampler;
    let temperature = options.temperature.unwrap_or(sampler.temperature());
    let structure = energy.structure();
    let images = match options.noise {
        PixelNoise::Normal { std } => {
            let kernel = langevin(&structure, options)?;
            descend(energy, observed, kernel, std, temperature, options, noise)
        }
        PixelNoise::Flips { probability } => undo_flips(
            &structure,
            observed,
            probability,
            temperature,
            options,
            noise,
        )?,
    };
    check_samples(energy, &images)?;
    Ok(images)
}

/// The Langevin sampler of a model of real values.
fn langevin(structure: &Structure, options: &DenoiseOptions) -> Result<Langevin, JudgingError> {
    let real = match structure {
        Structure::Layered(machine) => {
            machine.layers().visible_units() == VisibleUnits::Gaussian
                && !machine.free_energy_is_bound()
        }
        Structure::Pairwise(_) => false,
        Structure::Smooth => true,
    };
    match &options.chains.sampler {
        SamplerConfig::Langevin(keys) if real => Ok(keys.dynamics(options.chains.range)),
        _ => Err(JudgingError::NotEvaluable {
            what: "a denoised image",
            model: structure.description(),
            models: "models of real-valued pixels that were trained by Langevin dynamics",
        }),
    }
}

/// Chains on the posterior of an observation with normal noise, from the observation on.
fn descend<E: Energy<D> + Clone, const D: usize>(
    energy: &E,
    observed: Tensor<D>,
    kernel: Langevin,
    std: f64,
    temperature: f64,
    options: &DenoiseOptions,
    noise: &mut Noise,
) -> Tensor<D> {
    let likelihood = GaussianLikelihood::new(observed.clone(), std);
    let posterior = WeightedSum::new((energy.clone(), likelihood), vec![1.0, temperature]);
    let stable = std * std / temperature;
    let mut kernel = Langevin {
        step_size: kernel.step_size.min(stable),
        ..kernel
    };
    kernel.noise = match options.image {
        DenoisedImage::MostProbable => 0.0,
        _ => (2.0 * kernel.step_size * temperature).sqrt(),
    };
    match options.image {
        DenoisedImage::Mean => mean(&kernel, &posterior, observed, options.steps, noise),
        _ => run(&kernel, &posterior, observed, options.steps, noise).position,
    }
}

/// The mean of the second half of a chain.
fn mean<E: Energy<D>, const D: usize>(
    kernel: &Langevin,
    energy: &E,
    start: Tensor<D>,
    steps: usize,
    noise: &mut Noise,
) -> Tensor<D> {
    let mut half = SecondHalf::new(steps);
    let add = |step: usize, state: &LangevinState<D>, _: &_| {
        half.add(step, || Kernel::<E, Tensor<D>>::position(kernel, state));
    };
    let end = run_with(kernel, energy, start, steps, noise, add).position;
    half.mean().unwrap_or(end)
}

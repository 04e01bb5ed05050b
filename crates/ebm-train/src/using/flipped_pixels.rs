//! Denoising of two-valued pixels, each of which may have been flipped: Gibbs sampling of a machine
//! given what was seen.

use burn::tensor::Tensor;
use ebm_models::{BlockConditional, Conditional, Layers, Structure, VisibleUnits};
use ebm_ops::Noise;
use ebm_ops::activation::sigmoid;
use ebm_sampling::conditioning::ObservedBlock;
use ebm_sampling::gibbs::BlockGibbs;
use ebm_sampling::run_with;

use super::denoise_options::{DenoiseOptions, DenoisedImage};
use super::second_half::SecondHalf;
use crate::judging::JudgingError;
use crate::rows;

/// Finds images behind observations in which each pixel was flipped with a probability: `[count,
/// ..]`.
pub(super) fn undo_flips<const D: usize>(
    structure: &Structure,
    observed: Tensor<D>,
    probability: f64,
    temperature: f64,
    options: &DenoiseOptions,
    noise: &mut Noise,
) -> Result<Tensor<D>, JudgingError> {
    let (steps, image) = (options.steps, options.image);
    let shape = observed.dims();
    let layers = require_layers(structure)?;
    let device = observed.device();
    let visible = rows(observed);
    let mut states = vec![visible.clone()];
    for units in layers.sizes().into_iter().skip(1) {
        states.push(Tensor::zeros([shape[0], units], &device));
    }
    let posterior = ObservedBlock::flipped(layers, 0, visible, probability, temperature);
    let mut half = SecondHalf::new(steps);
    let kernel = BlockGibbs { temperature };
    let add = |step: usize, states: &Vec<Tensor<2>>, _: &_| {
        if image == DenoisedImage::Draw {
            return;
        }
        // Chances of the pixels given the hidden units vary less than draws of them.
        half.add(step, || match posterior.conditional(0, states) {
            Conditional::Bernoulli(field) => sigmoid(field.div_scalar(temperature)),
            Conditional::Gaussian(mean) => mean,
        });
    };
    let mut end = run_with(&kernel, &posterior, states, steps, noise, add).position;
    let pixels = match (half.mean(), image) {
        (Some(mean), DenoisedImage::Mean) => mean,
        (Some(mean), DenoisedImage::MostProbable) => mean.greater_scalar(0.5).float(),
        _ => end.swap_remove(0),
    };
    Ok(pixels.reshape(shape))
}

/// The layers of a machine with visible units that are 0 or 1.
fn require_layers(structure: &Structure) -> Result<Layers, JudgingError> {
    match structure {
        Structure::Layered(machine)
            if machine.layers().visible_units() == VisibleUnits::Bernoulli =>
        {
            Ok(machine.layers().clone())
        }
        Structure::Layered(_) | Structure::Pairwise(_) | Structure::Smooth => {
            Err(JudgingError::NotEvaluable {
                what: "an image with flipped pixels",
                model: structure.description(),
                models: "rbm and dbm of two-valued pixels",
            })
        }
    }
}

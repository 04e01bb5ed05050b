//! Denoising of two-valued pixels, each of which may have been flipped: Gibbs sampling of a machine given what was seen.

use burn::tensor::Tensor;
use ebm_models::{BlockConditional, Conditional, LayeredMachine, Layers};
use ebm_ops::Noise;
use ebm_ops::activation::sigmoid;
use ebm_sampling::{BlockGibbs, ObservedBlock, run_with};

use super::denoise::{DenoisedImage, SecondHalf};
use crate::error::RunError;
use crate::kinds::AnyModel as Network;
use crate::run::ModelFile;
use ebm_train::rows;

/// Images behind observations in which each pixel was flipped with a probability: `[count, channels, height, width]`.
pub(super) fn unflipped(
    model: &ModelFile,
    observed: Tensor<4>,
    probability: f64,
    temperature: f64,
    (steps, image): (usize, DenoisedImage),
    noise: &mut Noise,
) -> Result<Tensor<4>, RunError> {
    let shape = observed.dims();
    let layers = layers(model)?;
    let device = observed.device();
    let visible = rows(observed);
    let mut states = vec![visible.clone()];
    for units in layers.sizes().into_iter().skip(1) {
        states.push(Tensor::zeros([shape[0], units], &device));
    }
    let posterior = ObservedBlock::flipped(layers, 0, visible, probability, temperature);
    let mut half = SecondHalf::of(steps);
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
fn layers(model: &ModelFile) -> Result<Layers, RunError> {
    match &model.model {
        Network::Rbm(machine) if model.takes_binary() => Ok(machine.layers()),
        Network::Dbm(machine) => Ok(machine.layers()),
        other => Err(RunError::NotEvaluable {
            what: "an image with flipped pixels",
            model: other.name(),
            models: "rbm and dbm of two-valued pixels",
        }),
    }
}

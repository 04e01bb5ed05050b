//! Numbers of a model that say how it stands: energies, the size of gradients and of weights.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use ebm_models::{Energy, Structure};
use ebm_train::judging::{energies_are_bounds, example_energies, gradient_norms};
use ebm_train::{Examples, host_values, rows, weights};

use crate::run::ModelFile;
use crate::run::generate::Samples;

/// Examples of which energies are measured.
const EXAMPLES: usize = 512;
/// Places at which a convolution that halves small images again and again is used, about.
const PLACES: usize = 8;

/// Some of the examples, spread over all of them.
pub(super) fn some(examples: &Examples<4>) -> Tensor<4> {
    let count = examples.len().min(EXAMPLES);
    let indices: Vec<usize> = (0..count).map(|at| at * examples.len() / count).collect();
    examples.batch(&indices).x
}

/// The mean energy of examples; `None` where it can't be had or isn't finite.
pub(super) fn mean_energy(model: &ModelFile, examples: Tensor<4>) -> Option<f64> {
    mean(example_energies(&model.model, examples).ok()?)
}

/// The mean energy of samples, of the same kind as that of examples; `None` where states hold
/// hidden units, whose energies aren't of that kind.
pub(super) fn sample_energy(model: &ModelFile, samples: &Samples) -> Option<f64> {
    let Samples { states, images, .. } = samples;
    if energies_are_bounds(&model.model.structure()) || states.dims() != images.dims() {
        return None;
    }
    mean_energy(model, states.clone())
}

/// The mean norm of the energy's gradient at samples; `None` of machines, whose states aren't
/// continuous, and of what isn't finite.
pub(super) fn gradient_size(model: &ModelFile, samples: &Samples) -> Option<f64> {
    if !matches!(model.model.structure(), Structure::Smooth) {
        return None;
    }
    let some = some(&Examples::from_tensor(samples.states.clone()));
    let norms = gradient_norms(&model.model, &Examples::from_tensor(some), &mut ());
    let sum: f64 = norms.iter().map(|&norm| f64::from(norm)).sum();
    let mean = sum / norms.len() as f64;
    mean.is_finite().then_some(mean)
}

fn mean(energies: Tensor<1>) -> Option<f64> {
    let energies = host_values(energies);
    let sum: f64 = energies.iter().map(|&energy| f64::from(energy)).sum();
    let mean = sum / energies.len() as f64;
    mean.is_finite().then_some(mean)
}

/// The visible units of states, which come first in them: `[count, channels, height, width]`.
pub(super) fn visible(model: &ModelFile, samples: &Samples) -> Tensor<4> {
    let states = samples.states.clone();
    let [count, ..] = states.dims();
    let [channels, height, width] = model.shape;
    let units: Tensor<2> = rows(states).narrow(1, 0, channels * height * width);
    units.reshape([count, channels, height, width])
}

/// About how many products an energy takes: one for each parameter, and of convolutions, which are
/// used at many places, several.
pub(super) fn products(model: &ModelFile) -> f64 {
    let products = |data: TensorData| {
        let places = if data.shape().len() == 4 { PLACES } else { 1 };
        (places * data.num_elements()) as f64
    };
    weights(&model.model).into_values().map(products).sum()
}

/// The root mean square of all parameters.
pub(super) fn weight_size(model: &ModelFile) -> Option<f64> {
    let squares = |data: TensorData| -> f64 {
        data.convert::<f32>()
            .iter::<f32>()
            .map(|weight| f64::from(weight).powi(2))
            .sum()
    };
    let sum: f64 = weights(&model.model).into_values().map(squares).sum();
    let size = (sum / model.model.num_params() as f64).sqrt();
    size.is_finite().then_some(size)
}

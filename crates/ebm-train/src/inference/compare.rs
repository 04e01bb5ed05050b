//! How much a model prefers one image to another, for which `Z` isn't needed.

use burn::tensor::Tensor;
use serde::Serialize;

use crate::error::TrainError;
use crate::evaluation::{energies_are_bounds, example_energies, finite};
use crate::run::{ModelFile, floats};

/// What a model says of two images, in its [`EnergyUnit`](crate::config::EnergyUnit): in nats for temperature 1, else to be divided by the
/// temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `f(x) = -E(x)` of the first image: `log p(x)` up to the constant `log Z`.
    pub f_first: f64,
    /// That of the second image.
    pub f_second: f64,
    /// `log p(x) - log p(x') = f(x) - f(x')`: above 0 where the model prefers the first.
    pub log_ratio: f64,
    /// Whether `f` is a lower bound (deep machines), so that the ratio isn't exact.
    pub bound: bool,
}

impl Comparison {
    /// The odds `p(x) / p(x') = exp(log_ratio)`; infinite or 0 where that is out of range.
    pub fn odds(&self) -> f64 {
        self.log_ratio.exp()
    }
}

/// Compares images pair by pair.
///
/// # Shapes
///
/// - `first`, `second`: `[count, channels, height, width]`
///
/// # Errors
///
/// If the machine has hidden units that are coupled to each other, so that they can't be summed out, or an
/// energy isn't finite.
pub fn compare(
    model: &ModelFile,
    first: Tensor<4>,
    second: Tensor<4>,
) -> Result<Vec<Comparison>, TrainError> {
    let first = floats(example_energies(&model.model, first)?);
    let second = floats(example_energies(&model.model, second)?);
    finite(&first, "the energy of an image")?;
    finite(&second, "the energy of an image")?;
    let bound = energies_are_bounds(&model.model);
    let pairs = first.into_iter().zip(second);
    Ok(pairs
        .map(|(first, second)| {
            let (f_first, f_second) = (-f64::from(first), -f64::from(second));
            Comparison {
                f_first,
                f_second,
                log_ratio: f_first - f_second,
                bound,
            }
        })
        .collect())
}

//! How much a model prefers one image to another, for which `Z` isn't needed.

use burn::tensor::Tensor;
use ebm_models::Energy;
use serde::Serialize;

use super::error::UsingError;
use crate::examples::host_values;
use crate::judging::{check_finite, energies_are_bounds, example_energies};

/// What a model says of two images, in the unit of its energy.
///
/// In nats `log_ratio` is the log-ratio of their probabilities; of a model that stands for images
/// at another temperature than 1 it is to be divided by that.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `f(x) = -E(x)` of the first image; in nats `log p(x)` up to the constant `log Z`.
    pub f_first: f64,
    /// That of the second image.
    pub f_second: f64,
    /// `f(x) - f(x')`, above 0 where the model prefers the first; in nats `log p(x) - log p(x')`.
    pub log_ratio: f64,
    /// Whether `f` is a lower bound (deep machines), so that the ratio isn't exact.
    pub bound: bool,
    /// Which image the model prefers.
    pub preferred: Preferred,
}

/// Which of two images a model prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preferred {
    /// The first.
    First,
    /// The second.
    Second,
    /// None: the two differ by no more than the rounding of f32, in which energies are computed.
    Neither,
}

/// Unit roundings of f32 that a difference of energies must exceed to tell anything; sums of many
/// terms are off by a few.
const ROUNDINGS: f64 = 16.0;

impl Comparison {
    fn new(f_first: f64, f_second: f64, bound: bool) -> Self {
        let log_ratio = f_first - f_second;
        let size = f_first.abs().max(f_second.abs()).max(1.0);
        let rounding = ROUNDINGS * f64::from(f32::EPSILON) * size;
        let preferred = if log_ratio > rounding {
            Preferred::First
        } else if log_ratio < -rounding {
            Preferred::Second
        } else {
            Preferred::Neither
        };
        Self {
            f_first,
            f_second,
            log_ratio,
            bound,
            preferred,
        }
    }
}

/// Compares images pair by pair.
///
/// # Shapes
///
/// - `first`, `second`: `[count, ..]`
///
/// # Errors
///
/// If the machine has hidden units that are coupled to each other, so that they can't be summed
/// out, or an energy isn't finite.
///
/// # Panics
///
/// If images haven't the shape that the model takes.
pub fn compare<E: Energy<D> + ?Sized, const D: usize>(
    model: &E,
    first: Tensor<D>,
    second: Tensor<D>,
) -> Result<Vec<Comparison>, UsingError> {
    let first = host_values(example_energies(model, first)?);
    let second = host_values(example_energies(model, second)?);
    check_finite(&first, "the energy of an image")?;
    check_finite(&second, "the energy of an image")?;
    let bound = energies_are_bounds(&model.structure());
    let pairs = first.into_iter().zip(second);
    Ok(pairs
        .map(|(first, second)| Comparison::new(-f64::from(first), -f64::from(second), bound))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_within_rounding_are_no_preference() {
        for (first, second, expected) in [
            (2.0, 1.0, Preferred::First),
            (-2.0, -1.0, Preferred::Second),
            (0.5, 0.5, Preferred::Neither),
            // A unit in the last place of an f32 near 5,000 is 0.0005.
            (5000.001, 5000.0, Preferred::Neither),
            (5000.1, 5000.0, Preferred::First),
            (1e-7, -1e-7, Preferred::Neither),
            (1e-4, -1e-4, Preferred::First),
            (f64::NAN, 1.0, Preferred::Neither),
        ] {
            assert_eq!(Comparison::new(first, second, false).preferred, expected);
        }
    }
}

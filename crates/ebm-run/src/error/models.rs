//! Why trained models can't be composed.

use ebm_models::ImageShape;
use ebm_ops::Interval;
use ebm_train::using::CompositionError;

/// Trained models that can't be composed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// Energies that can't be composed.
    #[error(transparent)]
    Composition(#[from] CompositionError),
    /// Models of different images.
    #[error(
        "model {index} is of images of shape {:?} in {:?}, but the first of {:?} in {:?}",
        <[usize; 3]>::from(*found), <(f64, f64)>::from(*found_range),
        <[usize; 3]>::from(*expected), <(f64, f64)>::from(*expected_range)
    )]
    Images {
        /// The model, from 1.
        index: usize,
        /// The shape of its images.
        found: ImageShape,
        /// The range of its pixels.
        found_range: Interval,
        /// The shape of the first model's images.
        expected: ImageShape,
        /// The range of the first model's pixels.
        expected_range: Interval,
    },
    /// Two-valued and real pixels.
    #[error(
        "model {index} and the first differ in what a pixel is: one takes two values, the other real ones"
    )]
    Pixels {
        /// The model, from 1.
        index: usize,
    },
}

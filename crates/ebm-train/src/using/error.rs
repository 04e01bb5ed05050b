//! What can go wrong where a trained energy is used.

use ebm_models::Structure;

use crate::judging::JudgingError;
use crate::keys::InvalidValue;
use crate::samplers::SamplerConfig;

/// A use that a model isn't good for, or whose result is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsingError {
    /// The model can't be used so, or the result isn't finite.
    #[error(transparent)]
    Judging(#[from] JudgingError),
    /// The sampler can't move chains of the model.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// The sampler doesn't redraw units of the model beside others that are given.
    #[error("a {model} isn't sampled by {sampler}: expected {expected}")]
    Sampler {
        /// What the model is.
        model: &'static str,
        /// The sampler that was given.
        sampler: &'static str,
        /// Samplers that move chains of it.
        expected: &'static str,
    },
}

impl UsingError {
    /// This sampler doesn't move chains of a model of this structure.
    pub(super) fn sampler(structure: &Structure, sampler: &SamplerConfig) -> Self {
        Self::Sampler {
            model: structure.description(),
            sampler: sampler.name(),
            expected: match structure {
                Structure::Smooth => "langevin or metropolis",
                Structure::Layered(_) => "gibbs at a temperature above 0",
                Structure::Pairwise(_) => "gibbs",
            },
        }
    }
}

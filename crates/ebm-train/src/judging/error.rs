//! What can go wrong where a model is judged.

use ebm_models::TooManyStates;

/// A number that can't be found of a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JudgingError {
    /// Something that can't be known of a model of this structure.
    #[error("{what} can be found for {models}, not for this {model}")]
    NotEvaluable {
        /// What was asked for.
        what: &'static str,
        /// What the model is.
        model: &'static str,
        /// The models of which it can be found.
        models: &'static str,
    },
    /// A result that is no number.
    #[error(
        "{what} is no finite number: energies of this model overflow 32 bits (its weights are finite, but too large, or the inputs are): scale the weights down, or train with a lower optimizer.learning_rate or more optimizer.weight_decay"
    )]
    NotFinite {
        /// What was asked for.
        what: &'static str,
    },
    /// There is nothing to look at.
    #[error("there are no examples to evaluate the model on")]
    NoExamples,
    /// The sum over all states would take too long.
    #[error(transparent)]
    TooManyStates(#[from] TooManyStates),
}

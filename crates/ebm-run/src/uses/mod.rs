//! Uses of a trained model as its file has it: the sampler, the range and the starts of its
//! configuration.

mod compose;
mod denoise;
mod inpaint;
mod partition;

pub use crate::error::ModelsError;
pub use compose::ComposedModels;
pub use denoise::{DenoiseRequest, denoise};
pub use inpaint::inpaint;
pub use partition::log_partition;

use ebm_train::judging::JudgingError;
use ebm_train::using::{ChainOptions, UsingError};

use crate::error::RunError;
use crate::kinds::AnyModel;
use crate::run::ModelFile;

/// How chains of a model move: as they did in training.
fn chain_options(model: &ModelFile) -> ChainOptions {
    ChainOptions {
        sampler: model.config.sampler.clone(),
        range: model.config.data.range().into(),
    }
}

/// The error with the kind of the model for what it is made of.
fn name_kind(error: impl Into<UsingError>, model: &AnyModel) -> RunError {
    match error.into() {
        UsingError::Judging(JudgingError::NotEvaluable { what, models, .. }) => {
            RunError::NotEvaluable {
                what,
                model: model.name(),
                models,
            }
        }
        error => error.into(),
    }
}

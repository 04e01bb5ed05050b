//! Examples that training did not see, found where the data have any.

use burn::tensor::Device;
use serde::Serialize;

use crate::config::DataConfig;
use crate::error::RunError;
use crate::run::ModelFile;
use ebm_train::Examples;
use ebm_train::data::Split;

/// Where held-out examples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOutOrigin {
    /// The test split of the data.
    TestSplit,
    /// Training examples beyond `data.limit`, which training left out.
    BeyondLimit,
    /// No examples are held out: these are those of training.
    Training,
}

impl HeldOutOrigin {
    /// What the examples are called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestSplit => "test",
            Self::BeyondLimit => "train beyond data.limit",
            Self::Training => "train (nothing is held out)",
        }
    }
}

/// Examples and where they come from.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The examples.
    pub examples: Examples<4>,
    /// Where they come from.
    pub origin: HeldOutOrigin,
}

/// The test split of a run's data; without one the training examples beyond `data.limit`; without these the training examples
/// themselves, whose energies say nothing of generalisation.
///
/// # Errors
///
/// If there is none of the three, or their shape isn't that of the model: the error of the training examples. If a test split is
/// there and can't be read: its error.
pub fn held_out(model: &ModelFile, device: &Device) -> Result<HeldOut, RunError> {
    let config = &model.config;
    let examples = |data: &DataConfig, split| model.examples(data, split, device);
    match examples(&config.data, Split::Test) {
        Ok(examples) if !examples.is_empty() => {
            let origin = HeldOutOrigin::TestSplit;
            return Ok(HeldOut { examples, origin });
        }
        // To judge by other examples than those that are meant is no way out of a damaged file.
        Err(RunError::Data(error)) if !error.is_absence() => return Err(RunError::Data(error)),
        _ => {}
    }
    if let Some(limit) = config.data.limit() {
        let all = examples(&config.data.clone().without_limit(), Split::Train)?;
        if let Some(examples) = all.skip(limit) {
            let origin = HeldOutOrigin::BeyondLimit;
            return Ok(HeldOut { examples, origin });
        }
    }
    Ok(HeldOut {
        examples: examples(&config.data, Split::Train)?,
        origin: HeldOutOrigin::Training,
    })
}

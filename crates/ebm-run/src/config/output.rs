//! The `[output]` section: what a run writes, and how often.

use serde::{Deserialize, Serialize};

use ebm_train::keys::{InvalidValue, check, check_at_least_one, check_count, check_transitions};

/// More samples than that are no picture.
pub const MAX_SAMPLES: usize = 10_000;

ebm_train::keys! {
/// Cadence of metrics, pictures and checkpoints, all in updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Updates between lines of `metrics.jsonl`, 1 or more.
    pub log_every: u64,
    /// Updates between pictures in `samples/`, 1 or more.
    pub sample_every: u64,
    /// Samples in a picture, 1 to 10,000.
    pub sample_count: usize,
    /// Transitions from noise to a sample, 0 to 1,000,000,000.
    pub sample_steps: usize,
    /// Updates between checkpoints, 1 or more.
    pub checkpoint_every: u64,
    /// Checkpoints kept, newest first, 2 or more; that of the best model is kept beside them.
    pub keep_checkpoints: usize,
    /// Fresh samples that are measured with each picture, 0 to 10,000, 0: quality isn't measured;
    /// absent: as many as take about a tenth of the training, 64 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_samples: Option<usize>,
    /// Which model `model.safetensors` is: `"best"` by the measured quality, or the `"last"`.
    pub model: ModelChoice,
}
}

/// Which model of a run is its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChoice {
    /// The best by the measured quality; the last where that isn't measured.
    #[default]
    Best,
    /// That of the last update.
    Last,
}

impl ebm_train::keys::Documented for ModelChoice {}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            log_every: 20,
            sample_every: 500,
            sample_count: 64,
            sample_steps: 256,
            checkpoint_every: 500,
            keep_checkpoints: 3,
            quality_samples: None,
            model: ModelChoice::Best,
        }
    }
}

impl OutputConfig {
    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_at_least_one("output.log_every", self.log_every)?;
        check_at_least_one("output.sample_every", self.sample_every)?;
        check_count("output.sample_count", self.sample_count, MAX_SAMPLES)?;
        check_transitions("output.sample_steps", self.sample_steps, 0)?;
        check_at_least_one("output.checkpoint_every", self.checkpoint_every)?;
        if let Some(samples) = self.quality_samples {
            check(
                samples <= MAX_SAMPLES,
                "output.quality_samples",
                samples,
                format!("a whole number from 0 to {MAX_SAMPLES}"),
            )?;
        }
        check(
            self.keep_checkpoints >= 2,
            "output.keep_checkpoints",
            self.keep_checkpoints,
            "at least 2, so that one is whole whatever happens",
        )
    }
}

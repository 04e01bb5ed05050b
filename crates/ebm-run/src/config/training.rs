//! The `[training]` section: how long, and on how much at a time.

use std::path::PathBuf;

use ebm_models::Precision;
use ebm_train::Augmentation;
use serde::{Deserialize, Serialize};

ebm_train::keys! {
/// Length and size of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Number of parameter updates, 1 or more.
    pub steps: u64,
    /// Examples, and chains, an update, 1 or more.
    pub batch_size: usize,
    /// Standard deviation of the noise added to the examples, 0 or more.
    #[serde(default)]
    pub data_noise: f64,
    /// Random changes of the examples, before the noise; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// Decay, 0 to below 1, of the moving average of the weights, which samples are drawn with;
    /// absent: no average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// The type in which the energies of chains make their matrix products, `"f32"`, `"bf16"` or
    /// `"f16"`; parameters and everything else are f32.
    #[serde(default, skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// Measurements of quality without a better one after which training ends, 1 or more; absent:
    /// all updates are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Run folder with the model, trained or imported, whose weights training starts from; absent:
    /// random ones. Only read when a run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<PathBuf>,
}
}

fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

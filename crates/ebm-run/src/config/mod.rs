//! What a run is: one TOML file with a section for each stage of training.
//!
//! A [`RunConfig`] is read in layers: a preset or a file, then `--set section.key=value` overrides.
//! Every error names the key, what was found and what was expected.

mod automatic;
mod commented;
mod energy_unit;
mod minutes;
mod output;
mod paths;
mod presets;
mod recovery;
mod table;
mod training;
mod values;

use ebm_train::Recipe;
use ebm_train::keys;
use ebm_train::keys::check_at_least_one;
use serde::{Deserialize, Serialize};

pub use crate::data_kinds::{
    DataConfig, DataKind, DigitsConfig, ExamplesRequest, FolderConfig, PlaneConfig,
};
pub use crate::error::ConfigError;
pub use crate::kinds::ModelConfig;
pub use automatic::{AutomaticConfig, Pace};
pub use ebm_train::keys::{InvalidValue, NoKeys};
pub use ebm_train::recipe::{
    AdamConfig, AdamWConfig, ChainStorage, ChainsConfig, CosineConfig, ExponentialConfig,
    GibbsConfig, GradientPenalty, LangevinConfig, LinearConfig, LongChains, MetropolisConfig,
    ObjectiveConfig, OptimizerConfig, ParallelTemperingConfig, PersistentConfig,
    ReplayBufferConfig, SamplerConfig, ScheduleConfig, ScheduleKind, SgdConfig, Sparsity,
    StartConfig,
};
pub use energy_unit::EnergyUnit;
pub use output::{MAX_SAMPLES, ModelChoice, OutputConfig};
pub use presets::{PRESETS, preset};
pub use recovery::RecoveryConfig;
pub use table::ConfigTable;
pub use training::TrainingConfig;

pub(crate) use table::parse_value;
use values::check_values;

keys! {
/// Everything that determines a run, apart from the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of all randomness of the run. A whole number of at least 0.
    #[serde(default)]
    pub seed: u64,
    /// Backend, as `--backend` takes it: what computes; absent: `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The examples.
    pub data: DataConfig,
    /// The energy.
    pub model: ModelConfig,
    /// How chains move.
    pub sampler: SamplerConfig,
    /// Where the negative chains come from.
    pub chains: ChainsConfig,
    /// What is minimised.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// How parameters move.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// How long, and on how much at a time.
    pub training: TrainingConfig,
    /// What to do when a step fails.
    #[serde(default)]
    pub recovery: RecoveryConfig,
    /// What is written, and how often.
    #[serde(default)]
    pub output: OutputConfig,
}
}

impl RunConfig {
    /// A configuration that works, by the [name](PRESETS) of its preset.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn from_preset(name: &str) -> Result<Self, ConfigError> {
        ConfigTable::from_preset(name)?.read()
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first key that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.data.validate()?;
        self.model.kind().validate()?;
        self.recipe().validate()?;
        check_values(
            self.model.kind().visible_values(),
            &self.data,
            &self.training,
        )?;
        if let Some(patience) = self.training.early_stopping {
            check_at_least_one("training.early_stopping", patience as u64)?;
        }
        self.recovery.validate()?;
        Ok(self.output.validate()?)
    }

    /// The configuration that a new run writes down: with absolute paths, and with the share of the
    /// examples that is held out, unless the weights that it starts from may have seen them all.
    #[must_use]
    pub fn of_new_run(self) -> Self {
        let mut config = self.with_absolute_paths();
        if config.training.start_from.is_none() {
            config.data.keys_mut().hold_out_by_default();
        }
        config
    }

    /// What a [`Trainer`](ebm_train::Trainer) needs of it.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            steps: self.training.steps,
            batch_size: self.training.batch_size,
            data_noise: self.training.data_noise,
            augmentation: self.training.augmentation,
            ema_decay: self.training.ema_decay,
            precision: self.training.precision,
            sampler: self.sampler.clone(),
            chains: self.chains.clone(),
            objective: self.objective.clone(),
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            energy_limit: self.recovery.energy_limit,
            range: self.data.range().into(),
        }
    }

    /// The configuration as TOML, defaults included.
    ///
    /// # Errors
    ///
    /// If a value can't be written as TOML (a seed above 2^63 - 1).
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })
    }
}

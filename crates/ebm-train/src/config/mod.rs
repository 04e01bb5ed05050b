//! What a run is: one TOML file with a section for each stage of training.
//!
//! A [`RunConfig`] is read in layers: a preset or a file, then `--set section.key=value` overrides. Every
//! error names the key, what was found and what was expected.

mod chains;
mod commented;
mod data;
mod docs;
mod energy_unit;
mod error;
mod model;
mod optimizer;
mod output;
mod paths;
mod presets;
mod recovery;
mod sampler;
mod schedule;
mod section;
mod table;
mod training;

use serde::{Deserialize, Serialize};

pub use chains::{ChainStorage, ChainsConfig, PersistentConfig, ReplayBufferConfig, StartConfig};
pub use data::{DataConfig, DigitsConfig, FolderConfig, PlaneConfig};
pub use energy_unit::EnergyUnit;
pub use error::ConfigError;
pub use model::{
    BoltzmannMachineConfig, ConvNetConfig, DbmConfig, HopfieldConfig, MlpConfig, ModelConfig,
    PretrainingConfig, RbmConfig,
};
pub use optimizer::{AdamConfig, AdamWConfig, OptimizerConfig, SgdConfig};
pub use output::{MAX_SAMPLES, OutputConfig};
pub use presets::{PRESETS, preset};
pub(crate) use recovery::MOST_ROLLBACKS;
pub use recovery::RecoveryConfig;
pub use sampler::{
    GibbsConfig, LangevinConfig, MetropolisConfig, ParallelTemperingConfig, SamplerConfig,
};
pub use schedule::{CosineConfig, ExponentialConfig, LinearConfig, ScheduleConfig, ScheduleKind};
pub use section::NoKeys;
pub use table::ConfigTable;
pub use training::{ObjectiveConfig, SparsityConfig, TrainingConfig};

docs::keys! {
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

/// The sections that a [`Trainer`](crate::Trainer) needs, for a model and data of one's own.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerConfig {
    /// How chains move.
    pub sampler: SamplerConfig,
    /// Where the negative chains come from.
    pub chains: ChainsConfig,
    /// What is minimised.
    pub objective: ObjectiveConfig,
    /// How parameters move.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// How long, and on how much at a time.
    pub training: TrainingConfig,
    /// A mean energy beyond +-this makes a step bad, as one that is not a number does.
    pub energy_limit: f64,
    /// The range of the data: chains start in it and may be clamped to it.
    pub range: (f64, f64),
}

impl TrainerConfig {
    /// The learning rate of an update, counted from 0: the schedule's, halved by each roll-back.
    pub fn learning_rate(&self, step: u64, rollbacks: u32) -> f64 {
        let factor = self.schedule.factor(step, self.training.steps);
        self.optimizer.learning_rate() * factor * 0.5_f64.powi(rollbacks as i32)
    }
}

impl RunConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first key that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.data.validate()?;
        self.model.validate()?;
        self.trainer().validate()?;
        self.model.check_fit(&self.data, &self.training)?;
        self.recovery.validate()?;
        self.output.validate()
    }

    /// The sections that a [`Trainer`](crate::Trainer) needs.
    pub fn trainer(&self) -> TrainerConfig {
        TrainerConfig {
            sampler: self.sampler.clone(),
            chains: self.chains.clone(),
            objective: self.objective.clone(),
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            training: self.training.clone(),
            energy_limit: self.recovery.energy_limit,
            range: self.data.range(),
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

impl TrainerConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first key that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.sampler.validate()?;
        self.chains.validate(self.training.batch_size)?;
        if self.sampler.replicas() > 1 {
            error::check(
                matches!(self.chains, ChainsConfig::Persistent(_)),
                "chains.kind",
                format!("\"{}\"", self.chains.name()),
                "\"persistent\" with sampler.kind \"parallel_tempering\", whose replicas live on between updates",
            )?;
        }
        self.objective.validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.training.validate()
    }
}

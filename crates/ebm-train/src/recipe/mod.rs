//! What training is: a typed recipe that a trainer checks when it is built, and that can be written
//! down.

mod constructors;

use ebm_models::Precision;
use ebm_ops::Interval;
use serde::{Deserialize, Serialize};

use crate::augmentation::AugmentationKeys;
use crate::keys::{
    InvalidValue, MOST_TRANSITIONS, check, check_at_least_one, check_decay, check_not_negative,
};

pub use crate::augmentation::Augmentation;
pub use crate::chains::{
    ChainStorage, ChainsConfig, DataChainsConfig, LongChains, PersistentConfig, ReplayBufferConfig,
    StartConfig,
};
pub use crate::objectives::{ContrastiveDivergence, ObjectiveConfig, Sparsity};
pub use crate::objectives::{GradientPenalty, PenalizedPoints};
pub use crate::optimizer::{
    AdamConfig, AdamWConfig, CosineConfig, ExponentialConfig, LinearConfig, OptimizerConfig,
    ScheduleConfig, ScheduleKind, SgdConfig,
};
pub use crate::samplers::{
    GibbsConfig, GibbsWithGradientsConfig, HamiltonianConfig, LangevinConfig, MalaConfig,
    MetropolisConfig, ParallelTemperingConfig, SamplerConfig, UnderdampedLangevinConfig,
};

/// Everything that determines training but the model, the data and the noise.
///
/// A recipe begins as one that works ([`image_energy`](Self::image_energy),
/// [`density`](Self::density), [`boltzmann_machine`](Self::boltzmann_machine)) and is changed from
/// there. A [`Trainer`](crate::Trainer) checks it when it is built. It is written and read by
/// serde.
///
/// ```
/// use ebm_train::Recipe;
/// use ebm_train::recipe::HamiltonianConfig;
///
/// let recipe = Recipe::density()
///     .with_steps(2000)
///     .with_learning_rate(2e-3)
///     .with_sampler(HamiltonianConfig::new(5, 0.05, 4));
/// assert!(recipe.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Number of parameter updates, 1 or more, over which the learning rate changes.
    pub steps: u64,
    /// Examples, and chains, an update, 1 or more.
    pub batch_size: usize,
    /// Standard deviation of the noise added to the examples, 0 or more.
    pub data_noise: f64,
    /// Random changes of the examples, images; `None`: they are taken as they are.
    pub augmentation: Option<Augmentation>,
    /// Decay, 0 to below 1, of the moving average of the weights; `None`: no average.
    pub ema_decay: Option<f64>,
    /// The type in which energies of chains make their matrix products.
    pub precision: Precision,
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
    /// A mean energy beyond +-this makes a step bad, as one that is not a number does.
    pub energy_limit: f64,
    /// The range of the data: chains start in it and may be clamped to it.
    pub range: Interval,
}

impl Recipe {
    /// The learning rate of an update, counted from 0: the schedule's, halved by each roll-back.
    pub fn learning_rate(&self, step: u64, rollbacks: u32) -> f64 {
        let factor = self.schedule.factor(step, self.steps);
        self.optimizer.learning_rate() * factor * 0.5_f64.powi(rollbacks as i32)
    }

    /// The transitions that each chain makes in an update, counted from 0, where chains are
    /// `factor` times as long as the sampler says, rounded up; several times as many in an update
    /// of [long chains](crate::recipe::LongChains).
    pub fn transitions(&self, step: u64, factor: f64) -> usize {
        let long = self.chains.long().map_or(1, |long| long.factor_at(step));
        let wanted = self.sampler.transitions() as f64 * factor;
        // Not one more for a factor such as 1.1, which is a little more in binary.
        let wanted = (wanted - 1e-3).ceil() * long as f64;
        (wanted as usize).min(MOST_TRANSITIONS)
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        self.sampler.validate()?;
        self.chains.validate(self.batch_size)?;
        if self.sampler.keys().has_two_values()
            && let Some(start) = self.chains.start()
        {
            check(
                start == StartConfig::Binary,
                "chains.start",
                start,
                format!("\"binary\" with sampler.kind \"{}\"", self.sampler.name()),
            )?;
        }
        if self.sampler.replicas() > 1 {
            check(
                matches!(self.chains, ChainsConfig::Persistent(_)),
                "chains.kind",
                format!("\"{}\"", self.chains.name()),
                "\"persistent\" with sampler.kind \"parallel_tempering\", whose replicas live on between updates",
            )?;
        }
        self.objective.keys().validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        check_at_least_one("training.steps", self.steps)?;
        check_at_least_one("training.batch_size", self.batch_size as u64)?;
        check_not_negative("training.data_noise", self.data_noise)?;
        if let Some(augmentation) = self.augmentation {
            augmentation.validate(&AugmentationKeys::OF_EXAMPLES)?;
        }
        match self.ema_decay {
            None => Ok(()),
            Some(decay) => check_decay("training.ema_decay", decay),
        }
    }
}

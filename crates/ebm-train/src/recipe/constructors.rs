//! Recipes that work, and what may be changed of them.

use ebm_models::Precision;
use ebm_ops::Interval;

use super::{
    Augmentation, ChainsConfig, ContrastiveDivergence, GibbsConfig, LangevinConfig,
    ObjectiveConfig, OptimizerConfig, Recipe, ReplayBufferConfig, SamplerConfig, ScheduleConfig,
    StartConfig,
};

/// Mean energies beyond +-this make an update bad.
const ENERGY_LIMIT: f64 = 1e6;

impl Recipe {
    /// A network on images with values from -1 to 1: short Langevin chains at a low temperature
    /// that start at Gaussians of the examples and grow old in a replay buffer (Du & Mordatch
    /// 2019), energies kept near zero, Adam, 12,000 updates. Draw samples by chains that start
    /// where those of training do ([`Trainer::starting_points`](crate::Trainer::starting_points)).
    ///
    /// Networks of a few convolutions learn images of 28x28 pixels by it. Chains that make noise
    /// ask for a smaller [step](Self::with_sampler) or [learning rate](Self::with_learning_rate).
    pub fn image_energy() -> Self {
        Self {
            steps: 12_000,
            batch_size: 64,
            data_noise: 0.03,
            augmentation: None,
            ema_decay: Some(0.999),
            precision: Precision::F32,
            sampler: LangevinConfig::new(20, 10.0)
                .with_noise(0.015)
                .with_gradient_clip(0.015)
                .into(),
            chains: ReplayBufferConfig::new(1024, 0.01)
                .starting_at(StartConfig::Fitted)
                .into(),
            objective: ContrastiveDivergence::default()
                .with_energy_regularizer(0.1)
                .into(),
            optimizer: OptimizerConfig::adam(5e-4).with_gradient_clip(1.0),
            schedule: ScheduleConfig::cosine(0.0),
            energy_limit: ENERGY_LIMIT,
            range: Interval::new(-1.0, 1.0),
        }
    }

    /// The density of points with a few coordinates by maximum likelihood, energies in nats:
    /// Langevin chains at temperature 1 that are hardly ever restarted, Adam, 3,000 updates. The
    /// range is that of the problems of the plane, -1.5 to 1.5; other points need their own
    /// ([`with_range`](Self::with_range)), a little wider than they lie.
    pub fn density() -> Self {
        Self {
            steps: 3000,
            batch_size: 128,
            data_noise: 0.0,
            augmentation: None,
            ema_decay: Some(0.995),
            precision: Precision::F32,
            sampler: LangevinConfig::new(20, 0.0005)
                .with_temperature(1.0)
                .with_gradient_clip(200.0)
                .into(),
            chains: ChainsConfig::replay_buffer(4096, 0.005),
            objective: ContrastiveDivergence::default()
                .with_energy_regularizer(0.001)
                .into(),
            optimizer: OptimizerConfig::adam(4e-3).with_gradient_clip(1.0),
            schedule: ScheduleConfig::cosine(0.05),
            energy_limit: ENERGY_LIMIT,
            range: Interval::new(-1.5, 1.5),
        }
    }

    /// A Boltzmann machine of units that are 0 or 1, with layers or without: persistent chains of
    /// Gibbs sampling (Tieleman 2008), a learning rate that falls to 0, 10,000 updates.
    pub fn boltzmann_machine() -> Self {
        Self {
            steps: 10_000,
            batch_size: 64,
            data_noise: 0.0,
            augmentation: None,
            ema_decay: None,
            precision: Precision::F32,
            sampler: GibbsConfig::new(5).into(),
            chains: ChainsConfig::persistent(StartConfig::Binary),
            objective: ObjectiveConfig::default(),
            optimizer: OptimizerConfig::sgd(0.05).with_weight_decay(1e-4),
            schedule: ScheduleConfig::linear(0.0),
            energy_limit: ENERGY_LIMIT,
            range: Interval::new(0.0, 1.0),
        }
    }

    /// Makes so many updates, over which the learning rate changes.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// Takes so many examples, and chains, an update.
    #[must_use]
    pub fn with_batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Begins with this learning rate, and leaves the optimizer as it is otherwise.
    #[must_use]
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        self.optimizer = self.optimizer.with_learning_rate(learning_rate);
        self
    }

    /// Moves parameters by this optimizer.
    #[must_use]
    pub fn with_optimizer(mut self, optimizer: OptimizerConfig) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// Changes the learning rate by this schedule.
    #[must_use]
    pub fn with_schedule(mut self, schedule: ScheduleConfig) -> Self {
        self.schedule = schedule;
        self
    }

    /// Moves chains by this sampler.
    #[must_use]
    pub fn with_sampler(mut self, sampler: impl Into<SamplerConfig>) -> Self {
        self.sampler = sampler.into();
        self
    }

    /// Starts and keeps chains so.
    #[must_use]
    pub fn with_chains(mut self, chains: impl Into<ChainsConfig>) -> Self {
        self.chains = chains.into();
        self
    }

    /// Minimises this.
    #[must_use]
    pub fn with_objective(mut self, objective: impl Into<ObjectiveConfig>) -> Self {
        self.objective = objective.into();
        self
    }

    /// Adds normal noise of this standard deviation to the examples.
    #[must_use]
    pub fn with_data_noise(mut self, std: f64) -> Self {
        self.data_noise = std;
        self
    }

    /// Changes the examples, images, at random.
    #[must_use]
    pub fn with_augmentation(mut self, augmentation: Augmentation) -> Self {
        self.augmentation = Some(augmentation);
        self
    }

    /// Keeps a moving average of the weights, which samples are drawn with.
    #[must_use]
    pub fn with_moving_average(mut self, decay: f64) -> Self {
        self.ema_decay = Some(decay);
        self
    }

    /// Samples are drawn with the weights as they are.
    #[must_use]
    pub fn without_moving_average(mut self) -> Self {
        self.ema_decay = None;
        self
    }

    /// The values of the data lie in this range; chains start in it.
    #[must_use]
    pub fn with_range(mut self, range: impl Into<Interval>) -> Self {
        self.range = range.into();
        self
    }

    /// A mean energy beyond +-this makes an update bad.
    #[must_use]
    pub fn with_energy_limit(mut self, limit: f64) -> Self {
        self.energy_limit = limit;
        self
    }

    /// Energies of chains make their matrix products in this type.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }
}

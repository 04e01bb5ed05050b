//! The `[chains]` section: where the negative chains come from.

use std::fmt::{self, Display, Formatter};

use ebm_ops::Interval;
use ebm_sampling::StartingPoints;
use serde::{Deserialize, Serialize};

use super::eviction::Eviction;
use super::long_chains::LongChains;
use crate::augmentation::{Augmentation, AugmentationKeys};
use crate::keys::{Documented, InvalidValue, check, check_positive};

crate::kinds! {
    /// Where the chains of an update start, and what becomes of them.
    pub enum ChainsConfig {
        /// Drawn from a buffer of past chains and written back (Du & Mordatch 2019).
        "replay_buffer" => ReplayBuffer(ReplayBufferConfig),
        /// As many chains as a batch, never restarted (Tieleman 2008).
        "persistent" => Persistent(PersistentConfig),
        /// At the batch itself: contrastive divergence (Hinton 2002).
        "data" => Data(DataChainsConfig),
        /// At fresh noise in each update (Nijkamp et al. 2019).
        "noise" => Noise(PersistentConfig),
    }
}

crate::keys! {
/// Keys of the replay buffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayBufferConfig {
    /// Number of chains kept, at least training.batch_size.
    #[serde(default = "ReplayBufferConfig::default_capacity")]
    pub capacity: usize,
    /// Probability that a drawn chain is restarted, from 0 to 1.
    #[serde(default = "ReplayBufferConfig::default_fresh_fraction")]
    pub fresh_fraction: f64,
    /// What is kept of a chain: `"f32"` or `"u8"` (one byte a value, rounded).
    #[serde(default)]
    pub storage: ChainStorage,
    /// Where chains start: `"uniform"`, `"normal"` or `"binary"`, over the range of the data, or
    /// `"fitted"`, Gaussians with the mean and the covariance of the examples, one of each label.
    #[serde(default)]
    pub start: StartConfig,
    /// Robust standard deviations (1.4826 times the median absolute deviation), above 0, by which
    /// the energy of a chain may be above the median of its batch: beyond them it starts anew;
    /// absent: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evict_above: Option<f64>,
    /// Share of the values of a chain, above 0, that may lie still at an end of the range during
    /// an update: a chain with as many or more starts anew; absent: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evict_frozen: Option<f64>,
    /// Longer chains now and then; absent: all updates have chains of the same length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongChains>,
    /// Random changes of the images that chains are, before they move; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
}
}

crate::keys! {
/// Keys of chains that start at noise, once or in each update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersistentConfig {
    /// Where chains start: `"uniform"`, `"normal"` or `"binary"`, over the range of the data, or
    /// `"fitted"`, Gaussians with the mean and the covariance of the examples, one of each label.
    #[serde(default)]
    pub start: StartConfig,
    /// Longer chains now and then; absent: all updates have chains of the same length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongChains>,
}
}

crate::keys! {
/// Keys of chains that start at the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataChainsConfig {
    /// Longer chains now and then; absent: all updates have chains of the same length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongChains>,
}
}

/// What a buffer keeps of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainStorage {
    /// The values.
    #[default]
    F32,
    /// One byte a value, for chains that stay in the range of the data.
    U8,
}

/// The distribution of starting points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartConfig {
    /// Uniform over the range of the data.
    #[default]
    Uniform,
    /// Normal around the middle of the range, with half its width as standard deviation.
    Normal,
    /// Either end of the range with equal probability, for binary units.
    Binary,
    /// Gaussians with the mean and the covariance of the examples, one of each label.
    Fitted,
}

impl Documented for ChainStorage {}

impl Documented for StartConfig {}

impl ReplayBufferConfig {
    /// So many chains that start uniformly, of which this share is restarted.
    pub fn new(capacity: usize, fresh_fraction: f64) -> Self {
        Self {
            capacity,
            fresh_fraction,
            storage: ChainStorage::default(),
            start: StartConfig::default(),
            evict_above: None,
            evict_frozen: None,
            long: None,
            augmentation: None,
        }
    }

    /// The same with chains that start there.
    #[must_use]
    pub fn starting_at(mut self, start: StartConfig) -> Self {
        self.start = start;
        self
    }

    /// The same without chains whose energy is more than so many robust standard deviations above
    /// the median of their batch.
    #[must_use]
    pub fn evicting_above(mut self, deviations: f64) -> Self {
        self.evict_above = Some(deviations);
        self
    }

    /// The same without chains of which this share of values, or more, lies still at an end of the
    /// range.
    #[must_use]
    pub fn evicting_frozen(mut self, share: f64) -> Self {
        self.evict_frozen = Some(share);
        self
    }

    /// The same with chains that are changed at random before they move.
    #[must_use]
    pub fn with_augmentation(mut self, augmentation: Augmentation) -> Self {
        self.augmentation = Some(augmentation);
        self
    }

    fn default_capacity() -> usize {
        8192
    }

    fn default_fresh_fraction() -> f64 {
        0.05
    }

    /// Which chains start anew, if any do, for data in `range`.
    pub(super) fn eviction(&self, range: Interval) -> Option<Eviction> {
        let wanted = self.evict_above.is_some() || self.evict_frozen.is_some();
        wanted.then_some(Eviction {
            above: self.evict_above,
            frozen: self.evict_frozen,
            range,
        })
    }
}

impl ChainsConfig {
    /// A buffer of so many chains that start uniformly, of which this share is restarted.
    pub fn replay_buffer(capacity: usize, fresh_fraction: f64) -> Self {
        ReplayBufferConfig::new(capacity, fresh_fraction).into()
    }

    /// As many chains as a batch that are never restarted.
    pub fn persistent(start: StartConfig) -> Self {
        Self::Persistent(PersistentConfig { start, long: None })
    }

    /// Chains that start at the data in each update.
    pub fn from_data() -> Self {
        Self::Data(DataChainsConfig::default())
    }

    /// Chains that start at fresh noise in each update.
    pub fn from_noise(start: StartConfig) -> Self {
        Self::Noise(PersistentConfig { start, long: None })
    }

    /// The same with chains of `factor` times the length in every `every`-th update.
    #[must_use]
    pub fn with_long_chains(mut self, every: u64, factor: usize) -> Self {
        let long = match &mut self {
            Self::ReplayBuffer(keys) => &mut keys.long,
            Self::Persistent(keys) | Self::Noise(keys) => &mut keys.long,
            Self::Data(keys) => &mut keys.long,
        };
        *long = Some(LongChains { every, factor });
        self
    }

    /// Longer chains now and then, if they are wanted.
    pub fn long(&self) -> Option<LongChains> {
        match self {
            Self::ReplayBuffer(keys) => keys.long,
            Self::Persistent(keys) | Self::Noise(keys) => keys.long,
            Self::Data(keys) => keys.long,
        }
    }

    pub(crate) fn validate(&self, batch_size: usize) -> Result<(), InvalidValue> {
        if let Some(long) = self.long() {
            long.validate()?;
        }
        let Self::ReplayBuffer(keys) = self else {
            return Ok(());
        };
        check(
            // Chains are numbered with 32 bits on the device.
            (batch_size..=i32::MAX as usize).contains(&keys.capacity),
            "chains.capacity",
            keys.capacity,
            format!(
                "at least training.batch_size, {batch_size}, and at most {}",
                i32::MAX
            ),
        )?;
        check(
            (0.0..=1.0).contains(&keys.fresh_fraction),
            "chains.fresh_fraction",
            format!("{:?}", keys.fresh_fraction),
            "a number from 0 to 1",
        )?;
        if let Some(above) = keys.evict_above {
            check_positive("chains.evict_above", above)?;
        }
        if let Some(augmentation) = keys.augmentation {
            augmentation.validate(&AugmentationKeys::OF_CHAINS)?;
        }
        keys.evict_frozen.map_or(Ok(()), |share| {
            check(
                share > 0.0 && share <= 1.0,
                "chains.evict_frozen",
                format!("{share:?}"),
                "a number above 0, up to 1",
            )
        })
    }

    /// How chains are changed before they move, if they are.
    pub(crate) fn augmentation(&self) -> Option<Augmentation> {
        match self {
            Self::ReplayBuffer(keys) => keys.augmentation,
            Self::Persistent(_) | Self::Noise(_) | Self::Data(_) => None,
        }
    }

    /// The distribution that chains start from; `None` where they start at the data.
    pub fn start(&self) -> Option<StartConfig> {
        match self {
            Self::ReplayBuffer(keys) => Some(keys.start),
            Self::Persistent(keys) | Self::Noise(keys) => Some(keys.start),
            Self::Data(_) => None,
        }
    }
}

impl From<ReplayBufferConfig> for ChainsConfig {
    fn from(keys: ReplayBufferConfig) -> Self {
        Self::ReplayBuffer(keys)
    }
}

impl StartConfig {
    /// The starting points for data in `range`; `None` where those depend on the examples.
    pub fn points(self, range: Interval) -> Option<StartingPoints> {
        match self {
            Self::Uniform => Some(StartingPoints::Uniform(range)),
            Self::Binary => Some(StartingPoints::Binary(range)),
            Self::Normal => Some(StartingPoints::Normal {
                mean: range.middle(),
                std: range.width() / 2.0,
            }),
            Self::Fitted => None,
        }
    }
}

impl Display for StartConfig {
    /// As in files, in quotes.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "\"uniform\"",
            Self::Normal => "\"normal\"",
            Self::Binary => "\"binary\"",
            Self::Fitted => "\"fitted\"",
        })
    }
}

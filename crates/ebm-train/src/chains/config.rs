//! The `[chains]` section: where the negative chains come from.

use std::fmt::{self, Display, Formatter};

use ebm_ops::Interval;
use ebm_sampling::StartingPoints;
use serde::{Deserialize, Serialize};

use crate::keys::{Documented, InvalidValue, NoKeys, check};

crate::kinds! {
    /// Where the chains of an update start, and what becomes of them.
    pub enum ChainsConfig {
        /// Drawn from a buffer of past chains and written back (Du & Mordatch 2019).
        "replay_buffer" => ReplayBuffer(ReplayBufferConfig),
        /// As many chains as a batch, never restarted (Tieleman 2008).
        "persistent" => Persistent(PersistentConfig),
        /// At the batch itself: contrastive divergence (Hinton 2002).
        "data" => Data(NoKeys),
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
    /// Where chains start: `"uniform"`, `"normal"` or `"binary"`, over the range of the data.
    #[serde(default)]
    pub start: StartConfig,
}
}

crate::keys! {
/// Keys of chains that have only a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersistentConfig {
    /// Where chains start: `"uniform"`, `"normal"` or `"binary"`, over the range of the data.
    #[serde(default)]
    pub start: StartConfig,
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
}

impl Documented for ChainStorage {}

impl Documented for StartConfig {}

impl ReplayBufferConfig {
    fn default_capacity() -> usize {
        8192
    }

    fn default_fresh_fraction() -> f64 {
        0.05
    }
}

impl ChainsConfig {
    /// A buffer of so many chains that start uniformly, of which this share is restarted.
    pub fn replay_buffer(capacity: usize, fresh_fraction: f64) -> Self {
        Self::ReplayBuffer(ReplayBufferConfig {
            capacity,
            fresh_fraction,
            storage: ChainStorage::default(),
            start: StartConfig::default(),
        })
    }

    /// As many chains as a batch that are never restarted.
    pub fn persistent(start: StartConfig) -> Self {
        Self::Persistent(PersistentConfig { start })
    }

    /// Chains that start at the data in each update.
    pub fn from_data() -> Self {
        Self::Data(NoKeys {})
    }

    /// Chains that start at fresh noise in each update.
    pub fn from_noise(start: StartConfig) -> Self {
        Self::Noise(PersistentConfig { start })
    }

    pub(crate) fn validate(&self, batch_size: usize) -> Result<(), InvalidValue> {
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
        )
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

impl StartConfig {
    /// The starting points for data in `range`.
    pub fn points(self, range: Interval) -> StartingPoints {
        match self {
            Self::Uniform => StartingPoints::Uniform(range),
            Self::Binary => StartingPoints::Binary(range),
            Self::Normal => StartingPoints::Normal {
                mean: range.middle(),
                std: range.width() / 2.0,
            },
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
        })
    }
}

//! The `[data]` section: which examples to train on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, check, check_at_least_one, check_count, check_not_negative};
use super::section::section;
use crate::data::{Binarize, Fit};

section! {
    /// Where the examples come from.
    pub enum DataConfig {
        /// The UCI optical digits that ship with the program: 1,797 grey images of 8x8 pixels.
        "digits" => Digits(DigitsConfig),
        /// A folder of IDX files (MNIST and its relatives), CIFAR-10 binary files, or PNG and JPEG images.
        "folder" => Folder(FolderConfig),
        /// Two interleaved half circles in the plane.
        "two_moons" => TwoMoons(TwoMoonsConfig),
    }
}

/// The range that pixel values 0..=255 are mapped to, unless it is given.
fn default_range() -> [f64; 2] {
    [-1.0, 1.0]
}

/// Keys of the embedded digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitsConfig {
    /// What the darkest and the brightest pixel are mapped to.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// How grey pixels become black or white: `"threshold"` (white from 128 up) or `"sample"` (white with the
    /// pixel's value as probability, drawn once, the same for every run); absent: they stay grey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Keys of a folder of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder.
    #[serde(default)]
    pub path: PathBuf,
    /// For PNG and JPEG: 1 for grey, 3 for colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// For PNG and JPEG: height and width in pixels that every image is brought to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// For PNG and JPEG: how an image of another size is brought to `size`.
    #[serde(default)]
    pub fit: Fit,
    /// What the darkest and the brightest pixel are mapped to.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// How grey pixels become black or white, as for the digits. Files that hold nothing but 0 and 1, or 0 and 255,
    /// are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Keys of the two moons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoMoonsConfig {
    /// Number of points.
    #[serde(default = "TwoMoonsConfig::default_count")]
    pub count: usize,
    /// Standard deviation of the noise around the moons, in their radius.
    #[serde(default = "TwoMoonsConfig::default_noise")]
    pub noise: f64,
}

impl TwoMoonsConfig {
    fn default_count() -> usize {
        10_000
    }

    fn default_noise() -> f64 {
        0.1
    }
}

impl DataConfig {
    /// The range of the values: what pixels are mapped to, or a square around the points.
    pub fn range(&self) -> (f64, f64) {
        match self {
            Self::Digits(DigitsConfig {
                range: [low, high], ..
            })
            | Self::Folder(FolderConfig {
                range: [low, high], ..
            }) => (*low, *high),
            Self::TwoMoons(_) => (-1.5, 1.5),
        }
    }

    /// The number of examples to keep, if it is limited.
    pub fn limit(&self) -> Option<usize> {
        match self {
            Self::Digits(DigitsConfig { limit, .. }) | Self::Folder(FolderConfig { limit, .. }) => {
                *limit
            }
            Self::TwoMoons(_) => None,
        }
    }

    /// The same with all examples.
    #[must_use]
    pub fn without_limit(mut self) -> Self {
        match &mut self {
            Self::Digits(keys) => keys.limit = None,
            Self::Folder(keys) => keys.limit = None,
            Self::TwoMoons(_) => {}
        }
        self
    }

    /// Where the examples come from, for messages.
    pub fn place(&self) -> PathBuf {
        match self {
            Self::Digits(_) => "the embedded digits".into(),
            Self::Folder(keys) => keys.path.clone(),
            Self::TwoMoons(_) => "the two moons".into(),
        }
    }

    /// How pixels are made black and white, if they are.
    pub fn binarize(&self) -> Option<Binarize> {
        match self {
            Self::Digits(DigitsConfig { binarize, .. })
            | Self::Folder(FolderConfig { binarize, .. }) => *binarize,
            Self::TwoMoons(_) => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let (low, high) = self.range();
        // As the device has them.
        let width = high as f32 - low as f32;
        check(
            width.is_finite() && width > 0.0,
            "data.range",
            format!("[{low:?}, {high:?}]"),
            "two numbers, the lower first, that still differ and are finite with 32 bits",
        )?;
        if let Some(limit) = self.limit() {
            check_at_least_one("data.limit", limit as u64)?;
        }
        match self {
            Self::Digits(_) => Ok(()),
            Self::Folder(keys) => keys.validate(),
            Self::TwoMoons(keys) => {
                check_count("data.count", keys.count, 100_000_000)?;
                check_not_negative("data.noise", keys.noise)
            }
        }
    }
}

impl FolderConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        if let Some(channels) = self.channels {
            check(
                channels == 1 || channels == 3,
                "data.channels",
                channels,
                "1 (grey) or 3 (colour)",
            )?;
        }
        if let Some([height, width]) = self.size {
            let fits = |side: usize| (1..=4096).contains(&side);
            check(
                fits(height) && fits(width),
                "data.size",
                format!("[{height}, {width}]"),
                "[height, width] in pixels, 1 to 4096",
            )?;
        }
        Ok(())
    }
}

//! The `[data]` section: which examples to train on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use ebm_train::data::{Binarize, Fit, PLANE_RANGE, Plane, PlaneProblem};
use ebm_train::recipe::{InvalidValue, check, check_at_least_one, check_count, check_not_negative};

ebm_train::kinds! {
    /// Where the examples come from.
    pub enum DataConfig {
        /// The UCI optical digits that ship with the program: 1,797 grey images of 8x8 pixels.
        "digits" => Digits(DigitsConfig),
        /// A folder of IDX files (MNIST and its relatives), CIFAR-10 binary files, or PNG and JPEG images.
        "folder" => Folder(FolderConfig),
        /// Two interleaved half circles in the plane.
        "two_moons" => TwoMoons(PlaneConfig),
        /// Three circles around the origin of the plane.
        "rings" => Rings(PlaneConfig),
        /// Every second square of a board in the plane.
        "checkerboard" => Checkerboard(PlaneConfig),
        /// Five arms that wind around the origin of the plane.
        "pinwheel" => Pinwheel(PlaneConfig),
        /// Eight Gaussians on a circle in the plane.
        "gaussians" => Gaussians(PlaneConfig),
    }
}

/// The range that pixel values 0..=255 are mapped to, unless it is given.
fn default_range() -> [f64; 2] {
    [-1.0, 1.0]
}

ebm_train::keys! {
/// Keys of the embedded digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitsConfig {
    /// What the darkest and the brightest pixel are mapped to, the lower first.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// How grey pixels become black or white: `"threshold"` (white from 128 up) or `"sample"` (white with the
    /// pixel's value as probability, drawn once, the same for every run); absent: they stay grey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples, 1 or more; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
}

ebm_train::keys! {
/// Keys of a folder of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder of the files.
    #[serde(default)]
    pub path: PathBuf,
    /// For PNG and JPEG: 1 for grey, 3 for colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// For PNG and JPEG: height and width in pixels that every image is brought to, 1 to 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// For PNG and JPEG: how an image of another size is brought to `size`: `"crop"` (scale, and cut the longer
    /// side), `"stretch"`, or `"exact"` (refuse it).
    #[serde(default)]
    pub fit: Fit,
    /// What the darkest and the brightest pixel are mapped to, the lower first.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// The byte in the files that is white, the brightest, 1 to 255; absent: 1 where they hold nothing but 0 and 1, and
    /// 255 otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub white: Option<u8>,
    /// How grey pixels become black or white: `"threshold"` (white from 128 up) or `"sample"` (white with the
    /// pixel's value as probability, drawn once, the same for every run); absent: they stay grey. Files that hold
    /// nothing but 0 and 1, or 0 and 255, are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples, 1 or more; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
}

ebm_train::keys! {
/// Keys of a problem of the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaneConfig {
    /// Number of points, 1 to 100,000,000.
    #[serde(default = "PlaneConfig::default_count")]
    pub count: usize,
    /// Standard deviation, 0 or more, of the noise around moons, rings and centres, of the board's edges, or across the pinwheel's arms;
    /// absent: what shows the problem best. It is in units of the plane, where rings have radii of 0.4, 0.8 and 1.2, squares
    /// sides of 0.6, and centres lie on a circle of radius 1; for two moons in their radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
}
}

impl PlaneConfig {
    fn default_count() -> usize {
        10_000
    }

    fn plane(&self, problem: PlaneProblem) -> Plane {
        let plane = Plane::new(problem);
        match self.noise {
            Some(noise) => plane.with_noise(noise),
            None => plane,
        }
    }
}

impl DataConfig {
    /// The problem of the plane and the number of its points; `None` where the data are images.
    ///
    /// # Panics
    ///
    /// If the noise is negative, which [`validate`](super::RunConfig::validate) finds.
    pub fn plane(&self) -> Option<(Plane, usize)> {
        let (problem, keys) = match self {
            Self::Digits(_) | Self::Folder(_) => return None,
            Self::TwoMoons(keys) => (PlaneProblem::TwoMoons, keys),
            Self::Rings(keys) => (PlaneProblem::Rings, keys),
            Self::Checkerboard(keys) => (PlaneProblem::Checkerboard, keys),
            Self::Pinwheel(keys) => (PlaneProblem::Pinwheel, keys),
            Self::Gaussians(keys) => (PlaneProblem::Gaussians, keys),
        };
        Some((keys.plane(problem), keys.count))
    }

    /// The range of the values: what pixels are mapped to, or a square around the points.
    pub fn range(&self) -> (f64, f64) {
        match self {
            Self::Digits(DigitsConfig {
                range: [low, high], ..
            })
            | Self::Folder(FolderConfig {
                range: [low, high], ..
            }) => (*low, *high),
            _ => PLANE_RANGE,
        }
    }

    /// The number of examples to keep, if it is limited.
    pub fn limit(&self) -> Option<usize> {
        match self {
            Self::Digits(DigitsConfig { limit, .. }) | Self::Folder(FolderConfig { limit, .. }) => {
                *limit
            }
            _ => None,
        }
    }

    /// The same with all examples.
    #[must_use]
    pub fn without_limit(mut self) -> Self {
        match &mut self {
            Self::Digits(keys) => keys.limit = None,
            Self::Folder(keys) => keys.limit = None,
            _ => {}
        }
        self
    }

    /// Where the examples come from, for messages.
    pub fn place(&self) -> PathBuf {
        match self {
            Self::Digits(_) => "the embedded digits".into(),
            Self::Folder(keys) => keys.path.clone(),
            Self::TwoMoons(_) => "the two moons".into(),
            Self::Rings(_) => "the rings".into(),
            Self::Checkerboard(_) => "the checkerboard".into(),
            Self::Pinwheel(_) => "the pinwheel".into(),
            Self::Gaussians(_) => "the Gaussians".into(),
        }
    }

    /// How pixels are made black and white, if they are.
    pub fn binarize(&self) -> Option<Binarize> {
        match self {
            Self::Digits(DigitsConfig { binarize, .. })
            | Self::Folder(FolderConfig { binarize, .. }) => *binarize,
            _ => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
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
            Self::TwoMoons(keys)
            | Self::Rings(keys)
            | Self::Checkerboard(keys)
            | Self::Pinwheel(keys)
            | Self::Gaussians(keys) => {
                check_count("data.count", keys.count, 100_000_000)?;
                check_not_negative("data.noise", keys.noise.unwrap_or(0.0))
            }
        }
    }
}

impl FolderConfig {
    fn validate(&self) -> Result<(), InvalidValue> {
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
        if let Some(white) = self.white {
            check(white > 0, "data.white", white, "a byte, 1 to 255")?;
        }
        Ok(())
    }
}

//! The kinds of data, `data.kind` in a configuration: one file and one line each.

mod digits;
mod folder;
mod images;
mod plane;

use std::path::PathBuf;

use burn::tensor::Device;
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::data::{Binarize, Plane, Split};
use ebm_train::keys::{InvalidValue, check, check_at_least_one};

use crate::error::RunError;

pub use digits::DigitsConfig;
pub use folder::FolderConfig;
pub use plane::PlaneConfig;

ebm_train::kinds! {
    /// Where the examples come from.
    pub enum DataConfig: DataKind {
        /// The UCI optical digits that ship with the program: 1,797 grey images of 8x8 pixels.
        "digits" => Digits(DigitsConfig),
        /// A folder of IDX files (MNIST and its relatives), CIFAR-10 binary files, or PNG and JPEG
        /// images.
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

/// What the keys of a kind of data say. Most methods have a default that fits where a kind has no
/// such key.
///
/// Several kinds may have the same keys: what differs between them is given the name of the kind.
pub trait DataKind {
    /// Where the examples come from, for messages.
    fn place(&self, kind: &'static str) -> PathBuf;

    /// The range of the values, the lower end first: what pixels are mapped to, or a square around
    /// points.
    fn range(&self) -> (f64, f64);

    /// Checks the values of the keys that no other kind has.
    ///
    /// # Errors
    ///
    /// The first that is out of range.
    fn validate(&self) -> Result<(), InvalidValue> {
        Ok(())
    }

    /// The number of examples to keep, if it is limited.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// How pixels are made black and white, if they are.
    fn binarize(&self) -> Option<Binarize> {
        None
    }

    /// The byte that is white in the files, if it is said.
    fn white(&self) -> Option<u8> {
        None
    }

    /// The problem of the plane and the number of its points; `None` where the data are images.
    ///
    /// # Panics
    ///
    /// If the noise is negative, which [`validate`](Self::validate) finds.
    fn plane(&self, _kind: &'static str) -> Option<(Plane, usize)> {
        None
    }

    /// The share of the examples that is held out where the source has no test set of its own.
    fn test_fraction(&self) -> f64 {
        0.0
    }

    /// Says how many examples a new run holds out, if that isn't said.
    fn hold_out_by_default(&mut self) {}

    /// Whether the test split is a share of the training examples, since the source has none.
    ///
    /// # Errors
    ///
    /// If the source can't be looked at.
    fn holds_out_training_examples(&self) -> Result<bool, RunError> {
        Ok(false)
    }

    /// The path that is read, if there is one.
    fn path_mut(&mut self) -> Option<&mut PathBuf> {
        None
    }

    /// Reads or draws the examples of a split: `[count, channels, height, width]`; points of the
    /// plane have two channels of one pixel.
    ///
    /// # Errors
    ///
    /// If files are missing, damaged or of another shape, or don't fit into memory.
    fn examples(&self, request: ExamplesRequest<'_>) -> Result<Examples<4>, RunError>;
}

/// Which examples are asked for, and what makes them.
#[derive(Debug)]
pub struct ExamplesRequest<'a> {
    /// The name of the kind of data.
    pub kind: &'static str,
    /// Which part of the data.
    pub split: Split,
    /// The number of images to keep, the first of them; `None`: all.
    pub limit: Option<usize>,
    /// What holds the examples.
    pub device: &'a Device,
    /// Draws what is drawn.
    pub noise: &'a mut Noise,
}

/// The range that pixel values 0..=255 are mapped to, unless it is given.
fn default_range() -> [f64; 2] {
    [-1.0, 1.0]
}

impl DataConfig {
    /// The problem of the plane and the number of its points; `None` where the data are images.
    ///
    /// # Panics
    ///
    /// If the noise is negative, which [`validate`](crate::config::RunConfig::validate) finds.
    pub fn plane(&self) -> Option<(Plane, usize)> {
        self.keys().plane(self.name())
    }

    /// Whether the data are images, and not points of the plane.
    pub fn is_image(&self) -> bool {
        self.plane().is_none()
    }

    /// The range of the values: what pixels are mapped to, or a square around the points.
    pub fn range(&self) -> (f64, f64) {
        self.keys().range()
    }

    /// The number of examples to keep, if it is limited.
    pub fn limit(&self) -> Option<usize> {
        self.keys().limit()
    }

    /// Where the examples come from, for messages.
    pub fn place(&self) -> PathBuf {
        self.keys().place(self.name())
    }

    /// How pixels are made black and white, if they are.
    pub fn binarize(&self) -> Option<Binarize> {
        self.keys().binarize()
    }

    /// Checks every value against its range.
    pub(crate) fn validate(&self) -> Result<(), InvalidValue> {
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
        self.keys().validate()
    }
}

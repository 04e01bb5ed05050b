//! The shape that images of other sizes are brought to, and how.

use crate::keys::Documented;
use serde::{Deserialize, Serialize};

use super::DataError;

/// The longest side of an image, read or asked for.
pub(super) const MAX_SIDE: u32 = 16_384;

/// How an image of another size is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Keep the aspect: scale so that the shorter side fits, cut equally from both ends of the
    /// longer one.
    #[default]
    Crop,
    /// Scale both sides independently.
    Stretch,
    /// Refuse an image of another size.
    Exact,
}

impl Documented for Fit {}

/// What images read from PNG and JPEG files shall look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageOptions {
    /// 1 for grey (luma by Rec. 709: 0.2126 R + 0.7152 G + 0.0722 B) or 3 for RGB.
    pub channels: usize,
    /// Rows, 1 to 16,384.
    pub height: usize,
    /// Columns, 1 to 16,384.
    pub width: usize,
    /// How images of another size are made to fit.
    #[serde(default)]
    pub fit: Fit,
}

impl ImageOptions {
    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`DataError::Option`] with the first field that is out of range.
    pub fn validate(&self) -> Result<(), DataError> {
        if !matches!(self.channels, 1 | 3) {
            let (option, found) = ("channels", self.channels);
            return Err(DataError::Option {
                option,
                found,
                expected: "1 (grey) or 3 (RGB)",
            });
        }
        for (option, found) in [("height", self.height), ("width", self.width)] {
            if found == 0 || found > MAX_SIDE as usize {
                return Err(DataError::Option {
                    option,
                    found,
                    expected: "1 to 16384",
                });
            }
        }
        Ok(())
    }

    /// `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }
}

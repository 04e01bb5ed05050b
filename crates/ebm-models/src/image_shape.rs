//! The shape of an image: its channels, height and width.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Channels, height and width of an image. In files it is the list `[channels, height, width]`.
///
/// ```
/// use ebm_models::ImageShape;
///
/// let shape = ImageShape::new(1, 28, 28);
/// assert_eq!(shape.values(), 784);
/// assert_eq!(shape.to_string(), "1x28x28");
/// assert_eq!(shape, [1, 28, 28].into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[usize; 3]", into = "[usize; 3]")]
pub struct ImageShape {
    /// Channels: 1 of a grey image, 3 of a colour one.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl ImageShape {
    /// The shape of these sizes.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            channels,
            height,
            width,
        }
    }

    /// The number of values of an image, `channels * height * width`, or `usize::MAX` if that is
    /// more.
    pub const fn values(self) -> usize {
        let pixels = self.height.saturating_mul(self.width);
        self.channels.saturating_mul(pixels)
    }
}

impl From<[usize; 3]> for ImageShape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self::new(channels, height, width)
    }
}

impl From<ImageShape> for [usize; 3] {
    fn from(shape: ImageShape) -> Self {
        [shape.channels, shape.height, shape.width]
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

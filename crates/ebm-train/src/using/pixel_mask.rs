//! Which pixels of an image are free to change, and which are given.

use crate::data::Images;

/// Half an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The left columns.
    Left,
    /// The right columns.
    Right,
    /// The upper rows.
    Top,
    /// The lower rows.
    Bottom,
}

/// A rectangle of pixels; rows and columns count from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// A mask that leaves nothing to do, or doesn't fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PixelMaskError {
    /// A rectangle that reaches beyond the image.
    #[error(
        "a rectangle of {}x{} pixels at row {} and column {} is not inside an image of {}x{} pixels",
        rectangle.height, rectangle.width, rectangle.top, rectangle.left, image[0], image[1]
    )]
    Outside {
        /// The rectangle.
        rectangle: Rectangle,
        /// Height and width of the image.
        image: [usize; 2],
    },
    /// No pixel is free.
    #[error("no pixel is free: nothing is left to fill in")]
    NothingFree,
}

/// The free pixels of an image, the same in all channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelMask {
    size: [usize; 2],
    /// Row by row.
    free: Vec<bool>,
}

impl PixelMask {
    /// Frees a rectangle.
    ///
    /// # Errors
    ///
    /// If it is empty or reaches beyond the image of `size`, height and width.
    pub fn rectangle(size: [usize; 2], rectangle: Rectangle) -> Result<Self, PixelMaskError> {
        let Rectangle {
            top,
            left,
            height,
            width,
        } = rectangle;
        let inside = |first: usize, count: usize, all| {
            first.checked_add(count).is_some_and(|end| end <= all)
        };
        if height == 0 || width == 0 {
            return Err(PixelMaskError::NothingFree);
        }
        if !inside(top, height, size[0]) || !inside(left, width, size[1]) {
            return Err(PixelMaskError::Outside {
                rectangle,
                image: size,
            });
        }
        Ok(Self::new(size, |y, x| {
            (top..top + height).contains(&y) && (left..left + width).contains(&x)
        }))
    }

    /// Frees half of an image of `size`; of an odd number of rows or columns the smaller half.
    ///
    /// # Errors
    ///
    /// If that is nothing.
    pub fn half(size: [usize; 2], side: Side) -> Result<Self, PixelMaskError> {
        let [height, width] = size;
        let (rows, columns) = (height / 2, width / 2);
        let (top, left, height, width) = match side {
            Side::Left => (0, 0, height, columns),
            Side::Right => (0, width - columns, height, columns),
            Side::Top => (0, 0, rows, width),
            Side::Bottom => (height - rows, 0, rows, width),
        };
        let half = Rectangle {
            top,
            left,
            height,
            width,
        };
        Self::rectangle(size, half)
    }

    /// Frees the pixels that are bright, 128 or more, in the first channel of the first of
    /// `images`.
    ///
    /// # Errors
    ///
    /// If none is.
    pub fn from_image(images: &Images) -> Result<Self, PixelMaskError> {
        let [_, height, width] = images.shape();
        let free: Vec<bool> = images
            .pixels()
            .iter()
            .take(height * width)
            .map(|&pixel| pixel >= 128)
            .collect();
        if !free.contains(&true) {
            return Err(PixelMaskError::NothingFree);
        }
        Ok(Self {
            size: [height, width],
            free,
        })
    }

    fn new([height, width]: [usize; 2], free: impl Fn(usize, usize) -> bool) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        Self {
            size: [height, width],
            free: pixels.map(|(y, x)| free(y, x)).collect(),
        }
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The number of free pixels, at least 1.
    pub fn count(&self) -> usize {
        self.free.iter().filter(|free| **free).count()
    }

    /// For each value of an image `[channels, height, width]`, row by row, whether it is free.
    pub fn values(&self, channels: usize) -> Vec<bool> {
        self.free.repeat(channels)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rectangle([top, left, height, width]: [usize; 4]) -> Rectangle {
        Rectangle {
            top,
            left,
            height,
            width,
        }
    }

    fn picture(mask: &PixelMask) -> Vec<String> {
        let rows = mask.free.chunks(mask.size[1]);
        let mark = |row: &[bool]| {
            row.iter()
                .map(|&free| if free { '?' } else { '.' })
                .collect()
        };
        rows.map(mark).collect()
    }

    #[test]
    fn rectangles_and_halves_are_where_they_should_be() {
        let mask = PixelMask::rectangle([3, 4], rectangle([1, 2, 2, 1])).unwrap();
        assert_eq!(picture(&mask), ["....", "..?.", "..?."]);
        assert_eq!((mask.count(), mask.size()), (2, [3, 4]));
        assert_eq!(mask.values(2).len(), 24);
        assert_eq!(mask.values(2)[..12], mask.values(2)[12..]);
        let half = |side| picture(&PixelMask::half([3, 4], side).unwrap());
        assert_eq!(half(Side::Left), ["??..", "??..", "??.."]);
        assert_eq!(half(Side::Right), ["..??", "..??", "..??"]);
        assert_eq!(half(Side::Top), ["????", "....", "...."]);
        assert_eq!(half(Side::Bottom), ["....", "....", "????"]);
    }

    #[test]
    fn bright_pixels_of_an_image_are_free() {
        let images = Images::new(vec![0, 128, 255, 127], [1, 2, 2]).unwrap();
        let mask = PixelMask::from_image(&images).unwrap();
        assert_eq!(picture(&mask), [".?", "?."]);
        let dark = Images::new(vec![0; 4], [1, 2, 2]).unwrap();
        assert_eq!(
            PixelMask::from_image(&dark),
            Err(PixelMaskError::NothingFree)
        );
    }

    #[test]
    fn masks_that_do_not_fit_are_refused() {
        for outside in [
            [0, 0, 4, 1],
            [2, 0, 2, 1],
            [0, 4, 1, 1],
            [0, 1, 1, usize::MAX],
        ] {
            let error = PixelMask::rectangle([3, 4], rectangle(outside)).unwrap_err();
            assert!(error.to_string().contains("3x4"), "{error}");
        }
        let nothing = Err(PixelMaskError::NothingFree);
        assert_eq!(
            PixelMask::rectangle([3, 4], rectangle([0, 0, 0, 2])),
            nothing
        );
        assert_eq!(PixelMask::half([3, 1], Side::Left), nothing);
    }
}

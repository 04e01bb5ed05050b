//! What is asked for of a data set: how many images of which shape, refused before they are read
//! where memory can't hold them.

use std::path::Path;

use super::buffer::check_memory;
use super::{DataError, ImageOptions, Images};
use crate::files::memory;

/// Bytes that a pixel takes while images are loaded: its own, and one on its way to a device.
const BYTES_PER_PIXEL: u128 = 2;

/// What is asked for of a data set. [`Default`] is all of it, as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Only the first so many images; what comes after them is checked and not kept.
    pub limit: Option<usize>,
    /// Refuse images of another number of channels.
    pub channels: Option<usize>,
    /// Refuse images of another height and width.
    pub size: Option<[usize; 2]>,
    /// The byte that stands for white, which becomes 255; `None`: 1 where the bytes are nothing but
    /// 0 and 1, which are masks, and 255 otherwise.
    pub white: Option<u8>,
    /// What images are brought to that have sizes of their own, as PNG and JPEG files have; a
    /// format whose images have one shape by themselves doesn't look at it.
    pub scale_to: Option<ImageOptions>,
}

impl From<ImageOptions> for ReadOptions {
    /// All of a data set, with images of other sizes brought to one.
    fn from(shape: ImageOptions) -> Self {
        Self {
            scale_to: Some(shape),
            ..Self::default()
        }
    }
}

impl ReadOptions {
    /// How many of `count` images of `shape` to keep.
    ///
    /// # Errors
    /// [`DataError::WrongShape`], or [`DataError::OutOfMemory`] if they don't fit, with `more`
    /// bytes beside them.
    pub(super) fn accept(
        &self,
        path: &Path,
        count: usize,
        shape: [usize; 3],
        more: u128,
    ) -> Result<usize, DataError> {
        let [channels, height, width] = shape;
        let [height, width] = self.size.unwrap_or([height, width]);
        let expected = [self.channels.unwrap_or(channels), height, width];
        if shape != expected {
            return Err(DataError::WrongShape {
                path: path.to_owned(),
                found: shape,
                expected,
            });
        }
        let count = self.limit.map_or(count, |limit| limit.min(count));
        let pixels = memory::product(&shape).saturating_mul(count as u128);
        check_memory(
            path,
            || format!("{count} images of {channels}x{height}x{width}"),
            pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(more),
        )?;
        Ok(count)
    }

    /// Brings the bytes of a whole data set to 0 to 255 where its white is another; `brightest` is
    /// its largest byte, that of images which weren't kept included. What wasn't asked for is said
    /// by a warning.
    pub(super) fn spread(&self, images: Images, brightest: u8, path: &Path) -> Images {
        match self.white {
            None if brightest == 1 => {
                tracing::warn!(
                    "{}: found images of 0 and 1 alone, which are taken as black and white, 0 and 255",
                    path.display()
                );
                images.with_white(1)
            }
            None => images,
            Some(white) => images.with_white(white),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_memory_are_checked_before_anything_is_read() {
        let path = Path::new("some-file");
        let all = ReadOptions::default();
        assert_eq!(all.accept(path, 7, [3, 4, 5], 0).unwrap(), 7);
        let some = ReadOptions {
            limit: Some(5),
            channels: Some(3),
            size: Some([4, 5]),
            ..all
        };
        assert_eq!(some.accept(path, 7, [3, 4, 5], 0).unwrap(), 5);
        for shape in [[1, 4, 5], [3, 5, 5], [3, 4, 4]] {
            let error = some.accept(path, 7, shape, 0).unwrap_err();
            assert!(matches!(error, DataError::WrongShape { .. }), "{error}");
        }
        let error = all.accept(path, usize::MAX, [3, 4, 5], 0).unwrap_err();
        assert!(
            error.to_string().starts_with("some-file: found ") && error.to_string().contains("GB"),
            "{error}"
        );
        // The first few of them fit.
        assert_eq!(some.accept(path, usize::MAX, [3, 4, 5], 0).unwrap(), 5);
    }

    #[test]
    fn zero_and_one_are_black_and_white_unless_white_is_said() {
        let spread = |options: ReadOptions, pixels: &[u8]| {
            let images = Images::new(pixels.to_vec(), [1, 1, 2]).unwrap();
            let brightest = pixels.iter().copied().max().unwrap();
            options
                .spread(images, brightest, Path::new("x"))
                .pixels()
                .to_vec()
        };
        let by_itself = ReadOptions::default();
        assert_eq!(spread(by_itself, &[0, 1, 1, 0]), [0, 255, 255, 0]);
        // An image that is nearly black beside one that isn't.
        assert_eq!(spread(by_itself, &[0, 1, 2, 0]), [0, 1, 2, 0]);
        assert_eq!(spread(by_itself, &[0, 0]), [0, 0]);
        let white = |white| ReadOptions {
            white: Some(white),
            ..by_itself
        };
        assert_eq!(spread(white(255), &[0, 1, 1, 0]), [0, 1, 1, 0]);
        assert_eq!(spread(white(16), &[0, 8, 16, 17]), [0, 128, 255, 255]);
    }
}

//! A set of images in memory: unsigned bytes in one buffer, with labels where there are any.

use super::{DataError, Labels};

/// Images of one shape, `u8` pixels in one contiguous buffer `[count, channels, height, width]`,
/// row-major.
///
/// Pixels are kept as they lie in the file, 0 to 255; scaling to the range of a model is the
/// consumer's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    shape: [usize; 3],
    labels: Option<Labels>,
}

impl Images {
    /// Images of `shape` (channels, height, width) without labels.
    ///
    /// # Shapes
    /// - pixels: `[count * channels * height * width]`, a count of 0 included
    ///
    /// # Errors
    /// [`DataError::PixelCount`] if a side is 0 or the buffer isn't a whole number of images.
    pub fn new(pixels: Vec<u8>, shape: [usize; 3]) -> Result<Self, DataError> {
        let size = shape
            .iter()
            .try_fold(1usize, |size, &side| size.checked_mul(side));
        match size {
            Some(size) if size > 0 && pixels.len().is_multiple_of(size) => Ok(Self {
                pixels,
                shape,
                labels: None,
            }),
            _ => Err(DataError::PixelCount {
                found: pixels.len(),
                shape,
            }),
        }
    }

    /// The same images with one label each.
    ///
    /// # Errors
    /// [`DataError::Labels`] if there isn't one label an image.
    pub fn with_labels(mut self, labels: Labels) -> Result<Self, DataError> {
        if labels.len() != self.len() {
            return Err(DataError::Labels {
                found: format!("{} labels", labels.len()),
                expected: format!("{}, one for each image", self.len()),
            });
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.image_size()
    }

    /// Whether there isn't one image.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// `[channels, height, width]` of every image; no side is 0.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Pixels in one image: channels * height * width, at least 1.
    pub fn image_size(&self) -> usize {
        self.shape.iter().product()
    }

    /// All pixels, `[count, channels, height, width]` row-major, 0 to 255.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels of image `index`, `[channels, height, width]` row-major.
    ///
    /// # Panics
    /// If `index` isn't below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        assert!(index < self.len(), "image {index} of {}", self.len());
        let size = self.image_size();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// One label an image, or `None` if the source has none.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// A copy of the images at `indices`, in that order; an index may occur more than once.
    ///
    /// # Panics
    /// If an index isn't below [`len`](Self::len).
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.image_size());
        for &index in indices {
            pixels.extend_from_slice(self.image(index));
        }
        Self {
            pixels,
            shape: self.shape,
            labels: self.labels.as_ref().map(|labels| labels.subset(indices)),
        }
    }

    /// The images at `rows`, which ascend, in the buffer that holds them all.
    #[must_use]
    pub(super) fn keep(mut self, rows: &[usize]) -> Self {
        let size = self.image_size();
        for (to, &from) in rows.iter().enumerate() {
            self.pixels
                .copy_within(from * size..(from + 1) * size, to * size);
        }
        self.pixels.truncate(rows.len() * size);
        self.pixels.shrink_to_fit();
        self.labels = self.labels.map(|labels| labels.subset(rows));
        self
    }

    /// The labels `from` other images, of which these are a changed copy, one to one.
    #[must_use]
    pub(super) fn with_labels_of(mut self, from: &Self) -> Self {
        self.labels = from.labels.clone();
        self
    }

    /// The pixels with `white`, which isn't 0, brought to 255, what lies between in proportion,
    /// what lies above cut off.
    #[must_use]
    pub(super) fn with_white(mut self, white: u8) -> Self {
        self.map_pixels(|pixels| brighten(pixels, white));
        self
    }

    /// The buffer of pixels: `[count, channels, height, width]`, row-major.
    pub(crate) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The largest byte of all pixels, 0 if there are none.
    pub(super) fn brightest(&self) -> u8 {
        self.pixels.iter().copied().max().unwrap_or(0)
    }

    /// Changes pixels in place.
    pub(super) fn map_pixels(&mut self, change: impl FnOnce(&mut [u8])) {
        change(&mut self.pixels);
    }

    /// The first `limit` images, or all if there are fewer.
    #[must_use]
    pub fn take(mut self, limit: usize) -> Self {
        if limit < self.len() {
            self.pixels.truncate(limit * self.image_size());
            self.pixels.shrink_to_fit();
            if let Some(labels) = &mut self.labels {
                labels.truncate(limit);
            }
        }
        self
    }
}

/// Brings `white`, which isn't 0, to 255, what lies between in proportion, what lies above cut off.
pub(super) fn brighten(pixels: &mut [u8], white: u8) {
    if white < u8::MAX {
        let white = u32::from(white.max(1));
        let scaled = |pixel: u8| ((u32::from(pixel) * 255 + white / 2) / white).min(255) as u8;
        pixels.iter_mut().for_each(|pixel| *pixel = scaled(*pixel));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Three images of 1x2x2 that count 0 to 11, labelled 2, 0, 1.
    fn three() -> Images {
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let images = Images::new((0..12).collect(), [1, 2, 2]).unwrap();
        let labels = Labels::named(vec![2, 0, 1], names).unwrap();
        images.with_labels(labels).unwrap()
    }

    #[test]
    fn images_are_slices_of_the_buffer() {
        let images = three();
        assert_eq!(
            (images.len(), images.shape(), images.image_size()),
            (3, [1, 2, 2], 4)
        );
        assert_eq!(images.image(0), [0, 1, 2, 3]);
        assert_eq!(images.image(2), [8, 9, 10, 11]);
        assert!(!images.is_empty());
    }

    #[test]
    fn subset_follows_the_order_given() {
        let subset = three().subset(&[2, 0, 2]);
        assert_eq!(subset.pixels(), [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
        let labels = subset.labels().unwrap();
        assert_eq!(labels.indices(), [1, 2, 1]);
        assert_eq!(labels.names(), three().labels().unwrap().names());
        assert!(three().subset(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "image 3 of 3")]
    fn subset_refuses_an_index_past_the_end() {
        let _ = three().subset(&[3]);
    }

    #[test]
    fn take_cuts_pixels_and_labels_alike() {
        let taken = three().take(2);
        assert_eq!(taken.len(), 2);
        assert_eq!(taken.labels().unwrap().indices(), [2, 0]);
        assert_eq!(taken.labels().unwrap().classes(), 3);
        assert_eq!(taken.pixels(), (0..8).collect::<Vec<u8>>());
        assert_eq!(three().take(7), three());
        assert!(three().take(0).is_empty());
    }

    #[test]
    fn ragged_buffers_and_empty_shapes_are_refused() {
        for (count, shape) in [
            (5, [1, 2, 2]),
            (4, [1, 0, 2]),
            (0, [0, 1, 1]),
            (1, [usize::MAX, 2, 2]),
        ] {
            let error = Images::new(vec![0; count], shape).unwrap_err();
            assert!(matches!(error, DataError::PixelCount { found, .. } if found == count));
        }
        assert_eq!(Images::new(vec![], [1, 2, 2]).unwrap().len(), 0);
    }

    #[test]
    fn labels_must_fit_images_and_names() {
        let error = three().with_labels(Labels::new(vec![0, 1])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "image labels: found 2 labels, expected 3, one for each image"
        );
        let names = ["a", "b"].map(String::from).to_vec();
        let error = Labels::named(vec![0, 1, 2], names).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("found label 2, expected labels below 2"),
            "{error}"
        );
    }
}

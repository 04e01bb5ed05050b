//! Single PNG and JPEG files, and images of other sizes brought to one.

use std::path::Path;

use rayon::prelude::*;

use super::decode::{decode_into, fit_bytes};
use super::wanted::{check_memory, zeros};
use super::{DataError, ImageOptions, Images, Wanted};
use crate::memory::product;

/// Reads PNG and JPEG files in the order given. If all of them are nothing but 0 and 1, they are masks, which become 0 and 255.
///
/// # Shapes
/// `[count, options.channels, options.height, options.width]`
///
/// # Errors
/// [`DataError::Option`], [`DataError::Io`], [`DataError::Input`] for a pipe or a device, [`DataError::Decode`] for a file that
/// is no image, or [`DataError::WrongShape`] (only [`Fit::Exact`](super::Fit::Exact)) for the first in order;
/// [`DataError::OutOfMemory`].
pub fn load_image_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &ImageOptions,
) -> Result<Images, DataError> {
    options.validate()?;
    let size: usize = options.shape().iter().product();
    let first = paths.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
    let wanted = Wanted::default();
    let count = wanted.accept(first, paths.len(), options.shape(), 0)?;
    let mut pixels = zeros(first, count * size)?;
    for (path, out) in paths.iter().zip(pixels.chunks_exact_mut(size)) {
        decode_into(path.as_ref(), options, out)?;
    }
    let images = Images::new(pixels, options.shape())?;
    let brightest = images.brightest();
    Ok(wanted.spread(images, brightest, first))
}

impl Images {
    /// The images brought to the size and the number of channels that `options` ask for, as those of files are. Labels are left
    /// out.
    ///
    /// # Errors
    /// [`DataError::Option`] if the options are out of range or the images have neither 1 nor 3 channels, [`DataError::OutOfMemory`]
    /// if they don't fit.
    pub fn resized(&self, options: &ImageOptions) -> Result<Self, DataError> {
        options.validate()?;
        if !matches!(self.shape()[0], 1 | 3) {
            return Err(DataError::Option {
                option: "channels",
                found: self.shape()[0],
                expected: "images of 1 (grey) or 3 (RGB)",
            });
        }
        let size: usize = options.shape().iter().product();
        let [channels, height, width] = options.shape();
        let what = || {
            format!(
                "{} images to be scaled to {channels}x{height}x{width}",
                self.len()
            )
        };
        let bytes = product(&[self.len(), size]);
        check_memory(Path::new("images"), what, bytes)?;
        let mut pixels = zeros(Path::new("images"), self.len() * size)?;
        pixels
            .par_chunks_exact_mut(size)
            .enumerate()
            .for_each(|(index, out)| fit_bytes(self.image(index), self.shape(), options, out));
        Self::new(pixels, options.shape())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Fit;
    use super::*;

    fn options(channels: usize, height: usize, width: usize) -> ImageOptions {
        ImageOptions {
            channels,
            height,
            width,
            fit: Fit::Stretch,
        }
    }

    #[test]
    fn the_same_size_changes_nothing_and_grey_becomes_three_equal_channels() {
        let images = Images::new((0..12).map(|p| p * 20).collect(), [1, 2, 3]).unwrap();
        assert_eq!(images.resized(&options(1, 2, 3)).unwrap(), images);
        let colour = images.resized(&options(3, 2, 3)).unwrap();
        assert_eq!((colour.len(), colour.shape()), (2, [3, 2, 3]));
        for plane in colour.image(1).chunks(6) {
            assert_eq!(plane, images.image(1));
        }
        // Equal channels have their own value as their luma.
        assert_eq!(colour.resized(&options(1, 2, 3)).unwrap(), images);
    }

    #[test]
    fn a_doubled_image_keeps_its_halves() {
        let images = Images::new(vec![0, 0, 200, 200], [1, 2, 2]).unwrap();
        let large = images.resized(&options(1, 4, 4)).unwrap();
        assert_eq!(large.image(0)[..4], [0; 4]);
        assert_eq!(large.image(0)[12..], [200; 4]);
    }

    #[test]
    fn files_are_read_in_the_order_given() {
        let folder = tempfile::TempDir::new().unwrap();
        let paths = ["b.png", "a.png"].map(|name| folder.path().join(name));
        for (path, value) in paths.iter().zip([10, 90]) {
            image::GrayImage::from_pixel(2, 2, image::Luma([value]))
                .save(path)
                .unwrap();
        }
        let images = load_image_files(&paths, &options(1, 2, 2)).unwrap();
        assert_eq!(images.pixels(), [10, 10, 10, 10, 90, 90, 90, 90]);
        let error = load_image_files(&[folder.path().join("c.png")], &options(1, 2, 2));
        assert!(error.unwrap_err().to_string().contains("c.png"));
    }
}

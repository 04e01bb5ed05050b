//! Single PNG and JPEG files, and images of other sizes brought to one.

use std::path::Path;

use rayon::prelude::*;

use super::buffer::{check_memory, zeros};
use super::dataset::brighten;
use super::decode::decode_into;
use super::scaling::fit_bytes;
use super::{DataError, ImageOptions, Images, ReadOptions};
use crate::files::memory::product;

/// Reads PNG and JPEG files in the order given. If all of them are nothing but 0 and 1, they are
/// masks, which become 0 and 255.
///
/// # Shapes
/// `[count, options.channels, options.height, options.width]`
///
/// # Errors
/// [`DataError::Option`], [`DataError::Io`], [`DataError::Input`] for a pipe or a device,
/// [`DataError::Decode`] for a file that is no image, or [`DataError::WrongShape`] (only
/// [`Fit::Exact`](super::Fit::Exact)) for the first in order; [`DataError::OutOfMemory`].
pub fn load_image_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &ImageOptions,
) -> Result<Images, DataError> {
    options.validate()?;
    let first = paths.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
    let all = ReadOptions::default();
    let images = decode_all(first, paths, options, &all)?;
    let brightest = images.brightest();
    Ok(all.spread(images, brightest, first))
}

/// Reads PNG and JPEG files for a model of data whose byte of white is `white`, as the data were
/// read; `None`: it isn't known.
///
/// A file may be one of the data, or a picture that was written with white as 255, such as a sample
/// of the model: its own pixels decide. If none is brighter than `white` they are taken as those of
/// the data are, and otherwise as they are. Where white isn't known, a file of nothing but 0 and 1
/// is black and white. What was done is said by a warning.
///
/// # Shapes
/// `[count, options.channels, options.height, options.width]`
///
/// # Errors
/// As [`load_image_files`].
pub fn load_image_files_like<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &ImageOptions,
    white: Option<u8>,
) -> Result<Images, DataError> {
    options.validate()?;
    let first = paths.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
    let mut images = decode_all(first, paths, options, &ReadOptions::default())?;
    let size = images.image_size();
    images.map_pixels(|pixels| {
        for (path, pixels) in paths.iter().zip(pixels.chunks_exact_mut(size)) {
            spread_one(path.as_ref(), pixels, white);
        }
    });
    Ok(images)
}

/// Brings the pixels of one file to 0 to 255, as [`load_image_files_like`] says.
fn spread_one(path: &Path, pixels: &mut [u8], white: Option<u8>) {
    let path = path.display();
    let brightest = pixels.iter().copied().max().unwrap_or(0);
    match white {
        None if brightest == 1 => {
            tracing::warn!(
                "{path}: found an image of 0 and 1 alone, which are taken as black and white, 0 and 255"
            );
            brighten(pixels, 1);
        }
        None | Some(u8::MAX) => {}
        Some(white) if brightest > white => tracing::warn!(
            "{path}: found pixels of up to {brightest}, brighter than the white of the run's data, {white} (`data.white`): they \
             are taken as they are, with 255 as white"
        ),
        Some(white) => {
            tracing::warn!(
                "{path}: found no pixel brighter than the white of the run's data, {white} (`data.white`), which is taken as \
                 white here too"
            );
            brighten(pixels, white);
        }
    }
}

/// Decodes in parallel, each image into its own place of one buffer; `place` is where they lie, for
/// messages.
pub(super) fn decode_all<P: AsRef<Path> + Sync>(
    place: &Path,
    files: &[P],
    shape: &ImageOptions,
    options: &ReadOptions,
) -> Result<Images, DataError> {
    let count = options.accept(place, files.len(), shape.shape(), 0)?;
    let size: usize = shape.shape().iter().product();
    let mut pixels = zeros(place, count * size)?;
    // The first error in the order of the files, whichever thread is faster.
    let error = pixels
        .par_chunks_mut(size)
        .zip(files)
        .find_map_first(|(out, path)| decode_into(path.as_ref(), shape, out).err());
    match error {
        Some(error) => Err(error),
        None => Images::new(pixels, shape.shape()),
    }
}

impl Images {
    /// The images, with their labels, brought to the size and the number of channels that `options`
    /// ask for, as those of files are.
    ///
    /// # Errors
    /// [`DataError::Option`] if the options are out of range or the images have neither 1 nor 3
    /// channels, [`DataError::OutOfMemory`] if they don't fit.
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
        Ok(Self::new(pixels, options.shape())?.with_labels_of(self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Fit, Labels};
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
        let images = images.with_labels(Labels::new(vec![3])).unwrap();
        let large = images.resized(&options(1, 4, 4)).unwrap();
        assert_eq!(large.labels(), images.labels());
        assert_eq!(large.image(0)[..4], [0; 4]);
        assert_eq!(large.image(0)[12..], [200; 4]);
    }

    #[test]
    fn the_white_of_the_data_is_that_of_files_that_can_be_of_them() {
        let folder = tempfile::TempDir::new().unwrap();
        let save = |name: &str, pixels: [u8; 2]| {
            let path = folder.path().join(name);
            let image = image::GrayImage::from_raw(2, 1, pixels.to_vec()).unwrap();
            image.save(&path).unwrap();
            path
        };
        let dark = save("dark.png", [8, 16]);
        let bright = save("bright.png", [8, 200]);
        let mask = save("mask.png", [0, 1]);
        let load = |white: Option<u8>| {
            let paths = [&dark, &bright, &mask];
            let images = load_image_files_like(&paths, &options(1, 1, 2), white).unwrap();
            images.pixels().to_vec()
        };
        assert_eq!(load(None), [8, 16, 8, 200, 0, 255]);
        assert_eq!(load(Some(255)), [8, 16, 8, 200, 0, 1]);
        assert_eq!(load(Some(16)), [128, 255, 8, 200, 0, 16]);
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

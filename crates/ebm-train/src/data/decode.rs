//! One PNG or JPEG file to planes of unsigned bytes of a wanted size.

use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageReader, Limits, RgbImage};
use serde::{Deserialize, Serialize};

use super::DataError;

/// The longest side of an image, read or asked for.
const MAX_SIDE: u32 = 16_384;

/// What decoding one image may allocate, so that a small file can't claim all memory.
const MAX_ALLOC: u64 = 512 << 20;

/// How an image of another size is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Keep the aspect: scale so that the shorter side fits, cut equally from both ends of the longer one.
    #[default]
    Crop,
    /// Scale both sides independently.
    Stretch,
    /// Refuse an image of another size.
    Exact,
}

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

/// Decodes the file at `path` into `out`, `[channels, height, width]` as `options` (which are valid) say.
///
/// The format is found from the content; the orientation in a JPEG's EXIF data is applied; transparency is dropped;
/// 16-bit channels are brought to 8.
pub(super) fn decode_into(
    path: &Path,
    options: &ImageOptions,
    out: &mut [u8],
) -> Result<(), DataError> {
    let image = decode(path)?;
    let size = (options.width as u32, options.height as u32);
    if options.fit == Fit::Exact && (image.width(), image.height()) != size {
        return Err(DataError::WrongShape {
            path: path.to_owned(),
            found: [
                options.channels,
                image.height() as usize,
                image.width() as usize,
            ],
            expected: options.shape(),
        });
    }
    fit(image, options, out);
    Ok(())
}

/// Brings planes of bytes of `shape`, 1 or 3 channels, into `out` as `options` (which are valid) say.
pub(super) fn fit_bytes(pixels: &[u8], shape: [usize; 3], options: &ImageOptions, out: &mut [u8]) {
    let [channels, height, width] = shape;
    let plane = height * width;
    let at = |channel: usize, x: u32, y: u32| {
        pixels[(channel % channels) * plane + y as usize * width + x as usize]
    };
    let (width, height) = (width as u32, height as u32);
    let image = if channels == 1 {
        DynamicImage::from(GrayImage::from_fn(width, height, |x, y| {
            image::Luma([at(0, x, y)])
        }))
    } else {
        DynamicImage::from(RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([0, 1, 2].map(|channel| at(channel, x, y)))
        }))
    };
    fit(image, options, out);
}

/// Cuts and scales an image into `out`, `[channels, height, width]`.
fn fit(image: DynamicImage, options: &ImageOptions, out: &mut [u8]) {
    let size = (options.width as u32, options.height as u32);
    // To cut first and scale then is the same picture, and never makes an intermediate larger than the result needs.
    let image = match options.fit {
        Fit::Crop => {
            let (x, y, width, height) = centre(image.width(), image.height(), size.0, size.1);
            if (width, height) == (image.width(), image.height()) {
                image
            } else {
                image.crop_imm(x, y, width, height)
            }
        }
        Fit::Stretch | Fit::Exact => image,
    };
    if options.channels == 1 {
        out.copy_from_slice(&scale_grey(image.into_luma8(), size));
    } else {
        let pixels = scale_rgb(image.into_rgb8(), size);
        let plane = options.height * options.width;
        for (index, rgb) in pixels.as_chunks::<3>().0.iter().enumerate() {
            for (channel, &value) in rgb.iter().enumerate() {
                out[channel * plane + index] = value;
            }
        }
    }
}

fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let mut reader = reader.map_err(DataError::io(path))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits.clone());
    let decode = || -> Result<DynamicImage, ImageError> {
        let mut decoder = reader.into_decoder()?;
        // As `ImageReader::decode` does, which would lose the orientation.
        limits.reserve(decoder.total_bytes())?;
        decoder.set_limits(limits)?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    decode().map_err(|source| DataError::Decode {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// The largest rectangle in the middle of `width` x `height` that has the aspect of `to_width` x `to_height`, as
/// (left, top, width, height), rounded to whole pixels and at least one pixel wide and high.
fn centre(width: u32, height: u32, to_width: u32, to_height: u32) -> (u32, u32, u32, u32) {
    let [w, h, to_w, to_h] = [width, height, to_width, to_height].map(u64::from);
    // Both quotients are at most the side they replace, so they fit into `u32` again.
    if w * to_h > h * to_w {
        let cut = ((h * to_w + to_h / 2) / to_h).clamp(1, w) as u32;
        ((width - cut) / 2, 0, cut, height)
    } else {
        let cut = ((w * to_h + to_w / 2) / to_w).clamp(1, h) as u32;
        (0, (height - cut) / 2, width, cut)
    }
}

fn scale_grey(image: GrayImage, (width, height): (u32, u32)) -> Vec<u8> {
    if image.dimensions() == (width, height) {
        return image.into_raw();
    }
    // The triangle filter widens with the reduction, so it averages instead of skipping pixels, and it never overshoots.
    resize(&image, width, height, FilterType::Triangle).into_raw()
}

fn scale_rgb(image: RgbImage, (width, height): (u32, u32)) -> Vec<u8> {
    if image.dimensions() == (width, height) {
        return image.into_raw();
    }
    resize(&image, width, height, FilterType::Triangle).into_raw()
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;

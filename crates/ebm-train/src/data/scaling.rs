//! Images of any size cut and scaled to the one that is asked for.

use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, RgbImage};

use super::{Fit, ImageOptions};

/// Brings planes of bytes of `shape`, 1 or 3 channels, into `out` as `options` (which are valid)
/// say.
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
pub(super) fn fit(image: DynamicImage, options: &ImageOptions, out: &mut [u8]) {
    let size = (options.width as u32, options.height as u32);
    // To cut first and scale then is the same picture, and never makes an intermediate larger than
    // the result needs.
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

/// The largest rectangle in the middle of `width` x `height` that has the aspect of `to_width` x
/// `to_height`, as (left, top, width, height), rounded to whole pixels and at least one pixel wide
/// and high.
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
    // The triangle filter widens with the reduction, so it averages instead of skipping pixels, and
    // it never overshoots.
    resize(&image, width, height, FilterType::Triangle).into_raw()
}

fn scale_rgb(image: RgbImage, (width, height): (u32, u32)) -> Vec<u8> {
    if image.dimensions() == (width, height) {
        return image.into_raw();
    }
    resize(&image, width, height, FilterType::Triangle).into_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_has_the_aspect_asked_for() {
        assert_eq!(centre(8, 4, 2, 2), (2, 0, 4, 4));
        assert_eq!(centre(4, 8, 2, 2), (0, 2, 4, 4));
        assert_eq!(centre(7, 4, 5, 5), (1, 0, 4, 4));
        assert_eq!(centre(100, 100, 64, 32), (0, 25, 100, 50));
        assert_eq!(centre(3, 3, 3, 3), (0, 0, 3, 3));
        assert_eq!(centre(16_384, 1, 1, 16_384), (8_191, 0, 1, 1));
        assert_eq!(centre(1, 16_384, 16_384, 1), (0, 8_191, 1, 1));
    }
}

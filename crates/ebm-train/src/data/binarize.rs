//! Black-and-white images: grey pixels by a threshold or by a coin, drawn once.

use crate::keys::Documented;
use ebm_ops::Noise;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Images;

/// How grey pixels become 0 or 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binarize {
    /// 255 where the pixel is at least 128.
    Threshold,
    /// 255 with a probability of `pixel / 255`, drawn once and the same in every run (Salakhutdinov
    /// & Murray 2008).
    Sample,
}

impl Documented for Binarize {}

/// The stream that [`Binarize::Sample`] draws from: fixed, so that runs are judged by the same
/// images.
const SEED: u64 = 2008;

impl Images {
    /// The images with every pixel 0 or 255.
    ///
    /// Images that hold nothing but 0 and 255 stay as they are, and those that hold nothing but 0
    /// and 1 are only scaled, whatever `how` says: to binarise them again would change them.
    #[must_use]
    pub fn binarized(mut self, how: Binarize) -> Self {
        if self.brightest() == 1 {
            return self.with_white(1);
        }
        match how {
            Binarize::Threshold => self.map_pixels(|pixels| {
                for pixel in pixels {
                    *pixel = if *pixel >= 128 { 255 } else { 0 };
                }
            }),
            Binarize::Sample => {
                let mut noise = Noise::new(SEED);
                self.map_pixels(|pixels| sample(pixels, &mut noise));
            }
        }
        self
    }
}

/// A coin a pixel; 0 and 255 are certain.
fn sample(pixels: &mut [u8], noise: &mut Noise) {
    const CHUNK: usize = 4096;
    let mut bytes = [0; 4 * CHUNK];
    for chunk in pixels.chunks_mut(CHUNK) {
        let bytes = &mut bytes[..4 * chunk.len()];
        noise.fill_bytes(bytes);
        for (pixel, word) in chunk.iter_mut().zip(bytes.as_chunks::<4>().0) {
            // Uniform on 0..=254, so that it is below the pixel with a probability of pixel / 255.
            let level = (u64::from(u32::from_le_bytes(*word)) * 255) >> 32;
            *pixel = if level < u64::from(*pixel) { 255 } else { 0 };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn images(pixels: Vec<u8>) -> Images {
        let count = pixels.len();
        Images::new(pixels, [1, 1, count]).unwrap()
    }

    #[test]
    fn black_and_white_images_stay_as_they_are() {
        for how in [Binarize::Threshold, Binarize::Sample] {
            let white = images(vec![0, 255, 255, 0]);
            assert_eq!(white.clone().binarized(how), white);
            assert_eq!(images(vec![0, 1, 1, 0]).binarized(how), white);
            assert_eq!(images(vec![0, 0]).binarized(how), images(vec![0, 0]));
        }
    }

    #[test]
    fn the_threshold_is_the_middle() {
        let grey = images(vec![0, 1, 127, 128, 254, 255]).binarized(Binarize::Threshold);
        assert_eq!(grey.pixels(), [0, 0, 0, 255, 255, 255]);
    }

    /// Counts are binomial: |z| < 5 fails in 5.7e-7 of all cases, 5 cases.
    #[test]
    fn coins_follow_the_pixel_and_are_the_same_each_time() {
        for pixel in [1, 50, 128, 200, 254] {
            let n = 100_000;
            let mut pixels = vec![pixel; n];
            // So that the image isn't one of ones.
            pixels[0] = 255;
            let drawn = images(pixels.clone()).binarized(Binarize::Sample);
            assert_eq!(drawn, images(pixels).binarized(Binarize::Sample));
            let on = drawn.pixels()[1..]
                .iter()
                .filter(|&&pixel| pixel == 255)
                .count() as f64;
            let (n, p) = (n as f64 - 1.0, f64::from(pixel) / 255.0);
            let z = (on - n * p) / (n * p * (1.0 - p)).sqrt();
            assert!(z.abs() < 5.0, "pixel {pixel}: {on} of {n}, z = {z}");
        }
    }
}

//! A picture of a run, read for showing it with few pixels, as a terminal has them.

use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{ImageReader, Limits, RgbImage};

/// The longest side of a picture that is shown small.
const LONGEST: u32 = 8192;
/// Bytes that reading it may take.
const MOST_BYTES: u64 = 256 << 20;

/// A picture that is shown with fewer pixels than it has.
#[derive(Clone, Debug)]
pub struct SmallPicture {
    image: RgbImage,
}

/// The pixels of a picture, row by row, in red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels in a row.
    pub width: usize,
    /// All pixels.
    pub pixels: Vec<[u8; 3]>,
}

impl SmallPicture {
    /// Reads a PNG file; `None` if it can't be read or is too large to be looked at.
    pub fn open(path: &Path) -> Option<Self> {
        let mut reader = ImageReader::open(path).ok()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(LONGEST);
        limits.max_image_height = Some(LONGEST);
        limits.max_alloc = Some(MOST_BYTES);
        reader.limits(limits);
        let image = reader.decode().ok()?.to_rgb8();
        Some(Self { image })
    }

    /// All of it in at most so many pixels across and down, in its own proportions; it isn't made
    /// larger.
    pub fn fitted(&self, width: u32, height: u32) -> Pixels {
        let (columns, rows) = self.image.dimensions();
        if width == 0 || height == 0 || columns == 0 || rows == 0 {
            return Pixels {
                width: 0,
                pixels: Vec::new(),
            };
        }
        let scale = (f64::from(width) / f64::from(columns))
            .min(f64::from(height) / f64::from(rows))
            .min(1.0);
        let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
        let size = (scaled(columns).min(width), scaled(rows).min(height));
        let small = match size == (columns, rows) {
            true => self.image.clone(),
            false => resize(&self.image, size.0, size.1, FilterType::Triangle),
        };
        Pixels {
            width: small.width() as usize,
            pixels: small.pixels().map(|pixel| pixel.0).collect(),
        }
    }
}

impl Pixels {
    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[[u8; 3]]> {
        self.pixels.chunks(self.width.max(1))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pictures_shrink_in_proportion_and_keep_their_colours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        // Red on the left, blue on the right.
        let image = RgbImage::from_fn(40, 20, |x, _| {
            image::Rgb(if x < 20 { [255, 0, 0] } else { [0, 0, 255] })
        });
        image.save(&path).unwrap();
        let picture = SmallPicture::open(&path).unwrap();
        let small = picture.fitted(8, 100);
        assert_eq!((small.width, small.pixels.len()), (8, 32));
        let row = small.rows().next().unwrap();
        assert_eq!((row[0], row[7]), ([255, 0, 0], [0, 0, 255]));
        // Never larger, and never nothing but where there is no room.
        assert_eq!(picture.fitted(100, 100).pixels.len(), 800);
        assert_eq!(picture.fitted(1, 1).pixels.len(), 1);
        assert_eq!(picture.fitted(0, 5).pixels.len(), 0);
        std::fs::write(&path, b"\x89PNG half").unwrap();
        assert!(SmallPicture::open(&path).is_none());
    }
}

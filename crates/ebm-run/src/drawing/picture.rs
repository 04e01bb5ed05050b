//! Pictures of samples: grids of images, and clouds of points over the density that the energy
//! gives.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};

use ebm_train::files::write_whole;

/// A picture that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write the picture {}: {source}", path.display())]
pub struct PictureError {
    path: PathBuf,
    source: image::ImageError,
}

/// Smallest side of the picture of one sample, in pixels; smaller ones are enlarged by a whole
/// factor.
const CELL_SIDE: usize = 48;
/// Pixels between samples.
const GAP: usize = 2;
/// Colour between samples.
const GAP_COLOR: Rgb<u8> = Rgb([64, 64, 64]);

/// Pixels that one sample takes in a grid.
pub(crate) fn cell_pixels([_, height, width]: [usize; 3]) -> u128 {
    let zoom = CELL_SIDE.div_ceil(height.max(width)) as u128;
    (height as u128 * zoom + GAP as u128) * (width as u128 * zoom + GAP as u128)
}

/// Lays images out in a grid that is about square, see [`grouped_grid`].
///
/// # Panics
///
/// If `values` doesn't hold a whole number of images of `shape`.
pub fn image_grid(values: &[f32], shape: [usize; 3], range: (f64, f64)) -> RgbImage {
    grouped_grid(values, shape, range, 1)
}

/// Lays images out in a grid that is about square, groups of `group` images never broken by the end
/// of a row.
///
/// # Shapes
///
/// - `values`: `count` images of `[channels, height, width]`, one after the other; `low` is black,
///   `high` white. One channel is grey, three are red, green and blue; of any other number the
///   first is shown.
///
/// # Panics
///
/// If `values` doesn't hold a whole number of images of `shape`.
pub fn grouped_grid(
    values: &[f32],
    shape: [usize; 3],
    range: (f64, f64),
    group: usize,
) -> RgbImage {
    let [_, height, width] = shape;
    let size = check_images(values, shape);
    let count = values.len() / size;
    let columns = (count as f64).sqrt().ceil().max(1.0) as usize;
    let columns = columns.next_multiple_of(group);
    let rows = count.div_ceil(columns).max(1);
    let zoom = CELL_SIDE.div_ceil(height.max(width));
    let (cell_height, cell_width) = (height * zoom + GAP, width * zoom + GAP);
    let mut picture = RgbImage::from_pixel(
        (columns * cell_width + GAP) as u32,
        (rows * cell_height + GAP) as u32,
        GAP_COLOR,
    );
    for (index, image) in values.chunks_exact(size).enumerate() {
        let place = (
            index % columns * cell_width + GAP,
            index / columns * cell_height + GAP,
        );
        draw_image(&mut picture, image, shape, range, place, zoom);
    }
    picture
}

/// The number of values of an image of `shape`.
///
/// # Panics
///
/// If `values` doesn't hold a whole number of them.
pub(crate) fn check_images(values: &[f32], shape: [usize; 3]) -> usize {
    let size = shape.iter().product();
    assert!(
        size > 0 && values.len().is_multiple_of(size),
        "{} values are no whole number of images of shape {shape:?}",
        values.len()
    );
    size
}

/// Draws an image with its upper left corner at `(left, top)`, enlarged by `zoom`.
pub(crate) fn draw_image(
    picture: &mut RgbImage,
    image: &[f32],
    [channels, height, width]: [usize; 3],
    (low, high): (f64, f64),
    (left, top): (usize, usize),
    zoom: usize,
) {
    let byte = |value: f32| {
        ((f64::from(value) - low) / (high - low) * 255.0)
            .round()
            .clamp(0.0, 255.0) as u8
    };
    for y in 0..height * zoom {
        for x in 0..width * zoom {
            let at = |channel: usize| byte(image[(channel * height + y / zoom) * width + x / zoom]);
            let color = if channels == 3 {
                Rgb([at(0), at(1), at(2)])
            } else {
                Rgb([at(0); 3])
            };
            picture.put_pixel((left + x) as u32, (top + y) as u32, color);
        }
    }
}

/// Draws points over a density on a square.
///
/// # Shapes
///
/// - `density`: `side * side` values of at least 0, row by row from the top (largest second
///   coordinate)
/// - `points`: `[count, 2]`, one after the other, in `[low, high]`; others are left out
///
/// # Panics
///
/// If `density` isn't `side * side` values.
pub fn point_cloud(
    density: &[f32],
    side: usize,
    points: &[f32],
    (low, high): (f64, f64),
) -> RgbImage {
    assert_eq!(
        density.len(),
        side * side,
        "a density of side {side} has {} values",
        density.len()
    );
    let largest = density.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let mut picture = RgbImage::from_fn(side as u32, side as u32, |x, y| {
        // The square root keeps faint regions visible.
        let shade = (density[y as usize * side + x as usize] / largest)
            .max(0.0)
            .sqrt();
        let mix = |from: f32, to: f32| (from + (to - from) * shade).round() as u8;
        Rgb([mix(14.0, 70.0), mix(17.0, 160.0), mix(33.0, 220.0)])
    });
    for point in points.chunks_exact(2) {
        let place =
            |value: f32| ((f64::from(value) - low) / (high - low) * side as f64).floor() as i64;
        let (column, row) = (place(point[0]), side as i64 - 1 - place(point[1]));
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (x, y) = (column + dx, row + dy);
            if (0..side as i64).contains(&x) && (0..side as i64).contains(&y) {
                picture.put_pixel(x as u32, y as u32, Rgb([255, 190, 70]));
            }
        }
    }
    picture
}

/// Writes a picture, whole or not at all, in the format that the name of the file says: PNG or
/// JPEG; PNG if it says none.
///
/// # Errors
///
/// If the picture can't be encoded or the disk refuses.
pub fn save_picture(picture: &RgbImage, path: &Path) -> Result<(), PictureError> {
    let format = ImageFormat::from_path(path).unwrap_or(ImageFormat::Png);
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .and_then(|()| Ok(write_whole(path, bytes.get_ref())?))
        .map_err(|source| PictureError {
            path: path.to_path_buf(),
            source,
        })
}

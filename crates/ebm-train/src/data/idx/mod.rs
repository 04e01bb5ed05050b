//! The IDX format of MNIST: a magic number, the sizes, then unsigned bytes; plain or gzip.
//!
//! Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
//! section "File formats": two zero bytes, a type code (0x08 is `u8`), the number of dimensions,
//! each size as a big-endian `u32`, the elements in row-major order.

mod array;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use self::array::{Array, U8};
use super::buffer::check_memory;
use super::{DataError, Images, ReadOptions};
use crate::files::input_file;

/// Reads a file of images: `u8`, `[count, height, width]` (one channel) or `[count, channels,
/// height, width]`; four sizes of which the last is 1 or 3 and the second isn't are `[count,
/// height, width, channels]`, as Python arrays of colour images lie.
///
/// Gzip is recognised by its first bytes, whatever the file is called. Bytes are given as they lie
/// there, 0 to 255.
///
/// # Errors
/// If the file can't be read, isn't IDX, holds other numbers than `u8` or another count of
/// dimensions (labels, say), is shorter or longer than its header says, holds no image, or doesn't
/// fit into memory.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    Ok(read_images_with(path, &ReadOptions::default())?.0)
}

/// The images of a file that are asked for, their number in the file, and the largest of all its
/// bytes.
pub(super) fn read_images_with(
    path: &Path,
    options: &ReadOptions,
) -> Result<(Images, usize, u8), DataError> {
    let (file, length) = input_file::open(path).map_err(DataError::input(path))?;
    images(BufReader::new(file), length, path, options)
}

/// Reads a file of labels: `u8`, `[count]`.
///
/// # Errors
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    let (file, length) = input_file::open(path).map_err(DataError::input(path))?;
    labels(BufReader::new(file), length, path)
}

/// As [`read_images`], from bytes in memory; `name` is what messages call them.
///
/// # Errors
/// As [`read_images`].
pub fn images_from_bytes(bytes: &[u8], name: &Path) -> Result<Images, DataError> {
    let all = ReadOptions::default();
    Ok(images(Cursor::new(bytes), bytes.len() as u64, name, &all)?.0)
}

/// As [`read_labels`], from bytes in memory; `name` is what messages call them.
///
/// # Errors
/// As [`read_images`].
pub fn labels_from_bytes(bytes: &[u8], name: &Path) -> Result<Vec<u32>, DataError> {
    labels(Cursor::new(bytes), bytes.len() as u64, name)
}

/// Writes images as IDX, with three dimensions if they have one channel and four otherwise; gzip
/// (with no time stamp, so that equal images give equal files) if the name ends in `.gz`. Labels
/// aren't written: see [`write_labels`].
///
/// # Errors
/// [`DataError::Io`] if the file can't be written, [`DataError::TooLarge`] if a size doesn't fit
/// into 32 bits.
pub fn write_images(path: &Path, images: &Images) -> Result<(), DataError> {
    let [channels, height, width] = images.shape();
    let sizes = [images.len(), channels, height, width];
    if channels == 1 {
        write(path, &[sizes[0], height, width], images.pixels())
    } else {
        write(path, &sizes, images.pixels())
    }
}

/// Writes labels as IDX, gzip if the name ends in `.gz`.
///
/// # Errors
/// As [`write_images`], and [`DataError::LabelOutOfRange`] if a label is above 255.
pub fn write_labels(path: &Path, labels: &[u32]) -> Result<(), DataError> {
    let byte = |(record, &found): (usize, &u32)| {
        u8::try_from(found).map_err(|_| DataError::LabelOutOfRange {
            path: path.to_owned(),
            record,
            found,
            classes: 256,
        })
    };
    let bytes = labels
        .iter()
        .enumerate()
        .map(byte)
        .collect::<Result<Vec<u8>, _>>()?;
    write(path, &[labels.len()], &bytes)
}

fn images(
    source: impl Read + Seek,
    length: u64,
    path: &Path,
    options: &ReadOptions,
) -> Result<(Images, usize, u8), DataError> {
    let mut array = Array::open(
        source,
        length,
        path,
        &[3, 4],
        "images",
        "3 (count, height, width) or 4 (count, channels, height, width)",
    )?;
    let count = array.sizes[0];
    let (shape, channels_last) = match array.sizes[1..] {
        [height, width, channels @ (1 | 3)] if !matches!(height, 1 | 3) => {
            ([channels, height, width], channels > 1)
        }
        [channels, height, width] => ([channels, height, width], false),
        // `open` let nothing through but three or four sizes.
        _ => ([1, array.sizes[1], array.sizes[2]], false),
    };
    // `open` saw to it that the product of all sizes can be addressed.
    let size: usize = shape.iter().product();
    let turned = if channels_last { size as u128 } else { 0 };
    let kept = options.accept(path, count, shape, turned)?;
    let (mut pixels, brightest) = array.read(kept * size)?;
    if channels_last {
        channels_first(&mut pixels, shape);
    }
    Ok((Images::new(pixels, shape)?, count, brightest))
}

/// Brings images of `[height, width, channels]` to the `shape` `[channels, height, width]`, one
/// after the other.
fn channels_first(pixels: &mut [u8], [channels, height, width]: [usize; 3]) {
    let plane = height * width;
    let mut turned = vec![0; channels * plane];
    for image in pixels.chunks_exact_mut(channels * plane) {
        for (place, values) in image.chunks_exact(channels).enumerate() {
            for (channel, &value) in values.iter().enumerate() {
                turned[channel * plane + place] = value;
            }
        }
        image.copy_from_slice(&turned);
    }
}

fn labels(source: impl Read + Seek, length: u64, path: &Path) -> Result<Vec<u32>, DataError> {
    let mut array = Array::open(source, length, path, &[1], "labels", "1 (count)")?;
    let count = array.sizes[0];
    let bytes_and_numbers = count as u128 * 5;
    check_memory(path, || format!("{count} labels"), bytes_and_numbers)?;
    let (labels, _) = array.read(count)?;
    Ok(labels.into_iter().map(u32::from).collect())
}

fn write(path: &Path, sizes: &[usize], elements: &[u8]) -> Result<(), DataError> {
    let mut header = vec![0, 0, U8, sizes.len() as u8];
    for &size in sizes {
        let size = u32::try_from(size).map_err(|_| DataError::TooLarge {
            path: path.to_owned(),
            found: format!("{sizes:?}"),
        })?;
        header.extend(size.to_be_bytes());
    }
    let write_all = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut gzip = GzEncoder::new(&mut file, Compression::default());
            gzip.write_all(&header)?;
            gzip.write_all(elements)?;
            gzip.finish()?;
        } else {
            file.write_all(&header)?;
            file.write_all(elements)?;
        }
        file.flush()
    };
    write_all().map_err(DataError::io(path))
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;

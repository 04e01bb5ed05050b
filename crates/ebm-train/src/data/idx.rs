//! The IDX format of MNIST: a magic number, the sizes, then unsigned bytes; plain or gzip.
//!
//! Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File formats":
//! two zero bytes, a type code (0x08 is `u8`), the number of dimensions, each size as a big-endian `u32`, the elements in
//! row-major order.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{DataError, Images};

/// The type code of unsigned bytes.
const U8: u8 = 0x08;

/// The buffer reserved before the first byte is read; past it the buffer grows with what really arrives, so that a header
/// that lies can't allocate.
const FIRST_RESERVE: u64 = 64 << 20;

/// Reads a file of images: `u8`, `[count, height, width]` (one channel) or `[count, channels, height, width]`.
///
/// Gzip is recognised by its first bytes, whatever the file is called.
///
/// # Errors
/// If the file can't be read, isn't IDX, holds other numbers than `u8` or another count of dimensions (labels, say), is
/// shorter or longer than its header says, or holds no image.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    images(open(path)?, path)
}

/// Reads a file of labels: `u8`, `[count]`.
///
/// # Errors
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    labels(open(path)?, path)
}

/// As [`read_images`], from bytes in memory; `name` is what messages call them.
///
/// # Errors
/// As [`read_images`].
pub fn images_from_bytes(bytes: &[u8], name: &Path) -> Result<Images, DataError> {
    images(bytes, name)
}

/// As [`read_labels`], from bytes in memory; `name` is what messages call them.
///
/// # Errors
/// As [`read_images`].
pub fn labels_from_bytes(bytes: &[u8], name: &Path) -> Result<Vec<u32>, DataError> {
    labels(bytes, name)
}

/// Writes images as IDX, with three dimensions if they have one channel and four otherwise; gzip (with no time stamp, so
/// that equal images give equal files) if the name ends in `.gz`. Labels aren't written: see [`write_labels`].
///
/// # Errors
/// [`DataError::Io`] if the file can't be written, [`DataError::TooLarge`] if a size doesn't fit into 32 bits.
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

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    Ok(BufReader::new(
        File::open(path).map_err(DataError::io(path))?,
    ))
}

fn images(source: impl Read, path: &Path) -> Result<Images, DataError> {
    let (sizes, pixels) = read(
        source,
        path,
        &[3, 4],
        "images",
        "3 (count, height, width) or 4 (count, channels, height, width)",
    )?;
    let shape = match sizes[1..] {
        [channels, height, width] => [channels, height, width],
        // `read` let nothing through but three or four sizes.
        _ => [1, sizes[1], sizes[2]],
    };
    Images::new(pixels, shape)
}

fn labels(source: impl Read, path: &Path) -> Result<Vec<u32>, DataError> {
    let (_, labels) = read(source, path, &[1], "labels", "1 (count)")?;
    Ok(labels.into_iter().map(u32::from).collect())
}

/// The sizes and elements of an IDX stream of `u8` with one of the `ranks`, never empty; the stream must end there.
fn read(
    mut source: impl Read,
    path: &Path,
    ranks: &[u8],
    what: &'static str,
    expected: &'static str,
) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let mut front = Vec::new();
    source
        .by_ref()
        .take(2)
        .read_to_end(&mut front)
        .map_err(DataError::io(path))?;
    let gzip = front == [0x1f, 0x8b];
    let whole = Cursor::new(front).chain(source);
    let mut stream: Box<dyn Read + '_> = if gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    let mut read_up_to = |limit: u64, reserve: u64| {
        let mut bytes = Vec::with_capacity(usize::try_from(reserve).unwrap_or(0));
        match stream.by_ref().take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(source) if gzip => Err(DataError::Gzip {
                path: path.to_owned(),
                source,
            }),
            Err(source) => Err(DataError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    };
    let truncated = |expected: u64, found: u64| DataError::Truncated {
        path: path.to_owned(),
        expected,
        found,
    };

    let magic = read_up_to(4, 4)?;
    let magic: [u8; 4] = magic
        .try_into()
        .map_err(|short: Vec<u8>| truncated(4, short.len() as u64))?;
    let [0, 0, code @ (U8 | 0x09 | 0x0b..=0x0e), rank] = magic else {
        return Err(DataError::BadMagic {
            path: path.to_owned(),
            found: magic,
            what,
        });
    };
    if code != U8 {
        return Err(DataError::ElementType {
            path: path.to_owned(),
            code,
            name: type_name(code),
        });
    }
    if !ranks.contains(&rank) {
        let guess = match rank {
            1 => " (those of labels)",
            3 | 4 => " (those of images)",
            _ => "",
        };
        return Err(DataError::Dimensions {
            path: path.to_owned(),
            found: rank,
            guess,
            expected,
        });
    }

    let header = 4 + 4 * u64::from(rank);
    let sizes = read_up_to(header - 4, header - 4)?;
    if (sizes.len() as u64) < header - 4 {
        return Err(truncated(header, 4 + sizes.len() as u64));
    }
    let sizes: Vec<u32> = sizes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&bytes| u32::from_be_bytes(bytes))
        .collect();
    let too_large = || DataError::TooLarge {
        path: path.to_owned(),
        found: format!("{sizes:?}"),
    };
    if sizes.contains(&0) {
        return Err(DataError::Empty {
            path: path.to_owned(),
            what: format!("{what} (its sizes are {sizes:?})"),
            hint: "fetch the file again",
        });
    }
    let length = sizes
        .iter()
        .try_fold(1u64, |length, &size| length.checked_mul(u64::from(size)));
    let length = length
        .filter(|&length| length <= isize::MAX as u64 - header)
        .ok_or_else(too_large)?;

    let elements = read_up_to(length, length.min(FIRST_RESERVE))?;
    let found = elements.len() as u64;
    if found < length {
        return Err(truncated(header + length, header + found));
    }
    // Reading on to the end also makes the decompressor check its checksum.
    if !read_up_to(1, 1)?.is_empty() {
        return Err(DataError::TrailingBytes {
            path: path.to_owned(),
            expected: header + length,
        });
    }
    Ok((
        sizes.into_iter().map(|size| size as usize).collect(),
        elements,
    ))
}

/// The type codes of IDX.
fn type_name(code: u8) -> &'static str {
    match code {
        0x08 => "u8",
        0x09 => "i8",
        0x0b => "i16",
        0x0c => "i32",
        0x0d => "f32",
        0x0e => "f64",
        _ => "unknown",
    }
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

//! The IDX format of MNIST: a magic number, the sizes, then unsigned bytes; plain or gzip.
//!
//! Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File formats":
//! two zero bytes, a type code (0x08 is `u8`), the number of dimensions, each size as a big-endian `u32`, the elements in
//! row-major order.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::buffer::{check_memory, zeros};
use super::{DataError, Images, ReadOptions};
use crate::files::input_file;

/// The type code of unsigned bytes.
const U8: u8 = 0x08;

/// From this size on, a compressed file is decompressed once to see whether it is whole before memory is taken for it.
const CHECKED_FIRST: u64 = 64 << 20;

/// The most bytes that a byte of a gzip stream can become, rounded up (RFC 1951: 258 bytes by two bits).
const MAX_INFLATION: u64 = 1040;

/// Bytes that are looked at in one go and not kept.
const CHUNK: usize = 1 << 16;

/// Reads a file of images: `u8`, `[count, height, width]` (one channel) or `[count, channels, height, width]`; four sizes of
/// which the last is 1 or 3 and the second isn't are `[count, height, width, channels]`, as Python arrays of colour images lie.
///
/// Gzip is recognised by its first bytes, whatever the file is called. Bytes are given as they lie there, 0 to 255.
///
/// # Errors
/// If the file can't be read, isn't IDX, holds other numbers than `u8` or another count of dimensions (labels, say), is
/// shorter or longer than its header says, holds no image, or doesn't fit into memory.
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

/// Brings images of `[height, width, channels]` to the `shape` `[channels, height, width]`, one after the other.
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

/// An IDX file of unsigned bytes whose header was read and found good.
struct Array<'a, R> {
    source: R,
    path: &'a Path,
    gzip: bool,
    /// Bytes of the header.
    header: u64,
    sizes: Vec<usize>,
    /// Elements: the product of the sizes, which can be addressed.
    length: u64,
}

impl<'a, R: Read + Seek> Array<'a, R> {
    /// Reads the header of a source of `bytes` bytes, which must have one of the `ranks` and at least one element. Where that
    /// can be seen without reading on, the elements must be there, and nothing after them.
    fn open(
        mut source: R,
        bytes: u64,
        path: &'a Path,
        ranks: &[u8],
        what: &'static str,
        expected: &'static str,
    ) -> Result<Self, DataError> {
        let mut front = [0; 2];
        let found = fill(&mut source, &mut front).map_err(DataError::io(path))?;
        let mut array = Self {
            source,
            path,
            gzip: found == 2 && front == [0x1f, 0x8b],
            header: 4,
            sizes: Vec::new(),
            length: 0,
        };
        let mut magic = [0; 4];
        array.read_header(&mut magic, 4)?;
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

        array.header = 4 + 4 * u64::from(rank);
        let mut whole = vec![0; array.header as usize];
        array.read_header(&mut whole, array.header)?;
        let sizes: Vec<u32> = whole[4..]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&bytes| u32::from_be_bytes(bytes))
            .collect();
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
        array.length = length
            .filter(|&length| length <= isize::MAX as u64 - array.header)
            .ok_or_else(|| DataError::TooLarge {
                path: path.to_owned(),
                found: format!("{sizes:?}"),
            })?;
        array.sizes = sizes.into_iter().map(|size| size as usize).collect();
        let promised = array.header + array.length;
        if array.gzip {
            if array.length / MAX_INFLATION > bytes {
                // More than there can be, so that this finds where the stream ends.
                array.read_through(&mut [])?;
            }
        } else if bytes < promised {
            return Err(array.truncated(promised, bytes));
        } else if bytes > promised {
            return Err(array.goes_on());
        }
        Ok(array)
    }

    /// The first `keep` elements, and the largest of all; what follows them is read and checked too.
    fn read(&mut self, keep: usize) -> Result<(Vec<u8>, u8), DataError> {
        if self.gzip && self.length > CHECKED_FIRST {
            self.read_through(&mut [])?;
        }
        let mut elements = zeros(self.path, keep)?;
        let brightest = self.read_through(&mut elements)?;
        Ok((elements, brightest))
    }

    /// Reads all elements, of which the first go into `kept`, and gives the largest; the stream must end after them.
    fn read_through(&mut self, kept: &mut [u8]) -> Result<u8, DataError> {
        let (path, gzip, header, length) = (self.path, self.gzip, self.header, self.length);
        let failed = |source| Self::failed(path, gzip, source);
        let mut stream = self.stream()?;
        let mut skipped = vec![0; header as usize];
        let skipped = fill(&mut stream, &mut skipped).map_err(failed)? as u64;
        let mut found = fill(&mut stream, kept).map_err(failed)? as u64;
        let mut brightest = kept.iter().copied().max().unwrap_or(0);
        let mut chunk = vec![0; CHUNK];
        while found >= kept.len() as u64 && found < length {
            let left = usize::try_from(length - found).unwrap_or(CHUNK).min(CHUNK);
            let read = fill(&mut stream, &mut chunk[..left]).map_err(failed)?;
            if read == 0 {
                break;
            }
            brightest = brightest.max(chunk[..read].iter().copied().max().unwrap_or(0));
            found += read as u64;
        }
        // To read on to the end also makes the decompressor check its checksum.
        let more = found == length && fill(&mut stream, &mut [0]).map_err(failed)? > 0;
        drop(stream);
        if found < length {
            return Err(self.truncated(header + length, skipped + found));
        }
        if more {
            return Err(self.goes_on());
        }
        Ok(brightest)
    }

    /// Reads the first bytes of the stream, of a header of `expected` bytes, all of which must be there.
    fn read_header(&mut self, bytes: &mut [u8], expected: u64) -> Result<(), DataError> {
        let (path, gzip) = (self.path, self.gzip);
        let found = fill(&mut self.stream()?, bytes);
        let found = found.map_err(|source| Self::failed(path, gzip, source))?;
        if found < bytes.len() {
            return Err(self.truncated(expected, found as u64));
        }
        Ok(())
    }

    /// The bytes of the file from its start, decompressed.
    fn stream(&mut self) -> Result<Box<dyn Read + '_>, DataError> {
        self.source
            .seek(SeekFrom::Start(0))
            .map_err(DataError::io(self.path))?;
        Ok(if self.gzip {
            Box::new(MultiGzDecoder::new(&mut self.source))
        } else {
            Box::new(&mut self.source)
        })
    }

    fn failed(path: &Path, gzip: bool, source: io::Error) -> DataError {
        let path = path.to_owned();
        if gzip {
            DataError::Gzip { path, source }
        } else {
            DataError::Io { path, source }
        }
    }

    fn truncated(&self, expected: u64, found: u64) -> DataError {
        DataError::Truncated {
            path: self.path.to_owned(),
            expected,
            found,
        }
    }

    fn goes_on(&self) -> DataError {
        DataError::TrailingBytes {
            path: self.path.to_owned(),
            expected: self.header + self.length,
        }
    }
}

/// Reads until `bytes` is full or the source ends, and gives how many were read.
fn fill(source: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut found = 0;
    while found < bytes.len() {
        match source.read(&mut bytes[found..]) {
            Ok(0) => break,
            Ok(read) => found += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
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

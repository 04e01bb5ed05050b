//! An IDX file of unsigned bytes, plain or gzip, read as its header says and no further.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::data::DataError;
use crate::data::buffer::zeros;

/// The type code of unsigned bytes.
pub(super) const U8: u8 = 0x08;

/// From this size on, a compressed file is decompressed once to see whether it is whole before
/// memory is taken for it.
const CHECKED_FIRST: u64 = 64 << 20;

/// The most bytes that a byte of a gzip stream can become, rounded up (RFC 1951: 258 bytes by two
/// bits).
const MAX_INFLATION: u64 = 1040;

/// Bytes that are looked at in one go and not kept.
const CHUNK: usize = 1 << 16;

/// An IDX file of unsigned bytes whose header was read and found good.
pub(super) struct Array<'a, R> {
    source: R,
    path: &'a Path,
    gzip: bool,
    /// Bytes of the header.
    header: u64,
    pub(super) sizes: Vec<usize>,
    /// Elements: the product of the sizes, which can be addressed.
    length: u64,
}

impl<'a, R: Read + Seek> Array<'a, R> {
    /// Reads the header of a source of `bytes` bytes, which must have one of the `ranks` and at
    /// least one element. Where that can be seen without reading on, the elements must be there,
    /// and nothing after them.
    pub(super) fn open(
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

    /// The first `keep` elements, and the largest of all; what follows them is read and checked
    /// too.
    pub(super) fn read(&mut self, keep: usize) -> Result<(Vec<u8>, u8), DataError> {
        if self.gzip && self.length > CHECKED_FIRST {
            self.read_through(&mut [])?;
        }
        let mut elements = zeros(self.path, keep)?;
        let brightest = self.read_through(&mut elements)?;
        Ok((elements, brightest))
    }

    /// Reads all elements, of which the first go into `kept`, and gives the largest; the stream
    /// must end after them.
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

    /// Reads the first bytes of the stream, of a header of `expected` bytes, all of which must be
    /// there.
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

//! What can be wrong with a data file or folder, said in one line: where, what was found, what was
//! expected, what to do.

use std::path::{Path, PathBuf};

use crate::files::input_file::InputError;

/// An error of the data readers.
///
/// Every message is one line that names the file or folder, what was found there, what was
/// expected, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused to open, read, list or write something.
    #[error("{path}: {source}; check that it exists and that you may access it")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file that isn't read: a pipe, a device, a folder, or far too long.
    #[error("{path}: {source}")]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        source: InputError,
    },

    /// A path given as a data folder is a file, or isn't there.
    #[error(
        "{path}: found {found}, expected a folder that holds a data set; give the path of such a folder"
    )]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
        /// "a file" or "nothing".
        found: &'static str,
    },

    /// None of the file names of a known format lies in a folder.
    #[error(
        "{path}: found no file of that name, expected one of {}; put it there or give another folder",
        looked_for.join(", ")
    )]
    NotFound {
        /// The folder.
        path: PathBuf,
        /// The names that would have done.
        looked_for: Vec<String>,
    },

    /// A folder fits no format at all.
    #[error(
        "{path}: found no data set that can be read, expected one of: {}; put the files directly into this folder or \
         give the folder that holds them",
        looked_for.join("; ")
    )]
    UnknownFormat {
        /// The folder.
        path: PathBuf,
        /// What was looked for, one entry a format.
        looked_for: Vec<String>,
    },

    /// A file or folder holds not one image (or label).
    #[error("{path}: found no {what}, expected at least one; {hint}")]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// What is missing: "image" or "label", with names where that helps.
        what: String,
        /// What to do.
        hint: &'static str,
    },

    /// A gzip stream that doesn't decompress.
    #[error(
        "{path}: found a corrupt or cut-off gzip stream ({source}), expected a whole one; fetch the file again"
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor said.
        source: std::io::Error,
    },

    /// The first bytes aren't those of an IDX file.
    #[error(
        "{path}: found first bytes {found:02x?}, expected an IDX file of {what}, which starts with [00, 00, 08, ..] \
         after decompression; check that this is the right file and not, say, an archive or a web page"
    )]
    BadMagic {
        /// The file.
        path: PathBuf,
        /// The four bytes at the front.
        found: [u8; 4],
        /// What was to be read: "images" or "labels".
        what: &'static str,
    },

    /// An IDX file of numbers other than unsigned bytes.
    #[error(
        "{path}: found IDX elements of type {name} (code 0x{code:02x}), expected u8 (code 0x08); convert the values to \
         unsigned bytes"
    )]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The type code, the third byte of the file.
        code: u8,
        /// Its name, such as `f32`.
        name: &'static str,
    },

    /// An IDX file of the wrong number of dimensions, typically labels given as images or the other
    /// way round.
    #[error(
        "{path}: found an IDX file of {found} dimension(s){guess}, expected {expected}; check which file is which"
    )]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// The number of dimensions, the fourth byte of the file.
        found: u8,
        /// What that number usually means, or nothing.
        guess: &'static str,
        /// The dimensions that were expected, in words.
        expected: &'static str,
    },

    /// A file that ends before what its header promises.
    #[error(
        "{path}: found {found} bytes, expected {expected} by its header; the file is cut short or its header is wrong, \
         fetch it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes promised, header included, after decompression.
        expected: u64,
        /// Bytes there, header included, after decompression.
        found: u64,
    },

    /// A file that goes on after what its header promises.
    #[error(
        "{path}: found more bytes after the {expected} that its header promises, expected the file to end there; its \
         header is wrong or something was appended, fetch it again"
    )]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Bytes promised, header included, after decompression.
        expected: u64,
    },

    /// Sizes whose product this machine can't address or hold.
    #[error(
        "{path}: found a size of {found}, expected one that fits into memory; check the header or the sizes asked for"
    )]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The sizes.
        found: String,
    },

    /// More than this machine's memory holds.
    #[error(
        "{path}: found {what}, which take {memory} while they are loaded, expected what fits into the memory that is free; use \
         fewer of them (`data.limit`) or smaller ones, or free memory"
    )]
    OutOfMemory {
        /// The file or folder.
        path: PathBuf,
        /// Images, how many of which shape.
        what: String,
        /// The memory that they take, in words.
        memory: String,
    },

    /// Images and labels that don't belong together.
    #[error(
        "{labels_path}: found {labels} labels, expected {images}, one for each image in {images_path}; use two files of \
         the same set"
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// Images in it.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Labels in it.
        labels: usize,
    },

    /// A label outside its range.
    #[error(
        "{path}: found label {found} at record {record} (counted from 0), expected 0 to {}; the file is corrupt or in \
         another format",
        classes.saturating_sub(1)
    )]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// Which record.
        record: usize,
        /// The label there.
        found: u32,
        /// How many classes there are.
        classes: usize,
    },

    /// A file of label names that doesn't list as many as there are classes.
    #[error(
        "{path}: found {found} label names, expected {expected}, one a line; correct the file or remove it"
    )]
    LabelNames {
        /// The file.
        path: PathBuf,
        /// Names in it.
        found: usize,
        /// Classes.
        expected: usize,
    },

    /// A file of fixed-size records whose length isn't a multiple of the record.
    #[error(
        "{path}: found {found} bytes, expected a multiple of {record} (one record each); the file is cut short or in \
         another format, fetch it again"
    )]
    RecordSize {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        found: u64,
        /// Bytes in one record.
        record: u64,
    },

    /// Images of another shape than asked for.
    #[error(
        "{path}: found images of {}, expected {} (channels x height x width); change the configured shape or the images",
        dims(found),
        dims(expected)
    )]
    WrongShape {
        /// The file or folder.
        path: PathBuf,
        /// Its `[channels, height, width]`.
        found: [usize; 3],
        /// The `[channels, height, width]` asked for.
        expected: [usize; 3],
    },

    /// Images of sizes of their own, and no word of the one that they are to be brought to.
    #[error(
        "{path}: found images of sizes of their own and no shape that they are brought to, expected channels, height and \
         width in the options; give them"
    )]
    NoShape {
        /// The folder.
        path: PathBuf,
    },

    /// A PNG or JPEG that doesn't decode.
    #[error(
        "{path}: found no decodable image ({}), expected a PNG or JPEG file; replace the file or move it away",
        one_line(source)
    )]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: Box<image::ImageError>,
    },

    /// A folder in which some images have a label (a sub-folder) and some have none.
    #[error(
        "{path}: found images both directly inside ({loose}) and in sub-folders ({labelled}), expected one or the other; \
         move the loose images into a sub-folder named after their label, or all images up"
    )]
    MixedLabels {
        /// The folder.
        path: PathBuf,
        /// An image without a label.
        loose: String,
        /// An image with one.
        labelled: String,
    },

    /// A folder inside a label's folder.
    #[error(
        "{path}: found a folder inside a label's folder, expected only images there (sub-folders are labels, one level \
         deep); move its images up or give a folder further down"
    )]
    Nested {
        /// The folder too deep.
        path: PathBuf,
    },

    /// A folder of images without a test part.
    #[error(
        "{path}: found images but no test split, expected the sub-folders `train` and `test`; make both, or use the \
         training split"
    )]
    NoTestSplit {
        /// The folder.
        path: PathBuf,
    },

    /// An option outside its range.
    #[error("image option `{option}`: found {found}, expected {expected}; change it")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Its value.
        found: usize,
        /// The range.
        expected: &'static str,
    },

    /// A pixel buffer whose length isn't a multiple of the image size.
    #[error(
        "image buffer: found {found} pixels, expected a multiple of {} (channels x height x width, none of them 0)",
        dims(shape)
    )]
    PixelCount {
        /// Pixels in the buffer.
        found: usize,
        /// `[channels, height, width]` of one image.
        shape: [usize; 3],
    },

    /// Labels in memory that don't fit the images or the names.
    #[error("image labels: found {found}, expected {expected}")]
    Labels {
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

impl DataError {
    /// An adapter for `map_err`: an I/O error at `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// An adapter for `map_err`: a file at `path` that isn't read.
    pub(super) fn input(path: &Path) -> impl FnOnce(InputError) -> Self {
        let path = path.to_owned();
        move |source| match source {
            InputError::Io(source) => Self::Io { path, source },
            source => Self::Input { path, source },
        }
    }

    /// Whether a part of a data set isn't there at all, and not that it can't be used.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoTestSplit { .. })
    }
}

/// A message of another library in one line.
pub(super) fn one_line(message: &impl std::fmt::Display) -> String {
    let message = message.to_string();
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `[1, 28, 28]` as `1x28x28`.
fn dims(shape: &[usize; 3]) -> String {
    format!("{}x{}x{}", shape[0], shape[1], shape[2])
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;

//! The formats of data sets in folders, in the order in which they are looked for: one file and one
//! line each.

mod cifar10;
mod idx;
mod image_folder;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

pub use cifar10::Cifar10;
pub use idx::Idx;
pub use image_folder::ImageFolder;

use super::{DataError, Images, ReadOptions, Split};
use crate::files::input_file::special;

/// A way in which a data set lies in a folder.
pub trait Format: Debug + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What it is recognised by, in words.
    fn looked_for(&self) -> String;

    /// Whether a data set of this format lies in `folder`, which is one.
    ///
    /// # Errors
    /// [`DataError::Io`] if the folder can't be listed.
    fn is_in(&self, folder: &Path) -> Result<bool, DataError>;

    /// Reads one split, with its labels if it has any.
    ///
    /// # Errors
    /// If the split isn't there, is damaged, has images of another shape than `options` ask for, or
    /// doesn't fit into memory.
    fn read(&self, folder: &Path, split: Split, options: &ReadOptions)
    -> Result<Images, DataError>;
}

/// All formats; where files of several lie in one folder, the first of them is meant.
pub static FORMATS: &[&dyn Format] = &[&Idx, &Cifar10, &ImageFolder];

/// Finds the format of a folder from the names of the files in it.
///
/// # Errors
/// [`DataError::NotAFolder`], [`DataError::Io`] if the folder can't be listed, or
/// [`DataError::UnknownFormat`] with all that was looked for.
pub fn sniff(folder: &Path) -> Result<&'static dyn Format, DataError> {
    first_in(FORMATS, folder)
}

/// The first of some formats that lies in a folder.
fn first_in(
    formats: &[&'static dyn Format],
    folder: &Path,
) -> Result<&'static dyn Format, DataError> {
    require_folder(folder)?;
    for &format in formats {
        if format.is_in(folder)? {
            return Ok(format);
        }
    }
    Err(DataError::UnknownFormat {
        path: folder.to_owned(),
        looked_for: formats.iter().map(|format| format.looked_for()).collect(),
    })
}

/// Reads one split of whatever data set lies in `folder`.
///
/// # Errors
/// Those of [`sniff`] and of the format found.
pub fn load_folder(
    folder: &Path,
    split: Split,
    options: &ReadOptions,
) -> Result<Images, DataError> {
    sniff(folder)?.read(folder, split, options)
}

/// Whether the data set in `folder` has a split, be it damaged.
///
/// # Errors
/// Those of [`sniff`].
pub fn has_split(folder: &Path, split: Split, options: &ReadOptions) -> Result<bool, DataError> {
    // Nothing is said of the brightness of one image.
    let first = ReadOptions {
        limit: Some(1),
        white: Some(u8::MAX),
        ..*options
    };
    let read = sniff(folder)?.read(folder, split, &first);
    Ok(read.err().is_none_or(|error| !error.is_absence()))
}

/// The first of the names in `folder` under which a file lies. Folders don't count, as archives
/// unpack into folders of the names of their files; a pipe, a device or a link to nothing counts
/// where there is no file, so that it is said what is wrong with it.
fn find_file(folder: &Path, names: &[String]) -> Option<PathBuf> {
    let paths = || names.iter().map(|name| folder.join(name));
    paths()
        .find(|path| path.is_file())
        .or_else(|| paths().find(|path| !path.is_dir() && path.symlink_metadata().is_ok()))
}

/// The check that every reader of a folder starts with.
fn require_folder(path: &Path) -> Result<(), DataError> {
    let found = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(metadata) => special(metadata.file_type()).unwrap_or("a file"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "nothing",
        Err(error) => return Err(DataError::io(path)(error)),
    };
    Err(DataError::NotAFolder {
        path: path.to_owned(),
        found,
    })
}

#[cfg(test)]
#[path = "formats_tests.rs"]
mod tests;

//! Data sets in memory and the readers of their files: IDX (MNIST), CIFAR-10, image folders, embedded digits, problems of the plane.
//!
//! Nothing here knows a tensor: images are bytes, points are `f32`, both on the host. Every reader checks what it reads, and
//! every error says in one line where, what was found, what was expected, and what to do.
//!
//! [`load_folder`] is the door for a path that a user gives; [`digits`](digits()) needs none.

mod binarize;
mod cifar;
mod dataset;
mod decode;
mod digits;
mod error;
mod files;
mod folder;
pub mod idx;
mod labels;
mod mnist;
mod plane;
mod turns;
mod wanted;
mod whole;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use binarize::Binarize;
pub use cifar::load_cifar_folder;
pub use cifar::read_cifar_folder;
pub use dataset::Images;
pub use decode::{Fit, ImageOptions};
pub use digits::digits;
pub use error::DataError;
pub use files::{load_image_files, load_image_files_like};
pub use folder::load_image_folder;
pub use folder::read_image_folder;
pub use labels::Labels;
pub use mnist::load_idx_folder;
pub use mnist::read_idx_folder;
pub use plane::{
    PLANE_RANGE, Plane, PlaneDensity, PlaneProblem, Points, UnknownPlaneProblem, two_moons,
};
pub use wanted::Wanted;

use crate::files::input_file::special;

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What a model is trained on.
    #[default]
    Train,
    /// What it is judged by.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}

/// How a data set lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// IDX files under MNIST's names: [`load_idx_folder`].
    Idx,
    /// CIFAR-10, binary version: [`load_cifar_folder`].
    Cifar10,
    /// PNG and JPEG files: [`load_image_folder`].
    ImageFolder,
}

/// Finds the format of a folder from the names of the files in it; IDX goes before CIFAR-10, CIFAR-10 before images.
///
/// # Errors
/// [`DataError::NotAFolder`], [`DataError::Io`] if the folder can't be listed, or [`DataError::UnknownFormat`] with all that
/// was looked for.
pub fn sniff(folder: &Path) -> Result<Format, DataError> {
    require_folder(folder)?;
    if mnist::is_idx_folder(folder) {
        Ok(Format::Idx)
    } else if cifar::is_cifar_folder(folder) {
        Ok(Format::Cifar10)
    } else if folder::is_image_folder(folder)? {
        Ok(Format::ImageFolder)
    } else {
        Err(DataError::UnknownFormat {
            path: folder.to_owned(),
            looked_for: vec![
                "IDX files (train-images-idx3-ubyte or t10k-images-idx3-ubyte, with .gz or without)".into(),
                "CIFAR-10, binary version (data_batch_1.bin to data_batch_5.bin, test_batch.bin)".into(),
                folder::looked_for(),
            ],
        })
    }
}

/// Reads one split of whatever data set lies in `folder`.
///
/// `options` are for folders of PNG and JPEG files; IDX and CIFAR-10 images come in their own shape, whatever they say.
///
/// # Errors
/// Those of [`sniff`] and of the reader of the format found.
pub fn load_folder(
    folder: &Path,
    split: Split,
    options: &ImageOptions,
) -> Result<Images, DataError> {
    match sniff(folder)? {
        Format::Idx => load_idx_folder(folder, split),
        Format::Cifar10 => load_cifar_folder(folder, split),
        Format::ImageFolder => load_image_folder(folder, split, options),
    }
}

/// The first of the names in `folder` under which a file lies. Folders don't count, as archives unpack into folders of the
/// names of their files; a pipe, a device or a link to nothing counts where there is no file, so that it is said what is wrong
/// with it.
fn find_file(folder: &Path, names: &[String]) -> Option<PathBuf> {
    let paths = || names.iter().map(|name| folder.join(name));
    paths()
        .find(|path| path.is_file())
        .or_else(|| paths().find(|path| !path.is_dir() && path.symlink_metadata().is_ok()))
}

/// The check that every folder reader starts with.
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
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const OPTIONS: ImageOptions = ImageOptions {
        channels: 3,
        height: 4,
        width: 4,
        fit: Fit::Crop,
    };

    #[test]
    fn each_format_is_recognised_and_read() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Each format added goes before those that lie there already.
        fs::create_dir(at("cat")).unwrap();
        image::GrayImage::new(5, 7).save(at("cat/1.png")).unwrap();
        assert_eq!(sniff(folder.path()).unwrap(), Format::ImageFolder);
        assert_eq!(
            load_folder(folder.path(), Split::Train, &OPTIONS)
                .unwrap()
                .shape(),
            [3, 4, 4]
        );

        fs::write(at("test_batch.bin"), [0; 3_073]).unwrap();
        assert_eq!(sniff(folder.path()).unwrap(), Format::Cifar10);
        assert_eq!(
            load_folder(folder.path(), Split::Test, &OPTIONS)
                .unwrap()
                .shape(),
            [3, 32, 32]
        );

        let images = Images::new(vec![0; 6], [1, 2, 3]).unwrap();
        idx::write_images(&at("t10k-images-idx3-ubyte.gz"), &images).unwrap();
        assert_eq!(sniff(folder.path()).unwrap(), Format::Idx);
        assert_eq!(
            load_folder(folder.path(), Split::Test, &OPTIONS).unwrap(),
            images
        );
    }

    #[test]
    fn images_in_splits_are_recognised() {
        let folder = TempDir::new().unwrap();
        for name in ["train/cat", "test/cat"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
            image::GrayImage::new(4, 4)
                .save(folder.path().join(name).join("1.jpg"))
                .unwrap();
        }
        assert_eq!(sniff(folder.path()).unwrap(), Format::ImageFolder);
        assert_eq!(
            load_folder(folder.path(), Split::Test, &OPTIONS)
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn a_folder_that_fits_nothing_lists_what_was_looked_for() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("readme.txt"), "nothing here").unwrap();
        let error = sniff(folder.path()).unwrap_err();
        let message = error.to_string();
        for name in ["train-images-idx3-ubyte", "data_batch_1.bin", "*.jpeg"] {
            assert!(message.contains(name), "{message}");
        }
        assert!(!message.contains('\n'), "{message}");
        let error = sniff(&folder.path().join("readme.txt")).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::NotAFolder {
                    found: "a file",
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn splits_are_written_as_they_are_read() {
        assert_eq!(
            [Split::Train, Split::Test].map(|split| split.to_string()),
            ["train", "test"]
        );
    }
}

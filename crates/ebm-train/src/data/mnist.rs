//! A folder of IDX files under the usual four names: MNIST, Fashion-MNIST and their relatives.

use std::path::{Path, PathBuf};

use super::idx::{read_images, read_labels};
use super::{DataError, Images, Split, require_folder};

/// Reads one split of a folder of IDX files, with its labels if they lie there too.
///
/// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, for the test split `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`; `.idx3-ubyte` in place of `-idx3-ubyte` and a further `.gz` will do too, and `idx4` in place
/// of `idx3` for images with channels. If several lie there, a plain file goes before a gzip one, a dash before a dot.
///
/// # Errors
/// [`DataError::NotFound`] with the names if there is no file of images, [`DataError::CountMismatch`] if labels and images
/// differ in number, and whatever [`read_images`] and [`read_labels`] find.
pub fn load_idx_folder(folder: &Path, split: Split) -> Result<Images, DataError> {
    require_folder(folder)?;
    let images_path = find(folder, &image_names(split)).ok_or_else(|| DataError::NotFound {
        path: folder.to_owned(),
        looked_for: image_names(split),
    })?;
    let images = read_images(&images_path)?;
    let Some(labels_path) = find(folder, &names(split, "labels", &["idx1"])) else {
        return Ok(images);
    };
    let labels = read_labels(&labels_path)?;
    if labels.len() != images.len() {
        return Err(DataError::CountMismatch {
            images_path,
            images: images.len(),
            labels_path,
            labels: labels.len(),
        });
    }
    images.with_labels(labels, None)
}

/// Whether the images of either split lie in `folder`.
pub(super) fn is_idx_folder(folder: &Path) -> bool {
    [Split::Train, Split::Test]
        .iter()
        .any(|&split| find(folder, &image_names(split)).is_some())
}

fn image_names(split: Split) -> Vec<String> {
    names(split, "images", &["idx3", "idx4"])
}

fn names(split: Split, what: &str, formats: &[&str]) -> Vec<String> {
    let stem = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let mut names = Vec::new();
    for format in formats {
        for suffix in ["", ".gz"] {
            for separator in ["-", "."] {
                names.push(format!("{stem}-{what}{separator}{format}-ubyte{suffix}"));
            }
        }
    }
    names
}

/// The first of the names that is a file. (Kaggle's archives unpack into folders of these names: those don't count.)
fn find(folder: &Path, names: &[String]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::idx::{write_images, write_labels};
    use super::*;

    fn images(count: usize, value: u8) -> Images {
        Images::new(vec![value; count * 4], [1, 2, 2]).unwrap()
    }

    #[test]
    fn each_spelling_of_the_names_is_found() {
        for name in [
            "-images-idx3-ubyte",
            "-images-idx3-ubyte.gz",
            "-images.idx3-ubyte",
            "-images.idx3-ubyte.gz",
            "-images-idx4-ubyte",
        ] {
            let folder = TempDir::new().unwrap();
            write_images(&folder.path().join(format!("train{name}")), &images(2, 1)).unwrap();
            write_images(&folder.path().join(format!("t10k{name}")), &images(3, 9)).unwrap();
            assert!(is_idx_folder(folder.path()));
            assert_eq!(
                load_idx_folder(folder.path(), Split::Train).unwrap(),
                images(2, 1),
                "{name}"
            );
            assert_eq!(
                load_idx_folder(folder.path(), Split::Test).unwrap(),
                images(3, 9),
                "{name}"
            );
        }
    }

    #[test]
    fn labels_are_read_if_they_are_there() {
        let folder = TempDir::new().unwrap();
        write_images(
            &folder.path().join("train-images-idx3-ubyte"),
            &images(2, 1),
        )
        .unwrap();
        assert_eq!(
            load_idx_folder(folder.path(), Split::Train)
                .unwrap()
                .labels(),
            None
        );
        write_labels(&folder.path().join("train-labels.idx1-ubyte.gz"), &[4, 7]).unwrap();
        let loaded = load_idx_folder(folder.path(), Split::Train).unwrap();
        assert_eq!(loaded.labels(), Some(&[4, 7][..]));
    }

    #[test]
    fn counts_that_differ_name_both_files() {
        let folder = TempDir::new().unwrap();
        write_images(&folder.path().join("t10k-images-idx3-ubyte"), &images(2, 1)).unwrap();
        write_labels(&folder.path().join("t10k-labels-idx1-ubyte"), &[1, 2, 3]).unwrap();
        let error = load_idx_folder(folder.path(), Split::Test).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::CountMismatch {
                    images: 2,
                    labels: 3,
                    ..
                }
            ),
            "{error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("t10k-images-idx3") && message.contains("t10k-labels-idx1"),
            "{message}"
        );
    }

    #[test]
    fn a_missing_split_lists_the_names() {
        let folder = TempDir::new().unwrap();
        write_images(
            &folder.path().join("train-images-idx3-ubyte"),
            &images(2, 1),
        )
        .unwrap();
        fs::create_dir(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        let error = load_idx_folder(folder.path(), Split::Test).unwrap_err();
        assert!(matches!(error, DataError::NotFound { .. }), "{error}");
        assert!(
            error.to_string().contains("t10k-images-idx3-ubyte.gz"),
            "{error}"
        );
        assert!(!error.to_string().contains("train"), "{error}");
    }

    #[test]
    fn a_path_that_is_no_folder_says_so() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        for (path, found) in [(file, "a file"), (folder.path().join("absent"), "nothing")] {
            let error = load_idx_folder(&path, Split::Train).unwrap_err();
            assert!(
                matches!(error, DataError::NotAFolder { found: f, .. } if f == found),
                "{error}"
            );
        }
    }
}

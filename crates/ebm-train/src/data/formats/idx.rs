//! A folder of IDX files under the usual four names: MNIST, Fashion-MNIST and their relatives.

use std::path::Path;

use super::{Format, find_file, require_folder};
use crate::data::idx::{read_images_with, read_labels};
use crate::data::{DataError, Images, Labels, ReadOptions, Split};

/// IDX files under MNIST's names, with labels if they lie there too.
///
/// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, for the test split
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`; `.idx3-ubyte` in place of `-idx3-ubyte`
/// and a further `.gz` will do too, and `idx4` in place of `idx3` for images with channels. If
/// several lie there, a plain file goes before a gzip one, a dash before a dot.
///
/// Images whose bytes are nothing but 0 and 1 are masks, which become 0 and 255. Labels that can't
/// be used are said by a warning and left out: images are read without them.
#[derive(Debug, Clone, Copy)]
pub struct Idx;

impl Format for Idx {
    fn name(&self) -> &'static str {
        "IDX"
    }

    fn looked_for(&self) -> String {
        "IDX files (train-images-idx3-ubyte or t10k-images-idx3-ubyte, with .gz or without)".into()
    }

    fn is_in(&self, folder: &Path) -> Result<bool, DataError> {
        let mut splits = [Split::Train, Split::Test].into_iter();
        Ok(splits.any(|split| find_file(folder, &image_names(split)).is_some()))
    }

    /// Reads one split.
    ///
    /// # Errors
    /// [`DataError::NotFound`] with the names if there is no file of images, and whatever
    /// [`read_images`](crate::data::idx::read_images) finds.
    fn read(
        &self,
        folder: &Path,
        split: Split,
        options: &ReadOptions,
    ) -> Result<Images, DataError> {
        require_folder(folder)?;
        let names = image_names(split);
        let path = find_file(folder, &names).ok_or_else(|| DataError::NotFound {
            path: folder.to_owned(),
            looked_for: names,
        })?;
        let read = read_images_with(&path, options).map_err(|error| match error {
            // What was asked for, was asked for of the folder.
            DataError::WrongShape {
                found, expected, ..
            } => DataError::WrongShape {
                path: folder.to_owned(),
                found,
                expected,
            },
            error => error,
        });
        let (images, count, brightest) = read?;
        let images = options.spread(images, brightest, &path);
        match labels(folder, split, &path, count) {
            Ok(Some(mut labels)) => {
                labels.truncate(images.len());
                images.with_labels(labels)
            }
            Ok(None) => Ok(images),
            Err(error) => {
                tracing::warn!("labels are left out: {error}");
                Ok(images)
            }
        }
    }
}

/// The labels of `count` images, if a file of them lies there.
fn labels(
    folder: &Path,
    split: Split,
    images_path: &Path,
    count: usize,
) -> Result<Option<Labels>, DataError> {
    let Some(labels_path) = find_file(folder, &names(split, "labels", &["idx1"])) else {
        return Ok(None);
    };
    let labels = read_labels(&labels_path)?;
    if labels.len() != count {
        return Err(DataError::CountMismatch {
            images_path: images_path.to_owned(),
            images: count,
            labels_path,
            labels: labels.len(),
        });
    }
    Ok(Some(Labels::new(labels)))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::data::idx::{write_images, write_labels};

    fn load(folder: &TempDir, split: Split) -> Result<Images, DataError> {
        Idx.read(folder.path(), split, &ReadOptions::default())
    }

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
            write_images(&folder.path().join(format!("train{name}")), &images(2, 5)).unwrap();
            write_images(&folder.path().join(format!("t10k{name}")), &images(3, 9)).unwrap();
            assert!(Idx.is_in(folder.path()).unwrap());
            assert_eq!(load(&folder, Split::Train).unwrap(), images(2, 5), "{name}");
            assert_eq!(load(&folder, Split::Test).unwrap(), images(3, 9), "{name}");
        }
    }

    #[test]
    fn labels_are_read_if_they_are_there() {
        let folder = TempDir::new().unwrap();
        write_images(
            &folder.path().join("train-images-idx3-ubyte"),
            &images(2, 5),
        )
        .unwrap();
        assert_eq!(load(&folder, Split::Train).unwrap().labels(), None);
        write_labels(&folder.path().join("train-labels.idx1-ubyte.gz"), &[4, 7]).unwrap();
        let loaded = load(&folder, Split::Train).unwrap();
        assert_eq!(loaded.labels(), Some(&Labels::new(vec![4, 7])));
    }

    #[test]
    fn counts_that_differ_name_both_files() {
        let folder = TempDir::new().unwrap();
        write_labels(&folder.path().join("t10k-labels-idx1-ubyte"), &[1, 2, 3]).unwrap();
        let path = folder.path().join("t10k-images-idx3-ubyte");
        let error = labels(folder.path(), Split::Test, &path, 2).unwrap_err();
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
    fn labels_that_cannot_be_used_are_no_reason_to_refuse_images() {
        let folder = TempDir::new().unwrap();
        write_images(
            &folder.path().join("train-images-idx3-ubyte"),
            &images(2, 9),
        )
        .unwrap();
        let path = folder.path().join("train-labels-idx1-ubyte");
        let whole_numbers = [&[0, 0, 0x0c, 1, 0, 0, 0, 2][..], &[0; 8]].concat();
        for bytes in [
            // Three labels for two images, labels of four bytes each, a picture, nothing.
            &[0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3][..],
            &whole_numbers,
            b"\x89PNG\r\n",
            b"",
        ] {
            fs::write(&path, bytes).unwrap();
            let loaded = load(&folder, Split::Train).unwrap();
            assert_eq!(loaded, images(2, 9), "{bytes:?}");
        }
    }

    #[test]
    fn images_of_zero_and_one_become_black_and_white() {
        let folder = TempDir::new().unwrap();
        let write = |pixels: &[u8]| {
            let images = Images::new(pixels.to_vec(), [1, 2, 2]).unwrap();
            write_images(&folder.path().join("train-images-idx3-ubyte.gz"), &images).unwrap();
        };
        let load = |limit: Option<usize>, white: Option<u8>| {
            let options = ReadOptions {
                limit,
                white,
                ..ReadOptions::default()
            };
            let images = Idx.read(folder.path(), Split::Train, &options).unwrap();
            images.pixels().to_vec()
        };
        write(&[0, 1, 1, 0, 0, 0, 1, 1]);
        assert_eq!(load(None, None), [0, 255, 255, 0, 0, 0, 255, 255]);
        assert_eq!(load(Some(1), None), [0, 255, 255, 0]);
        assert_eq!(load(None, Some(255)), [0, 1, 1, 0, 0, 0, 1, 1]);
        // A nearly black image is none of a mask where others are grey, even where these aren't
        // kept.
        write(&[0, 1, 1, 0, 0, 7, 1, 1]);
        assert_eq!(load(None, None), [0, 1, 1, 0, 0, 7, 1, 1]);
        assert_eq!(load(Some(1), None), [0, 1, 1, 0]);
    }

    #[test]
    fn a_missing_split_lists_the_names() {
        let folder = TempDir::new().unwrap();
        write_images(
            &folder.path().join("train-images-idx3-ubyte"),
            &images(2, 5),
        )
        .unwrap();
        fs::create_dir(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        let error = load(&folder, Split::Test).unwrap_err();
        assert!(matches!(error, DataError::NotFound { .. }), "{error}");
        assert!(
            error.to_string().contains("t10k-images-idx3-ubyte.gz"),
            "{error}"
        );
        assert!(!error.to_string().contains("train"), "{error}");
    }
}

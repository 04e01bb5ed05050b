//! A folder of PNG and JPEG images, in which sub-folders are labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Format, require_folder};
use crate::data::files::decode_all;
use crate::data::{DataError, ImageOptions, Images, Labels, ReadOptions, Split};

/// The extensions of image files, in lower case.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// PNG and JPEG files, sorted by path, so that every machine sees the same order.
///
/// Images lie either directly inside (no labels) or in sub-folders, one level deep, each of which
/// is a label; the labels count the sub-folders that hold images, sorted by name. If there are both
/// a `train` and a `test` sub-folder, these are the splits, each laid out as above, and both share
/// one list of label names. Otherwise all images are the training split and there is no test split.
/// Hidden files and files of other extensions are skipped. Images are made to fit as
/// [`ReadOptions::scale_to`] says; the format is found from the content, and EXIF orientation is
/// applied. Images that are nothing but 0 and 1 are masks, which become 0 and 255.
///
/// # Shapes
/// `[count, channels, height, width]`, as [`ReadOptions::scale_to`] says
#[derive(Debug, Clone, Copy)]
pub struct ImageFolder;

impl Format for ImageFolder {
    fn name(&self) -> &'static str {
        "image folder"
    }

    fn looked_for(&self) -> String {
        format!(
            "images ({}) directly inside or in sub-folders named after their labels",
            patterns()
        )
    }

    fn is_in(&self, folder: &Path) -> Result<bool, DataError> {
        let splits = ["train", "test"].map(|name| folder.join(name));
        for root in std::iter::once(folder).chain(splits.iter().map(PathBuf::as_path)) {
            if !root.is_dir() {
                continue;
            }
            for path in visible(root)? {
                if is_image(&path)
                    || path.is_dir() && visible(&path)?.iter().any(|path| is_image(path))
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Reads one split.
    ///
    /// # Errors
    /// [`DataError::NoShape`], [`DataError::Option`], [`DataError::NotAFolder`],
    /// [`DataError::Empty`], [`DataError::NoTestSplit`], [`DataError::MixedLabels`],
    /// [`DataError::Nested`], [`DataError::WrongShape`], [`DataError::OutOfMemory`],
    /// [`DataError::Io`], [`DataError::Input`] for a pipe or a device of the name of an image, or
    /// [`DataError::Decode`] for the first file in order that is no image.
    fn read(
        &self,
        folder: &Path,
        split: Split,
        options: &ReadOptions,
    ) -> Result<Images, DataError> {
        let shape = options.scale_to.ok_or_else(|| DataError::NoShape {
            path: folder.to_owned(),
        })?;
        shape.validate()?;
        require_folder(folder)?;
        let (train, test, is_split) = splits(folder);
        let (folder, listing, names) = if is_split {
            let (train_listing, test_listing) = (list(&train)?, list(&test)?);
            let names: BTreeSet<String> = train_listing
                .labelled
                .keys()
                .chain(test_listing.labelled.keys())
                .cloned()
                .collect();
            match split {
                Split::Train => (train, train_listing, names),
                Split::Test => (test, test_listing, names),
            }
        } else {
            let listing = list(folder)?;
            let names = listing.labelled.keys().cloned().collect();
            (folder.to_owned(), listing, names)
        };
        listing.check(&folder)?;
        if split == Split::Test && !is_split {
            return Err(DataError::NoTestSplit { path: folder });
        }
        if listing.labelled.is_empty() {
            return read_all(&folder, &listing.loose, &shape, options);
        }
        let mut files = Vec::new();
        let mut labels = Vec::new();
        for (label, name) in names.iter().enumerate() {
            let images = listing.labelled.get(name).map_or(&[][..], Vec::as_slice);
            labels.resize(labels.len() + images.len(), label as u32);
            files.extend_from_slice(images);
        }
        let images = read_all(&folder, &files, &shape, options)?;
        labels.truncate(images.len());
        images.with_labels(Labels::named(labels, names.into_iter().collect())?)
    }
}

impl ImageFolder {
    /// The files of the training split, and the number of labels if there are any.
    ///
    /// # Errors
    /// As reading it, of the folder.
    pub(in crate::data) fn training_files(
        folder: &Path,
    ) -> Result<(Vec<PathBuf>, Option<usize>), DataError> {
        let (train, _, is_split) = splits(folder);
        let folder = if is_split { &train } else { folder };
        let listing = list(folder)?;
        listing.check(folder)?;
        let classes = listing.labelled.len();
        let files = listing.labelled.into_values().flatten();
        let files = files.chain(listing.loose).collect();
        Ok((files, (classes > 0).then_some(classes)))
    }
}

/// The folders of the splits, and whether both are there.
fn splits(folder: &Path) -> (PathBuf, PathBuf, bool) {
    let [train, test] = ["train", "test"].map(|name| folder.join(name));
    let is_split = [&train, &test].iter().all(|folder| folder.is_dir());
    (train, test, is_split)
}

fn patterns() -> String {
    EXTENSIONS
        .map(|extension| format!("*.{extension}"))
        .join(", ")
}

/// The image files of one folder, each group sorted by name.
struct Listing {
    loose: Vec<PathBuf>,
    /// By label; no label without an image.
    labelled: BTreeMap<String, Vec<PathBuf>>,
}

impl Listing {
    /// At least one image, and either all or none in sub-folders.
    fn check(&self, folder: &Path) -> Result<(), DataError> {
        let first = self
            .labelled
            .values()
            .next()
            .and_then(|files| files.first());
        match (self.loose.first(), first) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(loose), Some(labelled)) => {
                let inside = |path: &Path| {
                    path.strip_prefix(folder)
                        .unwrap_or(path)
                        .display()
                        .to_string()
                };
                Err(DataError::MixedLabels {
                    path: folder.to_owned(),
                    loose: inside(loose),
                    labelled: inside(labelled),
                })
            }
            (None, None) => Err(DataError::Empty {
                path: folder.to_owned(),
                what: format!("image ({})", patterns()),
                hint: "put images directly inside or into sub-folders named after their labels",
            }),
        }
    }
}

fn list(folder: &Path) -> Result<Listing, DataError> {
    let mut listing = Listing {
        loose: Vec::new(),
        labelled: BTreeMap::new(),
    };
    for path in visible(folder)? {
        if !path.is_dir() {
            if is_image(&path) {
                listing.loose.push(path);
            }
            continue;
        }
        let inside = visible(&path)?;
        if let Some(nested) = inside.iter().find(|path| path.is_dir()) {
            return Err(DataError::Nested {
                path: nested.clone(),
            });
        }
        let files: Vec<PathBuf> = inside.into_iter().filter(|path| is_image(path)).collect();
        if !files.is_empty() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            listing.labelled.entry(name).or_default().extend(files);
        }
    }
    Ok(listing)
}

/// The entries of a folder that aren't hidden, sorted by name.
fn visible(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(DataError::io(folder))? {
        let entry = entry.map_err(DataError::io(folder))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether the name is that of an image. A dangling link counts: it is an error to report, not a
/// file to skip.
fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    EXTENSIONS.contains(&extension.as_str()) && !path.is_dir()
}

/// Decodes the files of a folder.
fn read_all(
    folder: &Path,
    files: &[PathBuf],
    shape: &ImageOptions,
    options: &ReadOptions,
) -> Result<Images, DataError> {
    let images = decode_all(folder, files, shape, options)?;
    let brightest = images.brightest();
    Ok(options.spread(images, brightest, folder))
}

#[cfg(test)]
#[path = "image_folder_tests.rs"]
mod tests;

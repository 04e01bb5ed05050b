//! Tests of the list of formats: what lies in a folder is recognised, read, or said to be missing.
#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::data::{Fit, ImageOptions, idx};

const SHAPE: ImageOptions = ImageOptions {
    channels: 3,
    height: 4,
    width: 4,
    fit: Fit::Crop,
};

fn load(folder: &TempDir, split: Split) -> Images {
    load_folder(folder.path(), split, &SHAPE.into()).unwrap()
}

fn name(folder: &TempDir) -> &'static str {
    sniff(folder.path()).unwrap().name()
}

#[test]
fn each_format_is_recognised_and_read() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Each format added goes before those that lie there already.
    fs::create_dir(at("cat")).unwrap();
    image::GrayImage::new(5, 7).save(at("cat/1.png")).unwrap();
    assert_eq!(name(&folder), ImageFolder.name());
    assert_eq!(load(&folder, Split::Train).shape(), [3, 4, 4]);

    fs::write(at("test_batch.bin"), [0; 3_073]).unwrap();
    assert_eq!(name(&folder), Cifar10.name());
    assert_eq!(load(&folder, Split::Test).shape(), [3, 32, 32]);

    let images = Images::new(vec![0; 6], [1, 2, 3]).unwrap();
    idx::write_images(&at("t10k-images-idx3-ubyte.gz"), &images).unwrap();
    assert_eq!(name(&folder), Idx.name());
    assert_eq!(load(&folder, Split::Test), images);
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
    assert_eq!(name(&folder), ImageFolder.name());
    assert_eq!(load(&folder, Split::Test).len(), 1);
}

#[test]
fn a_folder_that_fits_nothing_lists_what_was_looked_for() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("readme.txt"), "nothing here").unwrap();
    let message = sniff(folder.path()).unwrap_err().to_string();
    for name in ["train-images-idx3-ubyte", "data_batch_1.bin", "*.jpeg"] {
        assert!(message.contains(name), "{message}");
    }
    for format in FORMATS {
        assert!(message.contains(&format.looked_for()), "{message}");
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
fn a_path_that_is_no_folder_says_so() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for (path, what) in [(file, "a file"), (folder.path().join("absent"), "nothing")] {
        for format in FORMATS {
            let error = format.read(&path, Split::Train, &SHAPE.into()).unwrap_err();
            assert!(
                matches!(error, DataError::NotAFolder { found, .. } if found == what),
                "{}: {error}",
                format.name()
            );
        }
    }
}

/// One grey pixel for each byte of a file `pixels`.
#[derive(Debug)]
struct Toy;

impl Format for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn looked_for(&self) -> String {
        "a toy (pixels)".into()
    }

    fn is_in(&self, folder: &Path) -> Result<bool, DataError> {
        Ok(folder.join("pixels").is_file())
    }

    fn read(&self, folder: &Path, _: Split, options: &ReadOptions) -> Result<Images, DataError> {
        let path = folder.join("pixels");
        let pixels = fs::read(&path).map_err(DataError::io(&path))?;
        let images = Images::new(pixels, [1, 1, 1])?;
        Ok(images.take(options.limit.unwrap_or(usize::MAX)))
    }
}

#[test]
fn a_format_that_is_put_on_the_list_is_found_and_looked_for() {
    let formats = [&[&Toy as &dyn Format], FORMATS].concat();
    let folder = TempDir::new().unwrap();
    let message = first_in(&formats, folder.path()).unwrap_err().to_string();
    assert!(message.contains("one of: a toy (pixels); IDX"), "{message}");
    fs::write(folder.path().join("pixels"), [7, 8, 9]).unwrap();
    let format = first_in(&formats, folder.path()).unwrap();
    let options = ReadOptions {
        limit: Some(2),
        ..ReadOptions::default()
    };
    let images = format.read(folder.path(), Split::Train, &options).unwrap();
    assert_eq!(images.pixels(), [7, 8]);
}
